"""What a benchmark answers: one JSON line that anybody can read without this program."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Target:
    """`figure` must be at most, or at least, `limit`."""

    figure: str
    sense: Literal["at most", "at least"]
    limit: float

    def is_reached_by(self, figures: Mapping[str, Any]) -> bool:
        value = figures[self.figure]
        return bool(value <= self.limit if self.sense == "at most" else value >= self.limit)


@dataclass(frozen=True)
class Line:
    """One benchmark's outcome. `figures` are medians over `runs` runs unless their name says
    otherwise; `here` is what was measured beside them, `published` what others were measured to
    do. A unit stands at the end of each name: `_ms`, `_s`, `_mb`, `_per_s`."""

    name: str
    runs: int
    figures: Mapping[str, Any]
    targets: Sequence[Target] = ()
    here: Mapping[str, Any] = field(default_factory=dict)
    published: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    def encode(self, *, is_quick: bool) -> str:
        goals = {goal.figure: f"{goal.sense} {goal.limit:g}" for goal in self.targets}
        reached = {goal.figure: goal.is_reached_by(self.figures) for goal in self.targets}
        line = {
            "name": self.name,
            "figures": rounded(self.figures),
            "target": goals,
            "reached": all(reached.values()),
            "missed": [figure for figure, is_reached in reached.items() if not is_reached],
            "measured_against": {"here": rounded(self.here), "published": self.published},
            "runs": self.runs,
            "quick": is_quick,
            "machine": {"processors": os.cpu_count(), "load": rounded(os.getloadavg()[0])},
            "note": self.note,
        }
        return json.dumps(line, ensure_ascii=False)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that `share` (0 to 1) of them do not exceed. Raises ValueError for
    none."""
    if not values:
        raise ValueError("there is no percentile of nothing")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def rounded(value: Any) -> Any:
    """Four digits of every float in `value`."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value
