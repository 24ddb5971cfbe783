"""HTTP responses: values as JSON, and all errors in one shape.

{"error": {"code": "not_found", "message": "there is no DAG 'x'; ...", "details": {}}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from chalice.app import Response

from chalicelib.api_version import API_VERSION, API_VERSION_HEADER
from chalicelib.errors import OrchestratorError
from chalicelib.utils.time import iso

_HEADERS = {API_VERSION_HEADER: API_VERSION}
_JSON = {"Content-Type": "application/json", **_HEADERS}
RETRY_AFTER_SECONDS = 2
_ALWAYS_WITH: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": 'Bearer realm="orchestrator"'},
    503: {"Retry-After": str(RETRY_AFTER_SECONDS)},
}


@dataclass(frozen=True, slots=True)
class ResponseWithStatus:
    """A handler's value with a status other than 200, or an ETag of its own."""

    body: Any
    status: int = 200
    etag: str = ""


@dataclass(frozen=True, slots=True)
class TextResponse:
    """A handler's text that is no JSON."""

    text: str
    media_type: str


def success(result: Any) -> Response:
    """The HTTP response for what a handler returned."""
    if isinstance(result, TextResponse):
        return Response(result.text, {"Content-Type": result.media_type, **_HEADERS})
    if not isinstance(result, ResponseWithStatus):
        return Response(jsonable(result), {**_JSON})
    if result.status == 204:
        return Response("", {**_HEADERS}, 204)
    etag = {"ETag": f'"{result.etag}"'} if result.etag else {}
    return Response(jsonable(result.body), {**_JSON, **etag}, result.status)


def failure(error: OrchestratorError) -> Response:
    """The HTTP response for an error that the project raised."""
    return error_response(error.status, error.code, error.message, error.details)


def internal(request_id: str) -> Response:
    """The HTTP response for an unexpected error, whose details are in the log only."""
    message = f"internal error; search the server's log for request_id {request_id}"
    return error_response(500, "internal", message, {"request_id": request_id})


def error_response(
    status: int,
    code: str,
    message: str,
    details: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The HTTP response for an error."""
    body = {"error": {"code": code, "message": message, "details": jsonable(dict(details))}}
    extra = _ALWAYS_WITH.get(status, {})
    return Response(body, {**_JSON, **extra, **(headers or {})}, status)


def jsonable(value: Any) -> Any:
    """`value` with dataclasses as objects and times as ISO 8601 in UTC."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, Mapping):
        return {key: jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    cls: Any = type(value)
    return {name: jsonable(getattr(value, name)) for name in _names(cls)}


@lru_cache(maxsize=64)
def _names(cls: Any) -> tuple[str, ...]:
    return tuple(spec.name for spec in fields(cls))
