"""What templates may name, and the errors of templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OPEN = "{{"
TIMES = ("ds", "ts", "logical_date", "data_interval_start", "data_interval_end")
RUN_NAMES = (*TIMES, "dag_id", "run_id")
TASK_NAMES = (*RUN_NAMES, "params", "outputs", "task_id")
NAMES = (*TASK_NAMES, "try_number")
"""Every name that templates know. Times are ISO 8601 texts; `params` is a mapping, and `outputs` a
mapping by task and then by name."""

RUN_NOTIFICATION_NAMES = (
    *RUN_NAMES,
    "params",
    "dag_name",
    "run_type",
    "event",
    "state",
    "headline",
    "reason",
    "cause",
    "failed_task",
    "failed_tasks",
    "url",
)
TASK_NOTIFICATION_NAMES = (
    *RUN_NOTIFICATION_NAMES,
    "task_id",
    "map_index",
    "try_number",
    "exit_code",
)
"""What the title and the text of a notification know, of a run and of a task."""


class TemplateError(ValueError):
    """A template that cannot be parsed or rendered; the message tells users why."""


@dataclass(frozen=True, slots=True)
class TemplateProblem:
    """A problem of a template. `opening` is the index of its `{{` in the text, from 0."""

    opening: int
    message: str


@dataclass(frozen=True, slots=True)
class Scope:
    """What a template may name in one place of the file.

    `names` are those of `NAMES`; `params` the declared params, of which `numbers` are numbers;
    `outputs` the declared outputs of each upstream task; `tasks` all tasks of the DAG.
    """

    names: tuple[str, ...] = NAMES
    params: tuple[str, ...] = ()
    outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tasks: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
