"""What the functions asked of AWS, as the permissions that it takes there.

moto answers everybody everything, so a permission that is missing shows on AWS only. Here the
server notes each request with the function whose credentials have signed it.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, unquote
from xml.etree import ElementTree

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication

from infra.names import Location
from tests.integration.bundle.sandbox import OF_A_FUNCTION
from tests.integration.infra.in_moto import MOTOS_ACCOUNT, REGION

LOCATION = Location("aws", REGION, MOTOS_ACCOUNT)

Needed = tuple[str, str]
"""An action and a resource."""

_SIGNED = re.compile(r"Credential=(?P<key>[^/]+)/\d+/[^/]+/(?P<service>[^/]+)/")


@dataclass
class Seen:
    """Requests by the name of the function."""

    _needed: dict[str, set[Needed]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, request: _Request, status: int) -> None:
        if request.function:
            with self._lock:
                self._needed.setdefault(request.function, set()).update(_needs(request, status))

    def of(self, function: str) -> set[Needed]:
        """What it needed so far."""
        with self._lock:
            return {*self._needed.get(function, ())}


@dataclass(frozen=True)
class _Request:
    function: str
    service: str
    method: str
    path: str
    query: str
    target: str
    body: bytes


@contextmanager
def every_request_is_seen() -> Iterator[Seen]:
    """Record every request from now on, whichever moto server of this process answers it."""
    seen = Seen()
    answer = DomainDispatcherApplication.__call__

    def noting(self: Any, environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        request = _read(environ)

        def started(status: str, *rest: Any) -> Any:
            seen.note(request, int(status.split()[0]))
            return start(status, *rest)

        return answer(self, environ, started)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(DomainDispatcherApplication, "__call__", noting)
        yield seen


def allows(document: dict[str, Any], needed: Needed) -> bool:
    """Whether IAM would allow it by this policy, its conditions aside."""
    action, resource = needed
    return any(
        statement["Effect"] == "Allow"
        and action in statement["Action"]
        and any(fnmatchcase(resource, pattern) for pattern in statement["Resource"])
        for statement in document["Statement"]
    )


def _read(environ: dict[str, Any]) -> _Request:
    signed = _SIGNED.search(environ.get("HTTP_AUTHORIZATION", ""))
    key, service = signed.groups() if signed else ("", "")
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    return _Request(
        key.removeprefix(OF_A_FUNCTION) if key.startswith(OF_A_FUNCTION) else "",
        service,
        environ["REQUEST_METHOD"],
        unquote(environ["PATH_INFO"]),
        environ.get("QUERY_STRING", ""),
        environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2],
        body,
    )


def _needs(request: _Request, status: int) -> Iterator[Needed]:
    if request.service == "s3":
        yield from _of_s3(request, status)
    elif request.target:
        asked = json.loads(request.body)
        yield (
            f"{request.service}:{request.target.removesuffix('Batch')}",
            _resource(request.service, asked),
        )
    else:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        yield f"{request.service}:{form['Action']}", form.get("TopicArn") or form["RoleArn"]


def _resource(service: str, asked: dict[str, Any]) -> str:
    match service:
        case "sqs":
            name = asked.get("QueueName") or asked["QueueUrl"].rsplit("/", 1)[1]
            return LOCATION.arn("sqs", name)
        case "dynamodb":
            return LOCATION.arn("dynamodb", f"table/{asked['TableName']}")
        case "ssm":
            return LOCATION.arn("ssm", f"parameter/{asked['Name'].lstrip('/')}")
        case "secretsmanager":
            return LOCATION.arn("secretsmanager", f"secret:{asked['SecretId']}-AbCdEf")
    raise LookupError(f"nobody has said what {service} acts on")


def _of_s3(request: _Request, status: int) -> Iterator[Needed]:
    """The address has the bucket first, because the server has no name, only a number."""
    bucket, _, key = request.path.lstrip("/").partition("/")
    arn = LOCATION.bucket_arn(bucket)
    match request.method, key:
        case "GET", "":
            yield "s3:ListBucket", arn
        case "GET", _:
            yield "s3:GetObject", f"{arn}/{key}"
            if status == 404:  # to who may not list, S3 answers 403
                yield "s3:ListBucket", arn
        case "DELETE", _ if "uploadId=" in request.query:
            yield "s3:AbortMultipartUpload", f"{arn}/{key}"
        case "PUT", _:
            yield "s3:PutObject", f"{arn}/{key}"
        case "POST", _ if key and "upload" in request.query:  # of an object in parts
            yield "s3:PutObject", f"{arn}/{key}"
        case "POST", "" if request.query.startswith("delete"):
            for named in ElementTree.fromstring(request.body).iter():
                if named.tag.rpartition("}")[2] == "Key":
                    yield "s3:DeleteObject", f"{arn}/{named.text}"
        case _:
            raise LookupError(f"nobody has said what {request.method} {request.path} takes")
