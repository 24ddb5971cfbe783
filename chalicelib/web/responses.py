"""What goes back: values as JSON, and every error in the one shape.

{"error": {"code": "not_found", "message": "there is no DAG 'x'; ...", "details": {}}}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from typing import Any

from chalice.app import Response

from chalicelib.errors import OrchestratorError
from chalicelib.utils.time import iso

_JSON = {"Content-Type": "application/json"}
RETRY_AFTER_SECONDS = 2
_ALWAYS_WITH: Mapping[int, Mapping[str, str]] = {
    401: {"WWW-Authenticate": 'Bearer realm="orchestrator"'},
    503: {"Retry-After": str(RETRY_AFTER_SECONDS)},
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers where a value alone will not do: 200 is not the status."""

    body: Any
    status: int = 200


def success(answer: Any) -> Response:
    """The response of a handler's value, or `Answer`."""
    if isinstance(answer, Answer) and answer.status == 204:
        return Response("", {}, 204)
    if isinstance(answer, Answer):
        return Response(jsonable(answer.body), {**_JSON}, answer.status)
    return Response(jsonable(answer), {**_JSON})


def failure(error: OrchestratorError) -> Response:
    """The response that says what is wrong and what to do."""
    return error_response(error.status, error.code, error.message, error.details)


def internal(request_id: str) -> Response:
    """The response to an error that nobody foresaw; all that is known of it is in the log."""
    message = f"the server made a mistake; its log tells more under request_id {request_id}"
    return error_response(500, "internal", message, {"request_id": request_id})


def error_response(
    status: int,
    code: str,
    message: str,
    details: Mapping[str, Any],
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The one error shape."""
    body = {"error": {"code": code, "message": message, "details": jsonable(dict(details))}}
    extra = _ALWAYS_WITH.get(status, {})
    return Response(body, {**_JSON, **extra, **(headers or {})}, status)


def jsonable(value: Any) -> Any:
    """`value` with its dataclasses as objects and its moments as ISO 8601 in UTC."""
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
