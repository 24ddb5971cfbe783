"""The OpenAPI 3.1 document, made from the table of routes."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from chalicelib.api_version import API_VERSION
from chalicelib.web.param_types import or_null
from chalicelib.web.response_schemas import MEDIA_TYPES, components, ref
from chalicelib.web.routes import ROUTES, JsonBody, Param, Route, TextBody

ERRORS: dict[int, tuple[str, str]] = {
    400: ("BadRequest", "The request is malformed. The message says what is expected."),
    401: ("Unauthorized", "The access token is missing, unknown, revoked or expired."),
    403: ("Forbidden", "The caller lacks the required role, which details.needed names."),
    404: ("NotFound", "The resource does not exist."),
    409: ("Conflict", "The state of the resource does not allow this."),
    412: ("PreconditionFailed", "The resource has changed; details.etag is its ETag now."),
    422: ("InvalidDag", "The DAG file is invalid. details.problems lists every problem."),
    428: ("PreconditionRequired", "The header If-Match or If-None-Match is missing."),
    500: ("Internal", "Internal error. Find it in the log by details.request_id."),
    503: ("Unavailable", "Temporarily unavailable. Retry after the seconds in Retry-After."),
}
ALWAYS = (400, 401, 403, 500, 503)

_PATH_HELP = {
    "dag_id": "Id of the DAG.",
    "run_id": "Id of the run.",
    "task_id": "Id of the task within its DAG.",
    "artifact": "Name of the artifact.",
    "backfill_id": "Number of the backfill.",
    "notification_id": "Number of the notification.",
    "pool": "Name of the pool.",
    "token": "Name of the access token.",
    "version": "Number of the version.",
}

_PRECONDITIONS = [
    {
        "name": name,
        "in": "header",
        "required": False,
        "description": text,
        "schema": {"type": "string"},
    }
    for name, text in (
        ("If-Match", "ETag of the file to replace, in quotation marks."),
        ("If-None-Match", "`*` for a new file."),
    )
]

_SCHEMES: dict[str, dict[str, Any]] = {
    "token": {"type": "http", "scheme": "bearer"},
    "iam": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "AWS Signature Version 4 for the service execute-api.",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
}


@cache
def document(base: str = "", auth: str = "token") -> dict[str, Any]:
    """The document, shared: do not modify it. `base` prefixes every path of a URL; `auth` is the
    setting, which says how callers authenticate."""
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        operation = _operation(route)
        if route.is_open and auth == "token":
            operation["security"] = [{}, {auth: []}]
        paths.setdefault(route.path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Orchestrator",
            "version": API_VERSION,
            "summary": "DAGs of shell commands: register, schedule, run and inspect them",
        },
        "servers": [{"url": base or "/"}],
        **({"security": [{auth: []}]} if auth in _SCHEMES else {}),
        "paths": paths,
        "components": {
            "schemas": components(),
            **({"securitySchemes": {auth: _SCHEMES[auth]}} if auth in _SCHEMES else {}),
            "responses": {name: _error(status, text) for status, (name, text) in ERRORS.items()},
        },
    }


def path_variables(route: Route) -> list[str]:
    """The names in braces, in order."""
    return re.findall(r"{(\w+)}", route.path)


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.handler.rpartition(".")[2],
        "tags": [route.handler.partition(".")[0]],
        "summary": route.summary,
        "description": "No role required."
        if route.is_open
        else f"Requires the role {route.needs}.",
        "parameters": [_in_path(name) for name in path_variables(route)]
        + [_in_query(param) for param in route.params]
        + (_PRECONDITIONS if route.has_precondition else []),
        "responses": {
            **{str(status): _success(name) for status, name in route.responses.items()},
            **{
                str(status): {"$ref": f"#/components/responses/{ERRORS[status][0]}"}
                for status in sorted({*ALWAYS, *route.errors})
            },
        },
    }
    if route.body is not None:
        operation["requestBody"] = _body(route.body)
    return operation


def _in_path(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": _PATH_HELP[name],
        "schema": {"type": "string", "minLength": 1},
    }


def _in_query(param: Param) -> dict[str, Any]:
    return {
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.help,
        "schema": _schema(param),
    }


def _schema(param: Param) -> dict[str, Any]:
    schema = param.type.schema()
    return schema if param.default is None else {**schema, "default": param.default}


def _body(body: JsonBody | TextBody) -> dict[str, Any]:
    if isinstance(body, TextBody):
        content = {name: {"schema": {"type": "string"}} for name in body.media_types}
        return {"description": body.help, "required": True, "content": content}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {p.name: {**_field(p), "description": p.help} for p in body.fields},
        "required": [param.name for param in body.fields if param.required],
        "additionalProperties": False,
    }
    in_json = {name: {"schema": schema} for name in body.media_types}
    return {"required": body.required, "content": in_json}


def _field(param: Param) -> dict[str, Any]:
    """Optional fields accept null, too."""
    schema = _schema(param)
    return schema if param.required else or_null(schema)


def _success(name: str) -> dict[str, Any]:
    if not name:
        return {"description": "Done. The response has no body."}
    return {
        "description": components()[name]["description"],
        "content": {MEDIA_TYPES.get(name, "application/json"): {"schema": ref(name)}},
    }


def _error(status: int, text: str) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": text,
        "content": {"application/json": {"schema": ref("Error")}},
    }
    if status == 401:
        response["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    if status == 503:
        response["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return response
