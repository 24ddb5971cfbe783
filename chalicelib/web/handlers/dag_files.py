"""Files beside DAG files: lists, and the beginning of one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from chalicelib import bootstrap
from chalicelib.database.reads import dags, files
from chalicelib.errors import NotFound
from chalicelib.web.artifact_previews import preview_object
from chalicelib.web.handlers.not_found import not_found, require
from chalicelib.web.handlers.read_transaction import read_transaction
from chalicelib.web.list_responses import DagFileList
from chalicelib.web.param_types import Cursor
from chalicelib.web.request_parsing import Call
from chalicelib.web.response_models import DagFileContent, extend


def list_files(call: Call) -> DagFileList:
    query = call.query
    with read_transaction() as tx:
        version, list_sha256 = _version(tx, call)
        page = files.list_files(tx, list_sha256, limit=query["limit"], after=query["cursor"])
    return DagFileList(page.items, Cursor("files", is_text=True).encode(page.next_key), version)


def get_content(call: Call) -> DagFileContent:
    dag_id, path = call.path["dag_id"], call.query["path"]
    with read_transaction() as tx:
        version, list_sha256 = _version(tx, call)
        listed = files.find(tx, list_sha256, path)
    what = f"file beside version {version} of DAG {dag_id!r} called"
    file = require(listed, what, path, f"/api/dags/{dag_id}/files")
    shown = preview_object(
        bootstrap.scheduler().runs, files.key_of(file), file.path, file.size_bytes
    )
    return extend(DagFileContent, file, version=version, **asdict(shown))


def _version(tx: Any, call: Call) -> tuple[int, str]:
    """The number of the version, and the list of its files. Raises NotFound."""
    dag_id, version = call.path["dag_id"], call.query["version"]
    pinned = files.version_of(tx, dag_id, version)
    if pinned is None and dags.exists(tx, dag_id):
        raise NotFound(
            f"DAG {dag_id!r} has no version {version}, or it was deleted; "
            f"GET /api/dags/{dag_id}/versions lists those that are kept"
        )
    if pinned is None:
        raise not_found("DAG", dag_id, "/api/dags")
    return pinned
