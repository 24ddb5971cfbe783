"""What all about templates speaks of: their names, where they may stand, what can be wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OPEN = "{{"
TIMES = ("ds", "ts", "logical_date", "data_interval_start", "data_interval_end")
RUN_NAMES = (*TIMES, "dag_id", "run_id")
TASK_NAMES = (*RUN_NAMES, "params", "outputs", "task_id")
NAMES = (*TASK_NAMES, "try_number")
"""All that a template may name. The times are ISO 8601 texts; `params` and `outputs` are mappings,
`outputs` by task and then by name."""


class TemplateError(ValueError):
    """A template that cannot be read or rendered; the message says why, for people."""


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """What is wrong with a template, and which `{{` of the text it is in, from 0."""

    opening: int
    message: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a template in some place may name: `names` of `NAMES`, the declared `params`, and of
    each task upstream the outputs that it promises; `tasks` are all of the DAG, and `numbers` the
    params that are numbers."""

    names: tuple[str, ...] = NAMES
    params: tuple[str, ...] = ()
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
