"""Checks that every input is an artifact of an upstream task."""

from __future__ import annotations

from chalicelib.dag.language.mappings import FieldMapping
from chalicelib.dag.language.yaml_nodes import Mapping, Scalar
from chalicelib.dag.language.yaml_value import YamlValue
from chalicelib.dag.problems import did_you_mean, quote


def check_inputs(tasks: list[FieldMapping], upstream: dict[str, list[str]]) -> None:
    """Report inputs of unknown tasks, of unknown artifacts, and of tasks that do not come first.

    `upstream` maps each task to all tasks that come before it.
    """
    by_id = {task.values["id"]: task for task in tasks if task.values["id"] is not None}
    for task in tasks:
        before = set(upstream.get(task.values["id"], ()))
        for value in _references(task):
            reference = value.node.text if isinstance(value.node, Scalar) else ""
            if reference and (problem := _problem(task, reference, by_id, before)):
                value.problem(problem)
        _check_cwd(task)


def _check_cwd(task: FieldMapping) -> None:
    cwd = task.values["cwd"]
    if task.values["inputs"] and cwd and (cwd.startswith("/") or ".." in cwd.split("/")):
        task.problem(
            "inputs",
            f"inputs are put below the task's fresh directory, where cwd {quote(cwd)} does not lie:"
            " remove one of the two, or make cwd relative",
        )


def _references(task: FieldMapping) -> list[YamlValue]:
    value = task.written.get("inputs")
    pairs = value.node.pairs if value and isinstance(value.node, Mapping) else ()
    return [value.at(node, f".{key.text}") for key, node in pairs] if value else []


def _problem(
    task: FieldMapping, reference: str, by_id: dict[str, FieldMapping], before: set[str]
) -> str | None:
    task_id, dot, name = reference.rpartition(".")
    if not dot or not task_id or not name:
        return f"{quote(reference)} is not of the form task.artifact"
    if task_id not in by_id:
        hint = "" if task.report.is_full else did_you_mean(task_id, by_id)
        return f"there is no task {quote(task_id)}{hint}"
    artifacts = by_id[task_id].values["artifacts"]
    if name not in artifacts:
        return f"the task {quote(task_id)} has no artifact {quote(name)}{_hint(name, artifacts)}"
    if task_id == task.values["id"]:
        return "a task cannot have its own artifact as an input"
    if task_id not in before:
        return (
            f"the task {quote(task_id)} does not come before this one: add it to the dependencies"
        )
    return None


def _hint(name: str, artifacts: dict[str, str]) -> str:
    if not artifacts:
        return ": it declares none"
    known = ", ".join(sorted(artifacts)[:5])
    return did_you_mean(name, artifacts) or f"; it has {known}"
