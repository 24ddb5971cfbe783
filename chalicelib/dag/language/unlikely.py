"""Warnings about what is legal but can hardly be meant. For those who check a file before they
upload it: registration does not look, since some depend on the present time."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import datetime

from chalicelib.dag.language.mappings import FieldMapping
from chalicelib.dag.language.yaml_value import YamlValue
from chalicelib.dag.model import Dag, Task
from chalicelib.dag.problems import quote
from chalicelib.dag.schedule.fire_times import fire_times
from chalicelib.dag.text import param_variable
from chalicelib.enums import WarningCode

FIRE_TIMES = 50
"""Fire times looked at for the shortest interval."""


def warn_about_the_unlikely(
    dag: Dag, mapping: FieldMapping, tasks: list[FieldMapping], source: str, now: datetime
) -> None:
    """Warn about a schedule that never fires again, params that nothing uses, and time limits
    longer than the time between two runs."""
    _warn_about_params(dag, mapping, source)
    if dag.schedule:
        times = fire_times(dag, now, FIRE_TIMES)
        if not times and dag.end_date:
            _warn_about_no_fire_time(mapping)
        if len(times) > 1:
            interval = min((b - a).total_seconds() for a, b in itertools.pairwise(times))
            _warn_about_limits(dag, mapping, tasks, interval)


def _warn_about_no_fire_time(mapping: FieldMapping) -> None:
    value = mapping.written["end_date"]
    message = "the schedule never fires again"
    mapping.report.warn(value.node, value.path, WarningCode.NEVER_FIRES, message)


def _warn_about_params(dag: Dag, mapping: FieldMapping, source: str) -> None:
    if getattr(dag, "files", ()):
        return  # a script beside the file may read the variable
    for param in dag.params:
        name = re.escape(param.name)
        used = rf"params\s*(?:\.\s*{name}\b|\[\s*['\"]{name})|{param_variable(param.name)}\b"
        if not re.search(used, source):
            mapping.report.warn(
                mapping.written["params"].node,
                f"params.{param.name}",
                WarningCode.UNUSED_PARAM,
                f"nothing uses the param {quote(param.name)}: write"
                f" ${param_variable(param.name)} or {{{{ params.{param.name} }}}}",
            )


def _warn_about_limits(
    dag: Dag, mapping: FieldMapping, tasks: list[FieldMapping], interval: float
) -> None:
    for name, value, seconds in _limits(dag, mapping, tasks):
        if seconds > interval:
            text = (
                f"{name} is {seconds:g} s, longer than the {interval:g} s from one run to the"
                " next: runs may pile up"
            )
            code = WarningCode.LIMIT_EXCEEDS_INTERVAL
            mapping.report.warn(value.node, value.path, code, text)


def _limits(
    dag: Dag, mapping: FieldMapping, tasks: list[FieldMapping]
) -> Iterator[tuple[str, YamlValue, float]]:
    """The time limits that the file sets: the field, where, and seconds."""
    if dag.dagrun_timeout is not None:
        yield "dagrun_timeout", mapping.written["dagrun_timeout"], dag.dagrun_timeout
    by_id: dict[str, Task] = {task.id: task for task in dag.tasks}
    for task in tasks:
        limit = by_id[task.values["id"]].execution_timeout
        if limit is not None and task.sets("execution_timeout"):
            yield "execution_timeout", task.written["execution_timeout"], limit
        elif limit is not None:
            yield "execution_timeout", mapping.written["default_args"], limit
