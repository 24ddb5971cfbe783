"""JSON Schemas of responses, made from the classes of `response_models` and `list_responses`.

The description of a schema is the summary of its class's docstring; descriptions of fields stand
below "Attributes:" in it, or in that of a base class.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from chalicelib.notification_kinds import KINDS, KindName
from chalicelib.web import list_responses, response_models
from chalicelib.web.routes import ROUTES

Schema = dict[str, Any]

_PLAIN: dict[Any, Schema] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    type(None): {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    Any: {},
}
_FREE_FORM: dict[str, Schema] = {
    "JsonSchema": {"type": "object", "description": "A JSON Schema document."},
    "OpenApi": {"type": "object", "description": "An OpenAPI document."},
    "PrometheusText": {"type": "string", "description": "Metrics in Prometheus's text format."},
}
MEDIA_TYPES = {"PrometheusText": "text/plain"}
"""Of responses that are no JSON."""
# A caller without a token is told the status only.
_REQUIRED = {"Health": ["status"]}
_ATTRIBUTE = re.compile(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", re.MULTILINE)


@cache
def components() -> dict[str, Schema]:
    """Every schema of the OpenAPI document, by name."""
    of_classes = {name: _of_class(cls) for name, cls in response_classes().items()}
    return dict(sorted({**_FREE_FORM, "Error": _error(), **of_classes}.items()))


@cache
def response_classes() -> dict[str, type[Any]]:
    """The classes that the table of routes names, and those that these contain, by name."""
    names = {name for route in ROUTES for name in route.responses.values() if name}
    pending = [_response_class(name) for name in names - set(_FREE_FORM)]
    classes: dict[str, type[Any]] = {}
    while pending:
        cls = pending.pop()
        if cls.__name__ not in classes:
            classes[cls.__name__] = cls
            pending.extend(_nested_classes(cls))
    return classes


def _response_class(name: str) -> type[Any]:
    module = list_responses if hasattr(list_responses, name) else response_models
    cls: type[Any] = getattr(module, name)
    return cls


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def field_descriptions(cls: type[Any]) -> dict[str, str]:
    """What the docstrings of a class and its bases say about its fields, by name."""
    descriptions: dict[str, str] = {}
    for base in reversed(cls.__mro__):
        _, _, attributes = _docstring(base).partition("\nAttributes:\n")
        for name, text in _ATTRIBUTE.findall(attributes):
            descriptions[name] = " ".join(text.split())
    return descriptions


def _of_class(cls: type[Any]) -> Schema:
    hints, descriptions = get_type_hints(cls), field_descriptions(cls)
    properties = {
        spec.name: _described(_of_type(hints[spec.name]), descriptions.get(spec.name))
        for spec in fields(cls)
    }
    summary = " ".join(_docstring(cls).partition("\n\n")[0].split())
    schema = {"description": summary, **_object(properties)}
    required = _REQUIRED.get(cls.__name__)
    return schema if required is None else {**schema, "required": required}


def _nested_classes(hint: Any) -> Iterator[type[Any]]:
    """The dataclasses that the fields of a class, or the arguments of a type, name."""
    inner = get_type_hints(hint).values() if is_dataclass(hint) else get_args(hint)
    for each in inner:
        if is_dataclass(each):
            yield cast("type[Any]", each)
        else:
            yield from _nested_classes(each)


def _docstring(cls: type[Any]) -> str:
    """Return the docstring of the class itself, without those of its bases."""
    return inspect.cleandoc(cls.__doc__ or "")


def _object(properties: dict[str, Schema]) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _described(schema: Schema, description: str | None) -> Schema:
    return schema if description is None else {**schema, "description": description}


def _of_type(hint: Any) -> Schema:
    if hint in _PLAIN:
        return dict(_PLAIN[hint])
    if hint is KindName:
        return {"type": "string", "enum": list(KINDS)}
    if is_dataclass(hint):
        return ref(cast("type[Any]", hint).__name__)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return {"type": "string", "enum": [member.value for member in hint]}
    return _of_generic(get_origin(hint), get_args(hint))


def _of_generic(origin: Any, arguments: tuple[Any, ...]) -> Schema:
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin in (types.UnionType, Union):
        return _of_union(arguments)
    if origin is dict:
        return {"type": "object", "additionalProperties": _of_type(arguments[1])}
    if origin in (tuple, list):
        return {"type": "array", "items": _of_type(arguments[0])}
    raise TypeError(f"no schema for {origin}[{arguments}]")


def _of_union(arguments: tuple[Any, ...]) -> Schema:
    schemas = [_of_type(argument) for argument in arguments if argument is not type(None)]
    schema = schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return _nullable(schema) if type(None) in arguments else schema


def _nullable(schema: Schema) -> Schema:
    if set(schema) <= {"type", "format"}:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _error() -> Schema:
    error = {
        "code": {"type": "string", "description": "Stable identifier for programs."},
        "message": {"type": "string", "description": "What is wrong, where, and what to do."},
        "details": {"type": "object", "description": "Depends on `code`."},
    }
    return {"description": "An error.", **_object({"error": _object(error)})}
