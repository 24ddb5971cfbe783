"""The API's answers as types for the page's modules, made from its own OpenAPI document:

    python -m tests.page.api_types > tests/page/build/api.d.ts

`Api.Run` is the schema `Run`; `Api.Answer<"GET", "runs/...">` what a request is answered with. So a
module that reads a key which the API does not deliver fails the type check.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from typing import Any

from chalicelib.web.openapi import document

Schema = dict[str, Any]
_PLAIN = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "null": "null",
}


def main() -> None:
    """Write the declarations to standard output."""
    sys.stdout.write("".join(f"{line}\n" for line in declarations(document())))


def declarations(spec: dict[str, Any]) -> Iterator[str]:
    """The lines of the file."""
    yield "// Made by tests/page/api_types.py from the OpenAPI document."
    yield "declare namespace Api {"
    for name, schema in spec["components"]["schemas"].items():
        yield f"  type {name} = {type_of(schema)};"
    yield ""
    yield "  /** What the API answers to a method and a path below /api/. */"
    yield "  type Answer<Method extends string, Path extends string> ="
    for method, path, answer in sorted(_answers(spec), key=_specific_first):
        variables = re.sub(r"{\w+}", "${string}", path.removeprefix("/api/"))
        yield f'    [Method, Path] extends ["{method}", `{variables}`] ? {answer} :'
    yield "    never;"
    yield "}"


def type_of(schema: Schema) -> str:
    """The TypeScript type of a JSON Schema, as far as the OpenAPI document uses it."""
    if "$ref" in schema:
        return f"Api.{schema['$ref'].rpartition('/')[2]}"
    if "enum" in schema:
        return " | ".join(json.dumps(value) for value in schema["enum"])
    for key, sign in (("anyOf", " | "), ("allOf", " & ")):
        if key in schema:
            return sign.join(f"({type_of(part)})" for part in schema[key])
    kinds = schema.get("type", "any")
    return " | ".join(
        _of_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)
    )


def _of_kind(kind: str, schema: Schema) -> str:
    if kind == "array":
        return f"({type_of(schema['items'])})[]"
    if kind == "object" and "properties" in schema:
        required = schema["required"]
        fields = (
            f"{name}{'' if name in required else '?'}: {type_of(field)}"
            for name, field in schema["properties"].items()
        )
        return "{ " + "; ".join(fields) + " }"
    if kind == "object":
        return f"{{ [key: string]: {type_of(schema.get('additionalProperties', {}))} }}"
    return _PLAIN.get(kind, "any")


def _answers(spec: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            contents = (
                answer.get("content")
                for status, answer in operation["responses"].items()
                if status.startswith("2")
            )
            types = {
                type_of(next(iter(content.values()))["schema"]) if content else "null"
                for content in contents
            }
            yield method.upper(), path, " | ".join(sorted(types))


def _specific_first(answer: tuple[str, str, str]) -> tuple[int, int, str, str]:
    method, path, _ = answer
    return -path.count("/"), path.count("{"), path, method


if __name__ == "__main__":
    main()
