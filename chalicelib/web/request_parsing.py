"""Turns an HTTP request into a `Call` that matches the table of routes, or fails with 400."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import unquote

from chalicelib.errors import InvalidRequest
from chalicelib.web.routes import JsonBody, Param, Route, TextBody

DEEPEST_BODY = 66
"""Levels of lists and objects: the body, `params`, and 64 within each param."""

_TOO_DEEP = f"the body is nested too deeply; at most {DEEPEST_BODY} levels are allowed"


class QueryParams(Protocol):
    """Chalice's multi-valued query parameters."""

    def __iter__(self) -> Any: ...
    def getlist(self, k: str) -> list[str]: ...


class HttpRequest(Protocol):
    """The part of Chalice's request that is used here."""

    headers: Mapping[str, str]
    query_params: QueryParams | None
    context: Mapping[str, Any]
    path: str

    @property
    def raw_body(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Call:
    """A request as its handler sees it.

    Attributes:
        query: Every query parameter of the route; None without a value or default.
        body: Every field of the route's JSON body; None without a value or default.
        text: The body, if the route takes a file.
        base: Prefix of every path in the URL: API Gateway's stage, such as `/v1`, or "".
        who: Name of the caller; "" on an open route without a token.
        role: Role of the caller; "" on an open route without a token.
        dags: Patterns of the DAGs that the caller's token is limited to.
        token_expires_at: When that token expires.
        origin: Scheme and host of the URL, as the client wrote them.
        if_match, if_none_match: These headers, which say what a change is meant for.
    """

    path: dict[str, str]
    query: dict[str, Any]
    body: dict[str, Any]
    text: bytes = b""
    base: str = ""
    who: str = ""
    role: str = ""
    origin: str = ""
    if_match: str | None = None
    if_none_match: str | None = None
    dags: str | None = None
    token_expires_at: datetime | None = None


def parse(
    route: Route, request: HttpRequest, path: Mapping[str, str], *, who: str = "", role: str = ""
) -> Call:
    """Raises InvalidRequest, which says what is wrong and what is expected."""
    query = _query(route.params, request.query_params)
    # Ids contain no percent sign, so decoding what the gateway has already decoded changes nothing.
    names = {name: unquote(value) for name, value in path.items()}
    fields = _json(route.body, request) if isinstance(route.body, JsonBody) else {}
    text = _raw(route.body, request) if isinstance(route.body, TextBody) else b""
    return Call(
        names,
        query,
        fields,
        text,
        _base(request),
        who,
        role,
        _origin(request),
        request.headers.get("if-match"),
        request.headers.get("if-none-match"),
    )


def _base(request: HttpRequest) -> str:
    """Return the base of paths without variables: `request.path` is the route's, with braces."""
    base, path, _ = str(request.context.get("path", "")).rpartition(request.path)
    return base if path else ""


def _origin(request: HttpRequest) -> str:
    scheme = request.headers.get("x-forwarded-proto", "http")
    return f"{scheme}://{request.headers.get('host', 'localhost')}"


def _query(params: tuple[Param, ...], given: QueryParams | None) -> dict[str, Any]:
    texts = {} if given is None else {name: given.getlist(name) for name in given}
    _refuse_unknown("query parameter", texts, params)
    return {param.name: _param(param, texts.get(param.name, [])) for param in params}


def _param(param: Param, texts: list[str]) -> Any:
    if not texts and param.required:
        raise InvalidRequest(f"the query parameter {param.name!r} is missing", parameter=param.name)
    if not texts:
        return param.default
    if len(texts) > 1:
        raise InvalidRequest(
            f"query parameter {param.name!r} is given {len(texts)} times; send it once",
            parameter=param.name,
        )
    try:
        return param.type.from_text(texts[0])
    except ValueError as error:
        raise InvalidRequest(
            f"query parameter {param.name!r} must be {error}, not {_shown(texts[0])}",
            parameter=param.name,
        ) from None


def _raw(body: TextBody | JsonBody, request: HttpRequest) -> bytes:
    raw = request.raw_body
    if not raw:
        return b""
    if len(raw) > body.limit:
        raise InvalidRequest(
            f"the body has {len(raw)} bytes; at most {body.limit} are allowed", limit=body.limit
        )
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in body.media_types:
        raise InvalidRequest(
            f"the Content-Type of the body is {repr(media_type) if media_type else 'missing'};"
            f" send the header Content-Type: {body.media_types[0]}",
            accepted=list(body.media_types),
        )
    return raw


def _json(body: JsonBody, request: HttpRequest) -> dict[str, Any]:
    raw = _raw(body, request)
    if not raw and body.required:
        names = ", ".join(param.name for param in body.fields if param.required)
        raise InvalidRequest(f"the body is missing; send a JSON object with {names}")
    value = _loaded(raw) if raw else {}
    if not isinstance(value, dict):
        raise InvalidRequest("the body is not a JSON object; send {...}")
    _refuse_unknown("key in the body", value, body.fields)
    return {param.name: _field(param, value) for param in body.fields}


def _loaded(raw: bytes) -> Any:
    # Imported late: every Lambda function loads this module, and few requests have a body.
    from chalicelib.dag.json_values import is_deeper_than, parse_number

    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_without_duplicates,
            parse_constant=_refuse,
            parse_int=parse_number,
            parse_float=parse_number,
        )
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not UTF-8: invalid byte at {error.start}") from None
    except RecursionError:
        raise InvalidRequest(_TOO_DEEP) from None
    except json.JSONDecodeError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None
    except ValueError as error:
        raise InvalidRequest(f"the body is not JSON: {error}") from None
    if is_deeper_than(value, DEEPEST_BODY):
        raise InvalidRequest(_TOO_DEEP)
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in pairs:
        if name in values:
            raise ValueError(f"the key {_shown(name)} appears twice")
        values[name] = value
    return values


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _field(param: Param, body: dict[str, Any]) -> Any:
    if param.name not in body:
        if param.required:
            raise InvalidRequest(f"{param.name!r} is missing in the body", field=param.name)
        return param.default
    value = body[param.name]
    if value is None and not param.required:
        return param.default
    try:
        return param.type.from_json(value)
    except ValueError as error:
        raise InvalidRequest(
            f"{param.name!r} must be {error}, not {_shown(value)}", field=param.name
        ) from None


def _refuse_unknown(what: str, given: Iterable[str], params: tuple[Param, ...]) -> None:
    known = [param.name for param in params]
    for name in given:
        if name not in known:
            raise InvalidRequest(
                f"unknown {what} {_shown(name)}; {_remedy(name, known)}", known=known
            )


def _remedy(name: str, known: list[str]) -> str:
    if not known:
        return "this route takes none"
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}known are {', '.join(known)}"


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
