"""What follows from a change in a run: trigger rules, mapped instances, the end of the run.

All of it runs in the transaction of the change, any number of times: it depends on the present
state, not on what happened.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial

from chalicelib.dag.evaluate.expand import ExpandError, some_mapped_items
from chalicelib.dag.model import Dag, Task
from chalicelib.dag.states import TASK_ENDED, RunState, TaskState
from chalicelib.dag.templates import texts_in
from chalicelib.dag.templates.compile_budget import NotCompiled
from chalicelib.dag.templates.scope import TemplateError
from chalicelib.dag.trigger_rules import WAITING_RULES, Decision, decide
from chalicelib.database.queries import (
    dags,
    mapped_instances,
    run_history,
    run_slots,
    runs,
    task_instances,
)
from chalicelib.database.queries.runs import Run
from chalicelib.database.queries.task_instances import Counts, End, TaskInstance
from chalicelib.enums import Outcome
from chalicelib.messages import Attempt
from chalicelib.scheduler import notifications, sub_dags
from chalicelib.scheduler.task_messages import template_context
from chalicelib.scheduler.unit_of_work import UnitOfWork

log = logging.getLogger("orchestrator.scheduler")

MAX_INSTANCES_PER_EXPANSION = 1000
"""What EFS writes well within the five seconds that a transaction may be open. An immediate wake-up
creates the rest."""

FEW_TASKS = 20
"""A run of so few tasks fills a page or two."""
MAX_LOOKED_AT = 50

States = dict[str, Counts]


def advance(work: UnitOfWork, run: Run, succeeded: Collection[str] = ()) -> None:
    """Advance the run as far as possible now. `succeeded` are its tasks of which an instance
    succeeded, if nothing else has changed in it."""
    if not run.is_admitted:
        return
    dag = work.definition(run.version_id)
    if succeeded and _decides_nothing(work, run, dag, succeeded):
        return
    states = task_instances.states(work.tx, run.key)
    ready: list[Task] = []
    for task in dag.tasks:  # in topological order: one pass carries a failure all the way down
        if states[task.id][TaskState.NONE]:
            _decide_isolated(work, run, task, states, ready)
    if ready:
        _make_ready(work, run, ready, states)
    work.dags_to_dispatch.add(run.dag_id)
    work.pools_to_dispatch.update(task.pool for task in dag.tasks if task.pool)
    if _is_over(states) and not task_instances.is_removed_in_flight(work.tx, run.key):
        _end(work, run, dag, states)
    elif any(task.depends_on_past for task in dag.tasks):
        _touch_next(work, run)


def _decides_nothing(work: UnitOfWork, run: Run, dag: Dag, succeeded: Collection[str]) -> bool:
    """Whether all that these successes could decide waits for a task that goes on. Found out from a
    few rows, where the states of all tasks fill many pages, which other hosts' commits make stale:
    most of what a wide run would read."""
    is_wide = len(dag.tasks) > FEW_TASKS or any(task.expand for task in dag.tasks)
    if not is_wide or run.stopping or any(task.depends_on_past for task in dag.tasks):
        return False
    downstream = [task for task in dag.tasks if any(map(succeeded.__contains__, task.dependencies))]
    if not all(task.trigger_rule in WAITING_RULES for task in downstream):
        return False
    others = task_instances.some_that_go_on(work.tx, run.dag_id, run.key, MAX_LOOKED_AT)
    return any(all(other in task.dependencies for task in downstream) for other in others)


def _is_over(states: States) -> bool:
    return not any(
        number
        for counts in states.values()
        for state, number in counts.items()
        if state not in TASK_ENDED
    )


def _touch_next(work: UnitOfWork, run: Run) -> None:
    """Recheck the next run, whose tasks may wait for theirs in this one (`depends_on_past`)."""
    with work.isolate("the run after this one", **run.ids()):
        following = run_history.after(work.tx, run)
        if following is None or not following.is_active or not following.is_admitted:
            return
        dag = work.definition(following.version_id)
        if any(task.depends_on_past for task in dag.tasks):
            work.mark_changed(following.run_id)


def _decide_isolated(
    work: UnitOfWork, run: Run, task: Task, states: States, ready: list[Task] | None = None
) -> None:
    """Decide about one waiting task, or add it to `ready`. If that raises, the task fails, and the
    others continue."""
    try:
        target, reason = decision(work, run, task, states)
        if ready is not None and target is TaskState.SCHEDULED and not task.expand:
            counts = states[task.id]
            counts[target] += counts.pop(TaskState.NONE)
            ready.append(task)
        elif target is not TaskState.NONE:
            with work.savepoint():
                _decide(work, run, task, states, target, reason)
    except Exception as error:
        if isinstance(error, NotCompiled) and work.can_defer(error):
            work.defer(error, run.ids())
            return
        reason = work.record_error(error, "a task of a run", task_id=task.id, **run.ids())
        for instance in task_instances.waiting(work.tx, run.key, task.id):
            failed = TaskState.FAILED
            task_instances.end_unstarted(work.tx, instance.key, failed, reason, work.now)
        states[task.id] = task_instances.states_of_task(work.tx, run.key, task.id)


def _make_ready(work: UnitOfWork, run: Run, ready: Sequence[Task], states: States) -> None:
    """Make these tasks ready together or, if that raises, one by one."""
    try:
        with work.savepoint():
            task_instances.make_all_ready(work.tx, run.key, [task.id for task in ready])
    except Exception as error:
        work.record_error(error, "the ready tasks of a run", **run.ids())
        states.update(task_instances.states(work.tx, run.key))
        for task in ready:
            _decide_isolated(work, run, task, states)
        work.mark_changed(run.run_id)  # what depends on those that failed


def _decide(
    work: UnitOfWork, run: Run, task: Task, states: States, target: TaskState, reason: str
) -> None:
    waiting = task_instances.waiting(work.tx, run.key, task.id)
    unmapped = next((instance for instance in waiting if instance.mapped_count is not None), None)
    if target is TaskState.SCHEDULED and unmapped is not None:
        # Mapped instances that wait too were cleared; expansion reuses those that are needed.
        target, reason = _expand(work, run, task, unmapped)
        if target is TaskState.SCHEDULED:
            states[task.id] = task_instances.states_of_task(work.tx, run.key, task.id)
            return
        ended = End(Outcome(target), work.now, reason=reason)
        notifications.notify_task(work, task, run, unmapped, ended, target)
    for instance in waiting:
        if target is TaskState.SCHEDULED:
            task_instances.make_ready(work.tx, instance.key)
        else:
            task_instances.end_unstarted(work.tx, instance.key, target, reason, work.now)
        states[task.id][TaskState.NONE] -= 1
        states[task.id][target] += 1


def decision(work: UnitOfWork, run: Run, task: Task, states: States) -> tuple[TaskState, str]:
    """Return the next state of a waiting task, and the reason; `none` while it keeps waiting."""
    if run.stopping is not None:
        return TaskState.CANCELLED, run.reason
    upstream = _sum(states[dependency] for dependency in task.dependencies)
    decision = decide(task.trigger_rule, upstream, sum(upstream.values()))
    if decision is Decision.RUN and task.depends_on_past:
        return _check_previous_run(work, run, task)
    return _TARGETS[decision], _reason(decision, task, states)


def _sum(counts: Iterable[Counts]) -> dict[TaskState, int]:
    total: dict[TaskState, int] = {}
    for count in counts:
        for state, number in count.items():
            total[state] = total.get(state, 0) + number
    return total


_TARGETS = {
    Decision.WAIT: TaskState.NONE,
    Decision.RUN: TaskState.SCHEDULED,
    Decision.SKIP: TaskState.SKIPPED,
    Decision.UPSTREAM_FAILED: TaskState.UPSTREAM_FAILED,
}

_CAUSES = {
    Decision.SKIP: (TaskState.SKIPPED, TaskState.SUCCESS),
    Decision.UPSTREAM_FAILED: (
        TaskState.FAILED,
        TaskState.UPSTREAM_FAILED,
        TaskState.CANCELLED,
        TaskState.SKIPPED,
        TaskState.SUCCESS,
    ),
}


def _reason(decision: Decision, task: Task, states: States) -> str:
    """Return the first upstream task that decided it, in words."""
    for cause in _CAUSES.get(decision, ()):
        for dependency in task.dependencies:
            if states[dependency][cause]:
                word = cause.replace("_", " ")
                return f"{dependency} is {word}, trigger rule {task.trigger_rule}"
    return f"trigger rule {task.trigger_rule}"


def _check_previous_run(work: UnitOfWork, run: Run, task: Task) -> tuple[TaskState, str]:
    """Apply `depends_on_past`: the same task must have succeeded in the previous run. If it failed
    there, this one fails too; Airflow would leave it waiting for ever."""
    previous = run_history.before(work.tx, run)
    past = task_instances.states(work.tx, previous.key).get(task.id) if previous else None
    if previous is None or not past:
        return TaskState.SCHEDULED, ""
    bad = [state for state in past if state in TASK_ENDED and state not in _GOOD]
    if bad:
        word = bad[0].replace("_", " ")
        reason = f"depends_on_past: it is {word} in {previous.run_id}"
        return TaskState.UPSTREAM_FAILED, reason
    if all(state in _GOOD for state in past):
        return TaskState.SCHEDULED, ""
    work.waiting_on_previous_run[run.run_id, task.id] = run.logical_date, previous.run_id
    return TaskState.NONE, ""


def fail_if_deadlocked(work: UnitOfWork, run_id: str, task_id: str, previous: str) -> None:
    """Fail a task that waits for the previous run if that run, or one before it, cannot get a slot
    until this run ends. Called once nothing else is left to follow up."""
    run = work.run(run_id)
    if run is None or not run.is_active or not run_slots.is_held_up(work.tx, run):
        return
    dag = dags.find(work.tx, run.dag_id)
    why = (
        "until its DAG is un-paused" if dag and dag.is_paused else "for a slot that this run holds"
    )
    reason = f"depends_on_past: {previous} waits {why}"
    for task in task_instances.waiting(work.tx, run.key, task_id):
        target = TaskState.UPSTREAM_FAILED
        task_instances.end_unstarted(work.tx, task.key, target, reason, work.now)
    work.mark_changed(run_id)


_GOOD = frozenset({TaskState.SUCCESS, TaskState.SKIPPED})


def _expand(
    work: UnitOfWork, run: Run, task: Task, unmapped: TaskInstance
) -> tuple[TaskState, str]:
    """Create the next mapped instances and return `scheduled`. If there are none to create, return
    the task's final state and the reason."""
    attempt = Attempt(run.dag_id, run.run_id, task.id, -1, 1)
    first = unmapped.mapped_count or 0
    try:
        context = template_context(work, work.definition(run.version_id), run, attempt)
        batch, count = some_mapped_items(task, context, first, MAX_INSTANCES_PER_EXPANSION)
    except (TemplateError, ExpandError) as error:
        return TaskState.FAILED, f"expand: {error}"
    except NotCompiled:
        raise NotCompiled(*texts_in(task.expand)) from None
    if not count:
        return TaskState.SKIPPED, "expand: the list is empty, so there are no mapped instances"
    mapped_instances.insert(work.tx, unmapped, first, batch)
    if first + len(batch) < count:
        work.outbox.wake(work.now)
    else:
        mapped_instances.end(work.tx, unmapped, count, work.now)
        work.mark_changed(run.run_id)  # an instance cleared meanwhile has waited for this
    return TaskState.SCHEDULED, ""


def _end(work: UnitOfWork, run: Run, dag: Dag, states: States) -> None:
    state, reason = verdict(run, dag, states)
    failed = _failed_tasks(dag, states)
    end = partial(runs.end, work.tx, run.key, state, reason, work.now, len(failed))
    if not work.change_run(run.key, end):
        return
    log.info("run ended: %s", state, extra=run.ids())
    failed_tasks = sum(bool(states[task.id].get(TaskState.FAILED)) for task in dag.tasks)
    notifications.notify_run(work, dag, run, state, reason, failed_tasks)
    if state is RunState.FAILED:
        with work.isolate("the count of failed runs", **run.ids()):
            _pause_after_failures(work, run, dag)
    with work.isolate("what waited for a run", **run.ids()):
        release_dependents(work, run, state)


def release_dependents(work: UnitOfWork, run: Run, state: RunState) -> None:
    """Let what waited for the end of the run continue, whether the run was admitted or not."""
    work.dags_to_admit.add(run.dag_id)
    _touch_next(work, run)
    if run.backfill_id is not None:
        work.backfills_to_advance.add(run.backfill_id)
    if run.parent_task_id is not None:
        sub_dags.end_parent_task(work, run, state)


def verdict(
    run: Run, dag: Dag, states: Mapping[str, Mapping[TaskState, int]]
) -> tuple[RunState, str]:
    """Return the final state of a run whose tasks have all ended, and the reason. As in Airflow,
    the leaves decide: the run failed if a task that nothing depends on failed, or was blocked by a
    failure."""
    if run.stopping is not None:
        return run.stopping, run.reason
    inner = {dependency for task in dag.tasks for dependency in task.dependencies}
    ends = Counter[TaskState]()
    for task in dag.tasks:
        if task.id not in inner:
            ends.update(states[task.id])
    if ends[TaskState.FAILED] or ends[TaskState.UPSTREAM_FAILED]:
        failed = _failed_tasks(dag, states)
        return RunState.FAILED, f"failed: {', '.join(failed[:5])}" if failed else "failed"
    if ends[TaskState.CANCELLED]:
        return RunState.CANCELLED, "cancelled"
    failed = _failed_tasks(dag, states)
    return RunState.SUCCESS, f"failed: {', '.join(failed[:5])}" if failed else ""


def _failed_tasks(dag: Dag, states: Mapping[str, Mapping[TaskState, int]]) -> list[str]:
    """Return the ids of the tasks that failed, or of which a mapped instance did."""
    return [task.id for task in dag.tasks if states[task.id].get(TaskState.FAILED)]


def _pause_after_failures(work: UnitOfWork, run: Run, dag: Dag) -> None:
    limit = dag.max_consecutive_failed_dag_runs
    if not limit:
        return
    last = run_history.last_ends(work.tx, run.dag_id, limit)
    if len(last) == limit and all(state is RunState.FAILED for state in last):
        reason = f"paused because {limit} runs in a row failed (max_consecutive_failed_dag_runs)"
        dags.set_paused(work.tx, run.dag_id, True, None, work.now, reason)
        log.warning("%s", reason, extra={"dag_id": run.dag_id})
