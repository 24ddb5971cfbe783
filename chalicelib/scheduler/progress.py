"""What follows from a change in a run: trigger rules, task slots, and the end of the run.

Everything here is inside the transaction of the use case that made the change, and all of it
may run any number of times: it looks at what is, not at what happened.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

from chalicelib.dag.model import Dag, Task
from chalicelib.dag.states import TASK_ENDED, RunState, TaskState
from chalicelib.dag.trigger_rules import Decision, decide
from chalicelib.database import dags, runs, task_instances
from chalicelib.database.runs import Run
from chalicelib.database.task_instances import TaskInstance
from chalicelib.messages import Attempt
from chalicelib.scheduler.context import Work
from chalicelib.scheduler.environment import task_message

log = logging.getLogger("orchestrator.scheduler")

MAX_QUEUED_AT_ONCE = 1000
"""Messages that one transaction may decide to send for one DAG; the results bring the next."""

States = dict[str, Counter[TaskState]]


def advance(work: Work, run: Run) -> bool:
    """Take the run as far as it can go now. True if it ended, and so gave back its slot."""
    dag = work.definition(run.version_id)
    keys: dict[str, list[tuple[int, TaskState]]] = {}
    states: States = {task.id: Counter() for task in dag.tasks}
    for key, task_id, state in task_instances.states(work.tx, run.key):
        keys.setdefault(task_id, []).append((key, state))
        states[task_id][state] += 1
    for task in dag.tasks:  # in topological order: one pass carries a failure all the way down
        if states[task.id][TaskState.NONE]:
            _decide(work, task, keys[task.id], states)
    ended = _end_if_done(work, run, dag, states)
    fill_task_slots(work, run.dag_id)
    return ended


def _decide(work: Work, task: Task, instances: list[tuple[int, TaskState]], states: States) -> None:
    upstream: Counter[TaskState] = Counter()
    for dependency in task.dependencies:
        upstream.update(states[dependency])
    decision = decide(task.trigger_rule, upstream, upstream.total())
    if decision is Decision.WAIT:
        return
    for key, state in instances:
        if state is not TaskState.NONE:
            continue
        target = _TARGETS[decision]
        if decision is Decision.RUN:
            task_instances.move(work.tx, key, target)
        else:
            reason = _because(decision, task, states)
            task_instances.end_unstarted(work.tx, key, target, reason, work.now)
        states[task.id][TaskState.NONE] -= 1
        states[task.id][target] += 1


_TARGETS = {
    Decision.RUN: TaskState.SCHEDULED,
    Decision.SKIP: TaskState.SKIPPED,
    Decision.UPSTREAM_FAILED: TaskState.UPSTREAM_FAILED,
}

_CAUSES = {
    Decision.SKIP: (TaskState.SKIPPED,),
    Decision.UPSTREAM_FAILED: (TaskState.FAILED, TaskState.UPSTREAM_FAILED, TaskState.CANCELLED),
}


def _because(decision: Decision, task: Task, states: States) -> str:
    """The first upstream task that decided it, in words."""
    for cause in _CAUSES[decision]:
        for dependency in task.dependencies:
            if states[dependency][cause]:
                return (
                    f"{dependency} is {cause.replace('_', ' ')}, trigger rule {task.trigger_rule}"
                )
    return f"trigger rule {task.trigger_rule}"


def _end_if_done(work: Work, run: Run, dag: Dag, states: States) -> bool:
    if any(state not in TASK_ENDED for counts in states.values() for state in +counts):
        return False
    state, reason = verdict(dag, states)
    if not runs.end(work.tx, run.key, state, reason, work.now):
        return False
    log.info("run ended: %s", state, extra={"dag_id": run.dag_id, "run_id": run.run_id})
    return True


def verdict(dag: Dag, states: Mapping[str, Mapping[TaskState, int]]) -> tuple[RunState, str]:
    """How a run ended whose tasks have all ended. As in Airflow, the leaves decide: it failed if a
    task that nothing depends on failed, or could not run because of a failure."""
    upstream = {dependency for task in dag.tasks for dependency in task.dependencies}
    leaves = [task.id for task in dag.tasks if task.id not in upstream]
    ends = Counter[TaskState]()
    for leaf in leaves:
        ends.update(states[leaf])
    if ends[TaskState.FAILED] or ends[TaskState.UPSTREAM_FAILED]:
        failed = [task.id for task in dag.tasks if states[task.id].get(TaskState.FAILED)]
        return RunState.FAILED, f"failed: {', '.join(failed[:5])}" if failed else "failed"
    if ends[TaskState.CANCELLED]:
        return RunState.CANCELLED, "cancelled"
    return RunState.SUCCESS, ""


def fill_task_slots(work: Work, dag_id: str) -> None:
    """Queue ready tasks while the DAG has free slots."""
    dag = dags.find(work.tx, dag_id)
    if dag is None:
        return
    free = dag.max_active_tasks - task_instances.in_flight_count(work.tx, dag_id)
    if free <= 0:
        return
    ready = task_instances.scheduled(work.tx, dag_id, min(free, MAX_QUEUED_AT_ONCE))
    for task in ready:
        queue_attempt(work, task)


def queue_attempt(work: Work, task: TaskInstance) -> None:
    """Begin the next attempt: its message leaves after the commit, and again if nothing is
    heard."""
    run = work.run(task.attempt.run_id)
    assert run is not None, "a task instance without its run"
    not_before = max(work.now, run.not_before, task.not_before or run.not_before)
    due_at = resend_at(not_before, 0, work.scheduler.settings.resend_seconds)
    if task_instances.queue(work.tx, task.key, work.now, not_before, due_at):
        send_attempt(work, run, next_attempt(task.attempt), not_before)


def next_attempt(attempt: Attempt) -> Attempt:
    return Attempt(
        attempt.dag_id,
        attempt.run_id,
        attempt.task_id,
        attempt.map_index,
        attempt.try_number + 1,
    )


def send_attempt(work: Work, run: Run, attempt: Attempt, not_before: datetime) -> None:
    """Put the attempt's message into the outbox."""
    dag = work.definition(run.version_id)
    work.outbox.task(task_message(dag, run, attempt, not_before), not_before)


def resend_at(not_before: datetime, sends: int, resend_seconds: float) -> datetime:
    """When to send a message again that was sent `sends` times more than once; doubling, up to 15
    minutes, because a long queue looks like a lost message and must not be made longer for ever."""
    return not_before + timedelta(seconds=min(resend_seconds * 2.0 ** min(sends, 10), 900))
