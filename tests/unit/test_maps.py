"""Each room has a map: its `__init__.py` lists its modules and sub-rooms, one line each."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = sorted(
    {
        path.parent.relative_to(ROOT)
        for top in ("chalicelib", "infra")
        for path in (ROOT / top).rglob("*.py")
    }
)
_ENTRY = re.compile(r"^ *(\w+/?) {2,}\S.*$", re.MULTILINE)


@pytest.mark.parametrize("room", ROOMS, ids=str)
def test_the_map_of_a_room_lists_what_is_in_it(room: Path) -> None:
    folder = ROOT / room
    docstring = ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""
    modules = [path.stem for path in folder.glob("*.py") if not path.stem.startswith("__")]
    rooms = [f"{path.parent.name}/" for path in folder.glob("*/__init__.py")]
    assert sorted(_ENTRY.findall(docstring)) == sorted(modules + rooms)
