"""Runs as a team has them: sixty tasks in groups, one of which failed; a mapped task; a sensor and
retries; two versions of a file."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from chalicelib.dag.model import Param, Sensor, Task
from chalicelib.database.connection.times import to_us
from chalicelib.messages import Attempt
from tests.support.api import Api
from tests.support.rows import START, insert

REGIONS = ("eu", "us", "apac", "latam", "mea", "nordics", "iberia", "dach", "benelux")
STEPS = ("extract", "check", "clean", "transform", "load", "publish")
FAILED = "transform_latam"
BEGIN = START + timedelta(hours=1)
SECOND = timedelta(seconds=1)
LONG = "w" * 400


def sixty_tasks(*, grouped: bool) -> tuple[Task, ...]:
    """Six steps for each of nine regions, between a start and an end."""
    tasks = [Task("begin", "true"), Task("wait_for_export", "test -f x", ("begin",))]
    for before, step in zip((None, *STEPS), STEPS, strict=False):
        for number, region in enumerate(REGIONS):
            sources = [f"{before}_{region}" if before else "wait_for_export"]
            if step == "load":
                sources.append(f"clean_{REGIONS[(number + 4) % len(REGIONS)]}")
            group = step if grouped else None
            tasks.append(Task(f"{step}_{region}", "true", tuple(sources), group=group))
    ends = tuple(f"publish_{region}" for region in REGIONS)
    last = ("report", "mail", "archive", "cleanup")
    tasks += [Task(name, "true", ends) for name in last]
    return tuple(tasks)


def put_sixty(api: Api, *, grouped: bool = False, noted: bool = False) -> str:
    """A run of sixty tasks that failed in the middle; answers its id."""
    tasks = sixty_tasks(grouped=grouped)
    params = (Param("query", type="string", default="x"),)
    api.rows.dag("sixty", name="Warehouse of all regions", tasks=tasks, params=params)
    more = {"note": LONG, "params": json.dumps({"query": LONG, "p" * 90: "x"})} if noted else {}
    run_id = api.rows.run("sixty", "failed", **more)
    _put_states(api, run_id, tasks, {FAILED})
    text = "2026-11-23T10:00:01.000Z reading latam\n2026-11-23T10:00:02.000Z ValueError: no rate\n"
    api.runs.put(Attempt("sixty", run_id, FAILED, -1, 1).log_chunk_key(0), text.encode())
    return run_id


def _put_states(api: Api, run_id: str, tasks: tuple[Task, ...], failing: set[str]) -> None:
    """Each task twenty seconds after the last one that it waits for."""
    states: dict[str, str] = {}
    ends: dict[str, datetime] = {}
    with api.database.write() as tx:
        for number, task in enumerate(tasks):
            before = {states[name] for name in task.dependencies}
            is_blocked = bool(before & {"failed", "upstream_failed"})
            state = "upstream_failed" if is_blocked else "success"
            states[task.id] = state = "failed" if task.id in failing else state
            begin = max((ends[name] for name in task.dependencies), default=BEGIN)
            ends[task.id] = begin + (10 + number % 7 * 5) * SECOND
            times: dict[str, Any] = {
                "queued_at": to_us(begin),
                "started_at": to_us(begin + 3 * SECOND),
                "ended_at": to_us(ends[task.id]),
                "reason": "exit code 1" if state == "failed" else "",
                "log_bytes": 90,
            }
            api.rows.put_task(tx, run_id, task.id, state, **({} if is_blocked else times))


def put_mapped(api: Api, counts: dict[str, int]) -> str:
    """A run with a mapped task whose instances are in these states; answers its id."""
    chain = (
        Task("list", "true"),
        Task("work", "true", ("list",), expand={"ITEM": [1, 2]}),
        Task("sum", "true", ("work",)),
    )
    api.rows.dag("fanned", name="Fanned out", tasks=chain)
    run_id = api.rows.run("fanned", "running")
    api.rows.task(run_id, "list")
    states = [state for state, number in counts.items() for _ in range(number)]
    with api.database.write() as tx:
        for index, state in enumerate(states):
            api.rows.put_task(tx, run_id, "work", state, map_index=index)
    api.rows.task(run_id, "sum", "none")
    return run_id


def put_waits(api: Api) -> str:
    """A run in which a sensor asked for eight minutes, and a task was retried after two; answers
    its id."""
    tasks = (
        Task("wait_for_file", "test -f x", sensor=Sensor(poke_interval=60.0)),
        Task("fetch", "true", retries=2, retry_delay=120.0),
        Task("join", "true", ("wait_for_file", "fetch")),
    )
    api.rows.dag("waits", name="Waits", tasks=tasks)
    run_id = api.rows.run("waits", "success", started_at=to_us(BEGIN), admitted_at=to_us(BEGIN))

    def at(seconds: float) -> int:
        return to_us(BEGIN + seconds * SECOND)

    api.rows.task(
        run_id,
        "wait_for_file",
        "success",
        {"pokes": 8, "first_started_at": at(10)},
        first_started_at=at(10),
        queued_at=at(490),
        started_at=at(491),
        ended_at=at(493),
    )
    key = api.rows.task(
        run_id,
        "fetch",
        "success",
        try_number=2,
        queued_at=at(180),
        started_at=at(183),
        ended_at=at(240),
    )
    earlier = {"queued_at": at(0), "started_at": at(20), "ended_at": at(60), "exit_code": 1}
    with api.database.write() as tx:
        row = {"task_instance_id": key, "try_number": 1, "outcome": "failed", **earlier}
        insert(tx, "attempts", row)
    times: dict[str, Any] = {"queued_at": at(493), "started_at": at(500), "ended_at": at(540)}
    api.rows.task(run_id, "join", "success", **times)
    return run_id
