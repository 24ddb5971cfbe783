"""The page's own gate: what it pins, and that nothing of it ships."""

from __future__ import annotations

import json
import re
from pathlib import Path

from chalicelib.web import page_files
from chalicelib.web.openapi import document
from tests.page.api_types import declarations, type_of

ROOT = Path(__file__).parents[3]
GATE = ROOT / "tests" / "page"


def test_every_tool_is_pinned_to_one_version() -> None:
    tools = json.loads((GATE / "package.json").read_text())["devDependencies"]
    lock = json.loads((GATE / "package-lock.json").read_text())["packages"]
    for name, version in tools.items():
        assert re.fullmatch(r"\d+\.\d+\.\d+", version), name
        assert lock[f"node_modules/{name}"]["version"] == version


def test_the_lock_has_checksums_and_names_no_registry() -> None:
    lock = json.loads((GATE / "package-lock.json").read_text())["packages"]
    for name, package in lock.items():
        if not name:
            continue
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_the_page_holds_nothing_but_what_browsers_load() -> None:
    others = [
        path.relative_to(page_files.FOLDER).as_posix()
        for path in page_files.FOLDER.rglob("*")
        if path.is_file() and path.suffix not in page_files.CONTENT_TYPES
    ]
    assert others == ["vendor/refresh"]


def test_every_pure_module_is_tested() -> None:
    tests = "".join(path.read_text() for path in GATE.glob("*.test.js"))
    for module in page_files.FOLDER.rglob("*.js"):
        first = module.read_text().partition("import ")[0]
        if re.search(r"\bPure\.", first) and module.parent.name != "vendor":
            assert f"page/{module.parent.name}/{module.name}" in tests, module.name


def test_the_types_have_every_schema_and_every_answer() -> None:
    spec = document()
    lines = list(declarations(spec))
    for name in spec["components"]["schemas"]:
        assert any(line.startswith(f"  type {name} = ") for line in lines), name
    answers = sum("extends [" in line for line in lines)
    assert answers == sum(len(operations) for operations in spec["paths"].values())


def test_a_schema_becomes_the_type_that_typescript_knows_it_by() -> None:
    assert type_of({"type": ["string", "null"]}) == "string | null"
    assert type_of({"enum": ["a", "b"]}) == '"a" | "b"'
    assert type_of({"type": "array", "items": {"$ref": "#/x/Run"}}) == "(Api.Run)[]"
    assert type_of({"anyOf": [{"type": "integer"}, {"type": "null"}]}) == "(number) | (null)"
    assert type_of({"type": "object", "additionalProperties": {"type": "boolean"}}) == (
        "{ [key: string]: boolean }"
    )
    assert type_of({}) == "any"
