"""One behaviour: a DAG file, and beside it `NAME.expect.yaml` with what must happen.

    does: a failed attempt is tried again after its delay      (the behaviour, as a sentence)
    covers: [task.retries]                                      (rows of the language, see rows.py)
    clock: "2026-03-28T12:00:00Z"                               (when it begins; there is a default)
    lasts: {task: 30}                                           (seconds; others take no time)
    secrets: {"ssm:/path": text}                                (what the stores hold)
    also: [child.yaml]                                          (DAG files of `also/`, put first)
    steps:                                                      (left out: one `run`, one `play: 5`)
      - run: {params: {n: 1}}
      - play: 60
      - then: {tasks: {t: success}}
    then: {run: success}                                        (at the end)

The words of a step are the methods of story.Story, those of `then` the methods of checks.Checks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "cases"
SUFFIX = ".expect.yaml"

DEFAULT_CLOCK = "2026-11-23T10:00:00Z"
DEFAULT_STEPS: tuple[dict[str, Any], ...] = ({"run": {}}, {"play": 5})


@dataclass(frozen=True)
class Case:
    """`dag` is the file's text. `covers` are names of rows, such as `task.retries`."""

    name: str
    dag: str
    does: str
    covers: tuple[str, ...]
    clock: datetime
    steps: tuple[dict[str, Any], ...]
    lasts: dict[str, float] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    also: dict[str, str] = field(default_factory=dict)
    words: str = ""
    """All that is written in its files."""


_KNOWN = {"does", "covers", "clock", "lasts", "secrets", "also", "steps", "then"}


def load(path: Path) -> Case:
    """Read `NAME.expect.yaml` and the files beside it. Raises ValueError for an unknown key."""
    said = path.read_text(encoding="utf-8")
    data = yaml.safe_load(said)
    if unknown := set(data) - _KNOWN:
        raise ValueError(f"{path.name}: unknown {sorted(unknown)}")
    dag = path.with_name(f"{path.name.removesuffix(SUFFIX)}.yaml").read_text(encoding="utf-8")
    also = {name: (FOLDER / "also" / name).read_text("utf-8") for name in data.get("also", ())}
    ending = [{"then": data["then"]}] if "then" in data else []
    return Case(
        name=path.name.removesuffix(SUFFIX),
        dag=dag,
        does=data["does"],
        covers=tuple(data["covers"]),
        clock=datetime.fromisoformat(data.get("clock", DEFAULT_CLOCK)).astimezone(UTC),
        steps=(*data.get("steps", DEFAULT_STEPS), *ending),
        lasts=data.get("lasts", {}),
        secrets=data.get("secrets", {}),
        also=also,
        words="\n".join((dag, said, *also.values())),
    )


def all_cases() -> list[Case]:
    return [load(path) for path in sorted(FOLDER.glob(f"*{SUFFIX}"))]
