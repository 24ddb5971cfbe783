"""The API reference in chalicelib/web/README.md, made from the table of routes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.web.openapi import ERRORS
from chalicelib.web.response_schemas import components
from chalicelib.web.routes import ROUTES, JsonBody, Param, Route


def reference_markdown() -> str:
    """Tables of routes, parameters, responses and errors."""
    return "\n".join([_routes(), _params(), _responses(), _errors()])


def _routes() -> str:
    rows = [("route", "description", "role", "parameters", "response")]
    for route in ROUTES:
        responses = [f"{status} `{name}`" for status, name in route.responses.items() if name]
        taken = ", ".join(f"`{name}`" for name in _taken(route)) or "none"
        role = "none" if route.is_open else route.needs
        named = f"`{route.method} {route.path}`"
        rows.append((named, route.summary, role, taken, ", ".join(responses) or "204, no body"))
    return _table(rows)


def _taken(route: Route) -> list[str]:
    names = [param.name for param in route.params]
    if isinstance(route.body, JsonBody):
        return names + [param.name for param in route.body.fields]
    return names


def _params() -> str:
    rows = [("parameter", "route", "value", "description")]
    seen: dict[tuple[str, str, str], list[Route]] = {}
    for route in ROUTES:
        for param in _all_params(route):
            seen.setdefault((param.name, _value(param), param.help), []).append(route)
    for (name, value, text), routes in seen.items():
        rows.append((f"`{name}`", _where(routes), value, text))
    return _table(rows)


def _all_params(route: Route) -> tuple[Param, ...]:
    in_body = route.body.fields if isinstance(route.body, JsonBody) else ()
    return (*route.params, *in_body)


def _where(routes: list[Route]) -> str:
    if len(routes) > 4:
        return "all lists"
    return ", ".join(f"`{route.path.removeprefix('/api')}`" for route in routes)


def _value(param: Param) -> str:
    text = _accepted(param.type.schema())
    default = str(param.default).lower() if isinstance(param.default, bool) else param.default
    return text if default is None else f"{text}; default {default}"


def _accepted(schema: dict[str, Any]) -> str:
    kind = schema["type"]
    if isinstance(kind, list):
        return f"{_accepted({**schema, 'type': kind[0]})}, or null"
    if "enum" in schema:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if kind == "array":
        return f"list of 1 to {schema['maxItems']}, each {_accepted(schema['items'])}"
    if kind == "integer":
        return f"{schema['minimum']} to {schema['maximum']}"
    if schema.get("format") == "date-time":
        return "ISO 8601 with an offset"
    if kind == "string":
        return f"string, up to {schema['maxLength']}" if "maxLength" in schema else "string"
    return {"boolean": "`true`, `false`", "object": "object"}[kind]


def _responses() -> str:
    rows = [("response", "fields")]
    schemas = components()
    shown = sorted(
        name for name in schemas if name not in ("JsonSchema", "OpenApi", "PrometheusText", "Error")
    )
    rows += [(f"`{name}`", _fields(schemas[name])) for name in shown]
    return _table(rows)


def _fields(schema: dict[str, Any]) -> str:
    return ", ".join(f"`{name}`{_linked(value)}" for name, value in schema["properties"].items())


def _linked(schema: dict[str, Any]) -> str:
    kind = _type(schema)
    return f" ({kind})" if kind else ""


def _type(schema: dict[str, Any]) -> str:
    """The name of an object's schema; "" for plain values."""
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        inner = _type(schema["anyOf"][0])
        return f"{inner} or null" if inner else ""
    if schema.get("type") == "array":
        inner = _type(schema["items"])
        return f"list of {inner}" if inner else "list"
    return ""


def _errors() -> str:
    rows = [("status", "meaning")]
    rows += [(str(status), text) for status, (_, text) in sorted(ERRORS.items())]
    rows.append(("405", "The path does not support this method. `Allow` lists those it does."))
    return _table(rows)


def _table(rows: Sequence[tuple[str, ...]]) -> str:
    head, *body = rows
    ruled = [head, ("---",) * len(head), *body]
    return "".join(f"| {' | '.join(row)} |\n" for row in ruled)
