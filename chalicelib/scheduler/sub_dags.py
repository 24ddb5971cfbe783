"""Tasks that trigger a run of another DAG instead of running a command. The scheduler does that
itself, without a message."""

from __future__ import annotations

from functools import partial
from typing import Any

from chalicelib.dag.evaluate.expand import is_compatible
from chalicelib.dag.evaluate.retries import retry_at
from chalicelib.dag.states import RunState, TaskState
from chalicelib.dag.templates import render_value, texts_in
from chalicelib.dag.templates.compile_budget import NotCompiled
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.database.queries import attempts, dags, task_instances, triggered_runs
from chalicelib.database.queries.runs import NewRun, Run
from chalicelib.database.queries.task_instances import End, TaskInstance
from chalicelib.enums import Outcome, RunType
from chalicelib.errors import OrchestratorError
from chalicelib.scheduler import forced_end, notifications
from chalicelib.scheduler.run_creation import create_run_now
from chalicelib.scheduler.task_messages import template_context
from chalicelib.scheduler.unit_of_work import UnitOfWork

MAX_DEPTH = 20
MAX_WAITING = 100


def trigger(work: UnitOfWork, run: Run, task: TaskInstance) -> None:
    """Create the run that the task triggers. The task then succeeds, or waits for the run to
    end."""
    dag = work.definition(run.version_id)
    definition = dag.task(task.task_id)
    if not attempts.begin_waiting(work.tx, task, run.version, work.now):
        return
    work.begin_run(task.run_key, work.now)
    waiting_task = task_instances.by_key(work.tx, task.key)
    assert waiting_task is not None
    try:
        with work.savepoint():
            child = _create_child_run(
                work, run, waiting_task, definition.trigger_dag_id or "", definition.conf
            )
    except (TemplateError, OrchestratorError) as error:
        if work.tx.is_doomed_by(error):
            raise
        _end(work, waiting_task, Outcome.FAILED, str(error))
        return
    except Exception as error:
        reason = work.record_error(error, "a run to trigger", **waiting_task.attempt.ids())
        _end(work, waiting_task, Outcome.FAILED, reason)
        return
    if not definition.wait_for_completion:
        _end(work, waiting_task, Outcome.SUCCESS, f"created {child.run_id}")
    else:
        task_instances.explain(work.tx, waiting_task.key, f"waits for {child.run_id}")


def end_parent_task(work: UnitOfWork, child: Run, state: RunState) -> None:
    """End the task that waits for this run, which has ended."""
    task = task_instances.by_key(work.tx, child.parent_task_id or 0)
    if task is not None and task.state is TaskState.RUNNING:
        outcome = Outcome.SUCCESS if state is RunState.SUCCESS else Outcome.FAILED
        _end(work, task, outcome, f"{child.run_id} ended: {state}")


def end_orphaned_waits(work: UnitOfWork) -> int:
    """End the tasks that still wait for a run that has ended or is gone. Returns how many."""
    waiting = task_instances.waiting_for_no_run(work.tx, MAX_WAITING)
    for task in waiting:
        fallback = partial(_fail, work, task)
        with work.isolate("a task that waits for no run", fallback=fallback, **task.attempt.ids()):
            child = triggered_runs.last_triggered_by(work.tx, task.key)
            if child is None:
                _end(work, task, Outcome.FAILED, "the run that it waited for was removed")
            else:
                end_parent_task(work, child, child.state)
    return len(waiting)


def _fail(work: UnitOfWork, task: TaskInstance, reason: str) -> None:
    forced_end.force_end_attempt(work, task, End(Outcome.FAILED, work.now), reason)


def _create_child_run(
    work: UnitOfWork, run: Run, task: TaskInstance, dag_id: str, conf: dict[str, Any]
) -> Run:
    lineage = (*run.ancestry, run.dag_id)
    chain = " -> ".join((*lineage, dag_id))
    if dag_id in lineage:
        raise OrchestratorError(f"trigger_dag_id: endless cycle {chain}")
    if len(lineage) >= MAX_DEPTH:
        raise OrchestratorError(f"trigger_dag_id: more than {MAX_DEPTH} DAGs in a row: {chain}")
    target = dags.find(work.tx, dag_id)
    if target is None or target.is_removed:
        raise OrchestratorError(f"trigger_dag_id: there is no DAG {dag_id!r}")
    triggered_runs.detach(work.tx, task.key)  # this attempt waits only for its own run
    context = template_context(work, work.definition(run.version_id), run, task.attempt)
    try:
        values = {name: render_value(value, context) for name, value in conf.items()}
    except NotCompiled:
        raise NotCompiled(*texts_in(conf)) from None
    definition = work.definition(run.version_id).task(task.task_id)
    child = create_run_now(
        work,
        target,
        NewRun(
            run_type=RunType.TRIGGERED,
            logical_date=work.now,
            data_interval_start=work.now,
            data_interval_end=work.now,
            not_before=work.now,
            params=values,
            ancestry=lineage,
            parent_task_id=task.key if definition.wait_for_completion else None,
        ),
    )
    current = work.run(child.run_id)
    if current is None or not current.is_active:
        raise OrchestratorError(f"DAG {dag_id!r} did not run: {current.reason if current else ''}")
    return child


def _end(work: UnitOfWork, task: TaskInstance, outcome: Outcome, reason: str) -> None:
    ended = End(outcome, work.now, started_at=task.started_at, reason=reason)
    forced_end.end_by_definition(work, task, ended, partial(_end_by_definition, work, task, ended))


def _end_by_definition(work: UnitOfWork, task: TaskInstance, ended: End) -> bool:
    run, outcome = work.run_of(task), ended.outcome
    definition = work.task_definition(run, task)
    due_at = None
    if (
        definition is not None
        and outcome == Outcome.FAILED
        and is_compatible(definition, task.attempt.map_index, task.item)
    ):
        due_at = retry_at(definition, task.tries, work.now)
    target = TaskState.SUCCESS if outcome == Outcome.SUCCESS else TaskState.FAILED
    if due_at is not None:
        target = TaskState.UP_FOR_RETRY
    if not attempts.end_attempt(work.tx, task, target, ended, due_at):
        return False
    work.outbox.wake(due_at)
    if definition is not None:
        task_instances.follow(work.tx, task, definition)
        notifications.notify_task(work, definition, run, task, ended, target)
    work.mark_changed(run.run_id)
    return True
