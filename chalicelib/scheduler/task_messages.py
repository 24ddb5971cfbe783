"""Builds the task message: the command with its templates rendered, and its environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any

from chalicelib.dag.evaluate.params import template_values, variable_text
from chalicelib.dag.graph import ancestors
from chalicelib.dag.model import Dag, Task
from chalicelib.dag.schedule.fire_times import local_date
from chalicelib.dag.templates import is_template, render
from chalicelib.dag.templates.compile_budget import NotCompiled
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.dag.text import output_variable, param_variable
from chalicelib.dag_files import content_key
from chalicelib.database.queries.runs import NewRun, Run
from chalicelib.database.queries.task_instances import TaskInstance
from chalicelib.enums import MaterialKind
from chalicelib.messages import Attempt, Material, TaskMessage
from chalicelib.places import NoPlace
from chalicelib.scheduler.task_inputs import input_materials
from chalicelib.scheduler.unit_of_work import UnitOfWork
from chalicelib.utils.time import iso

MAX_MESSAGE_BYTES = 256 * 1024
"""Of a task's message; more than SQS took at once for most of its life."""
SHORT_LOG_BYTES = 4096
"""Logs up to this length travel in the result and are kept in the database, because a PUT costs
more than everything else about them."""


class Undeliverable(Exception):
    """No message can be made of the attempt: a template cannot be rendered, the message is too
    large, or the installation has no place for the task any more. The text is for users."""


def task_message(
    work: UnitOfWork,
    dag: Dag,
    run: Run,
    instance: TaskInstance,
    attempt: Attempt,
    not_before: datetime,
) -> TaskMessage:
    """Build the message with all that the executor needs for this attempt. Raises Undeliverable,
    LookupError if the DAG has no such task, or NotCompiled with all its templates."""
    task = dag.task(attempt.task_id)
    try:
        return _message(work, dag, task, run, instance, attempt, not_before)
    except NoPlace as error:
        raise Undeliverable(f"{error}; then clear the task") from None
    except TemplateError as error:
        raise Undeliverable(str(error)) from None
    except NotCompiled:
        texts = [task.command, task.when or "", *dag.env.values(), *task.env.values()]
        raise NotCompiled(*filter(is_template, texts)) from None


def _message(
    work: UnitOfWork,
    dag: Dag,
    task: Task,
    run: Run,
    instance: TaskInstance,
    attempt: Attempt,
    not_before: datetime,
) -> TaskMessage:
    # Of a thousand mapped instances each is told the same, but for a few variables.
    make = partial(_parts, work, dag, task, run, attempt)
    parts = work.message_parts((run.key, task.id, attempt.try_number, id(dag)), make)
    message = TaskMessage(
        attempt=attempt,
        env={
            **parts.env,
            **{name: variable_text(value) for name, value in (instance.item or {}).items()},
            **_about_run(work, dag, run),
            **_about_attempt(attempt),
        },
        not_before=not_before.timestamp(),
        has_retries=_has_retries(task, instance, attempt),
        **parts.fields,
    )
    _check_size(message)
    return message


@dataclass(frozen=True, slots=True)
class MessageParts:
    """What the messages of a task's instances have in common: variables and fields by name."""

    env: dict[str, str]
    fields: dict[str, Any]


def _parts(work: UnitOfWork, dag: Dag, task: Task, run: Run, attempt: Attempt) -> MessageParts:
    place = work.scheduler.places.choose(task.needs, before=task.place)
    env = {**dag.env, **task.env}
    context: dict[str, Any] = {}
    if any(map(is_template, filter(None, (task.command, task.when, *env.values())))):
        context = template_context(work, dag, run, attempt)
        env = {name: render(value, context, for_shell=False) for name, value in env.items()}
    fields = {
        "command": render(task.command, context, for_shell=True),
        "cwd": task.cwd,
        "timeout": task.execution_timeout,
        "when": render(task.when, context, for_shell=True) if task.when else None,
        "outputs": list(task.outputs),
        "skip_exit_codes": list(task.skip_on_exit_code),
        "secrets": dag.secrets,
        "materials": [*_files(dag), *_tools(dag), *input_materials(work, dag, run, task)],
        "artifacts": task.artifacts,
        # Of a sensor's many answers only the last is kept with the attempt; the bucket keeps all.
        "log_in_result": 0 if task.sensor else SHORT_LOG_BYTES,
        "place": place.name,
        "image": task.image,
        "memory_mb": task.memory,
        "vcpu": task.cpu,
    }
    return MessageParts({**env, **_params(run), **_outputs(work, dag, run, task)}, fields)


def _has_retries(task: Task, instance: TaskInstance, attempt: Attempt) -> bool:
    """Whether a failure of this attempt is tried again, as far as its exit code allows."""
    return attempt.try_number - instance.tries_before <= task.retries


def _tools(dag: Dag) -> list[Material]:
    """Return what a command of the DAG brings along."""
    return [
        Material(
            MaterialKind.TOOL,
            tool.name,
            tool.url,
            tool.sha256,
            options={"path": tool.path} if tool.path else {},
        )
        for tool in dag.tools
    ]


def _files(dag: Dag) -> list[Material]:
    """Return the files beside the DAG file, as one row."""
    if not dag.files_sha256:
        return []
    key = content_key(dag.files_sha256)
    return [Material(MaterialKind.FILES, "", key, dag.files_sha256)]


def _check_size(message: TaskMessage) -> None:
    texts = [message.command, message.when or "", *message.env.values()]
    texts += [str(material.options) for material in message.materials]
    # Most messages need not be written out to be sure. A character takes up to twelve bytes, or
    # six if it is ASCII.
    if sum(map(len, texts)) < MAX_MESSAGE_BYTES // 16:
        return
    if (
        sum(len(text) * (6 if text.isascii() else 12) for text in texts)
        < MAX_MESSAGE_BYTES * 3 // 4
    ):
        return
    if (size := len(message.encode())) > MAX_MESSAGE_BYTES:
        parts = {"the command": len(message.command), "`when`": len(message.when or "")}
        parts |= {f"${name}": len(value) for name, value in message.env.items()}
        parts |= {f"the input `{m.path}`": len(str(m.options)) for m in message.materials}
        longest = max(parts, key=lambda name: parts[name])
        raise TemplateError(
            f"with its environment the command has {size} bytes, and at most {MAX_MESSAGE_BYTES} "
            f"can be sent; {longest} has the most, {parts[longest]} characters: keep large data in "
            "a bucket or a file, and hand on where it is"
        )


def _about_attempt(attempt: Attempt) -> dict[str, str]:
    return {
        "TASK_ID": attempt.task_id,
        "TRY_NUMBER": str(attempt.try_number),
        "MAP_INDEX": str(attempt.map_index),
    }


def _about_run(work: UnitOfWork, dag: Dag, run: Run) -> dict[str, str]:
    """Return the variables that every command of the run gets. The executor adds DAG_OUTPUT."""
    return work.run_texts(run.key, dag.timezone, partial(_run_variables, dag, run))


def _run_variables(dag: Dag, run: Run) -> dict[str, str]:
    return {
        "DAG_ID": run.dag_id,
        "RUN_ID": run.run_id,
        "LOGICAL_DATE": iso(run.logical_date),
        "DATA_INTERVAL_START": iso(run.data_interval_start),
        "DATA_INTERVAL_END": iso(run.data_interval_end),
        "DS": local_date(dag, run.logical_date),
        "TRIGGER_TYPE": run.run_type,
    }


def template_context(work: UnitOfWork, dag: Dag, run: Run, attempt: Attempt) -> dict[str, Any]:
    """Return the names that a task's templates may use."""
    return {
        **run_context(dag, run.run_id, run),
        "params": template_values(dag, run.params),
        "outputs": Outputs(work, dag, run, attempt.task_id),
        "task_id": attempt.task_id,
        "try_number": attempt.try_number,
    }


def run_context(dag: Dag, run_id: str, run: Run | NewRun) -> dict[str, Any]:
    """Return the names that a param's default may use."""
    return {
        "ds": local_date(dag, run.logical_date),
        "ts": iso(run.logical_date),
        "logical_date": iso(run.logical_date),
        "data_interval_start": iso(run.data_interval_start),
        "data_interval_end": iso(run.data_interval_end),
        "run_id": run_id,
        "dag_id": dag.dag_id,
    }


class Outputs(dict[str, Mapping[str, Any]]):
    """The outputs of the upstream tasks, read from the database when a template uses them."""

    def __init__(self, work: UnitOfWork, dag: Dag, run: Run, task_id: str) -> None:
        super().__init__()
        self._work, self._dag, self._run, self._task_id = work, dag, run, task_id

    def __missing__(self, task_id: str) -> Mapping[str, Any]:
        # Once each: a command may hold a thousand templates.
        if task_id not in self._before:
            raise KeyError(task_id)
        is_expanded = bool(self._dag.task(task_id).expand)
        self[task_id] = self._work.outputs(self._run.key, task_id, is_expanded=is_expanded)
        return self[task_id]

    @cached_property
    def _before(self) -> set[str]:
        dependencies = {task.id: task.dependencies for task in self._dag.tasks}
        return ancestors(dependencies, self._task_id)


def _params(run: Run) -> dict[str, str]:
    return {param_variable(name): variable_text(value) for name, value in run.params.items()}


def _outputs(work: UnitOfWork, dag: Dag, run: Run, task: Task) -> dict[str, str]:
    """Return OUTPUT_<TASK>_<NAME> for the outputs of the direct dependencies."""
    variables: dict[str, str] = {}
    for dependency in task.dependencies:
        before = dag.task(dependency)
        if before.outputs:
            make = partial(_output_texts, work, run, before)
            variables.update(work.output_texts(run.key, dependency, make))
    return variables


def _output_texts(work: UnitOfWork, run: Run, before: Task) -> dict[str, str]:
    values = work.outputs(run.key, before.id, is_expanded=bool(before.expand))
    return {
        output_variable(before.id, name): variable_text(value) for name, value in values.items()
    }
