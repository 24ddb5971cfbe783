"""DAG files in the dags bucket: reading and saving them, for editors."""

from __future__ import annotations

import re

from chalicelib import bootstrap
from chalicelib.errors import Forbidden, InvalidRequest, PreconditionRequired
from chalicelib.ports import EditableBucket
from chalicelib.scheduler.commands import dag_files
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import DagFileInBucket, SavedDagFile
from chalicelib.web.responses import ResponseWithStatus

_ETAG = re.compile(r'"([^"]+)"')


def get_dag_file(call: Call) -> ResponseWithStatus:
    key = call.query["key"]
    stored = dag_files.read(_bucket(), key)
    try:
        source = stored.body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(
            f"{key!r} is not UTF-8: invalid byte at {error.start}; replace it in the bucket"
        ) from None
    return ResponseWithStatus(DagFileInBucket(key, source, stored.etag), etag=stored.etag)


def save_dag_file(call: Call) -> ResponseWithStatus:
    key = call.query["key"]
    saved = dag_files.save(
        bootstrap.scheduler(),
        _bucket(),
        key,
        call.text,
        based_on=_based_on(call),
        who=call.who,
    )
    status = 201 if saved.is_new else 200
    return ResponseWithStatus(SavedDagFile(key, saved.etag), status, etag=saved.etag)


def _bucket() -> EditableBucket:
    """Raises Forbidden where the editor is switched off."""
    editable = bootstrap.ports().editable_dags
    if editable is None:
        raise Forbidden(
            "editing DAG files is switched off (ORCHESTRATOR_EDITOR); copy files to the dags bucket"
            " instead, or ask who runs this installation to switch it on"
        )
    return editable()


def _based_on(call: Call) -> str | None:
    """The ETag that the file must have; None if there must be none. Raises PreconditionRequired,
    InvalidRequest."""
    if call.if_match is None and call.if_none_match == "*":
        return None
    if call.if_match is None:
        raise PreconditionRequired(
            "say which file you are replacing: send its ETag in the header If-Match, or"
            " If-None-Match: * for a new file"
        )
    match = _ETAG.fullmatch(call.if_match.strip())
    if match is None:
        raise InvalidRequest(
            'the header If-Match must be one ETag in quotation marks, such as "9b2cf535f27731c9"'
        )
    return match[1]
