"""A fortnight of an imaginary team's runs, always the same, for the pictures of the page."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.dag.excerpts import excerpt
from chalicelib.dag.language.parser import parse
from chalicelib.dag.model import Dag, Sensor, Task
from chalicelib.dag.problems import DagFileError, Problem
from chalicelib.dag.schedule.fire_times import fire_times
from chalicelib.database import Transaction
from chalicelib.database.connection.times import to_us
from chalicelib.database.queries import dags, housekeeping, workers
from chalicelib.messages import Attempt, WorkerSeen
from tests.support.api import Api
from tests.support.rows import insert

NOW = datetime(2026, 11, 23, 7, 2, 40, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAYS = 14
GAP = timedelta(seconds=0.7)  # between the end of a task and the start of the next


@dataclass(frozen=True)
class Going:
    """How the runs of a DAG go: seconds by task, about; what fails, by days ago."""

    dag: Dag
    seconds: dict[str, float]
    fails: dict[int, str]
    retried: dict[int, str]
    is_running: bool = False
    is_paused: bool = False
    days: float = DAYS


SALES = Dag(
    "nightly_sales",
    "Nightly sales",
    (
        Task("extract_eu", "bin/extract eu"),
        Task("extract_us", "bin/extract us", retries=2),
        Task("extract_apac", "bin/extract apac", retries=2),
        Task("transform_eu", "bin/transform eu", ("extract_eu",)),
        Task("transform_us", "bin/transform us", ("extract_us",)),
        Task("transform_apac", "bin/transform apac", ("extract_apac",)),
        Task(
            "load_warehouse",
            "bin/load",
            ("transform_eu", "transform_us", "transform_apac"),
            retries=1,
        ),
        Task("check_totals", "bin/check", ("load_warehouse",)),
        Task("refresh_reports", "bin/refresh", ("check_totals",)),
        Task("mail_summary", "bin/mail", ("check_totals",)),
        Task("drop_staging", "bin/drop", ("load_warehouse",), trigger_rule="all_done"),
    ),
    description="Sales of the day from three regions into the warehouse and the reports.",
    schedule=("0 2 * * *",),
    timezone="Europe/Berlin",
    tags=("sales", "warehouse"),
    owner="data team",
)


def small(dag_id: str, name: str, schedule: str, tag: str, *tasks: str) -> Dag:
    """A chain of tasks."""
    chain = tuple(
        Task(task, f"bin/{task}", tasks[max(0, i - 1) : i]) for i, task in enumerate(tasks)
    )
    return Dag(dag_id, name, chain, schedule=(schedule,) if schedule else (), tags=(tag,))


GOINGS = (
    Going(
        SALES,
        {
            "extract_eu": 41,
            "extract_us": 63,
            "extract_apac": 37,
            "transform_eu": 18,
            "transform_us": 29,
            "transform_apac": 16,
            "load_warehouse": 52,
            "check_totals": 8,
            "refresh_reports": 24,
            "mail_summary": 2,
            "drop_staging": 4,
        },
        fails={0: "check_totals", 6: "transform_us"},
        retried={0: "extract_apac", 3: "extract_us", 9: "extract_apac", 10: "load_warehouse"},
    ),
    Going(
        small("exchange_rates", "Exchange rates", "5 * * * *", "finance", "fetch", "store"),
        {"fetch": 2.2, "store": 0.9},
        fails={},
        retried={},
        days=3,
    ),
    Going(
        small("crm_sync", "CRM sync", "*/30 * * * *", "sales", "pull", "merge", "push"),
        {"pull": 55, "merge": 70, "push": 130},
        fails={},
        retried={},
        is_running=True,
        days=1,
    ),
    Going(
        small(
            "postgres_backup", "Postgres backup", "30 3 * * *", "ops", "dump", "verify", "upload"
        ),
        {"dump": 312, "verify": 95, "upload": 141},
        fails={4: "upload"},
        retried={},
    ),
    Going(
        small(
            "invoice_mails", "Invoice mails", "0 7 * * 1-5", "finance", "collect", "render", "send"
        ),
        {"collect": 6, "render": 31, "send": 44},
        fails={0: "render"},
        retried={},
    ),
    Going(
        small("model_features", "Model features", "15 4 * * *", "warehouse", "select", "compute"),
        {"select": 12, "compute": 480},
        fails={},
        retried={2: "compute"},
    ),
    Going(
        small("disk_report", "Disk report", "0 6 * * 1", "ops", "measure", "report"),
        {"measure": 14, "report": 1},
        fails={},
        retried={},
    ),
    Going(
        small("old_exports", "Old exports", "0 1 * * *", "sales", "export"),
        {"export": 20},
        fails={},
        retried={},
        is_paused=True,
    ),
    Going(
        Dag(
            "wait_for_partner",
            "Partner delivery",
            (
                Task("delivery", "bin/look", sensor=Sensor(poke_interval=60.0)),
                Task("import", "bin/import", ("delivery",)),
            ),
            schedule=("0 5 * * *",),
            tags=("sales",),
        ),
        {"delivery": 1400, "import": 66},
        fails={},
        retried={},
    ),
)

LOGS = {
    "check_totals": """\
\x1b[1mchecking totals of {day}\x1b[0m
region   orders      booked     reported
eu       18,204   1,204,118    1,204,118  \x1b[32mok\x1b[0m
us       22,871   1,918,440    1,918,440  \x1b[32mok\x1b[0m
apac      9,020     610,335      587,912  \x1b[31moff by 22,423\x1b[0m
Traceback (most recent call last):
  File "/var/task/bin/check", line 48, in <module>
    main(parse_args())
  File "/opt/python/lib/python3.12/site-packages/click/core.py", line 1157, in __call__
    return self.main(*args, **kwargs)
  File "/opt/python/lib/python3.12/site-packages/click/core.py", line 783, in invoke
    return __callback(*args, **kwargs)
  File "/var/task/sales/totals.py", line 31, in compare
    raise TotalsDiffer(region, booked, reported)
sales.totals.TotalsDiffer: apac: 610,335 booked, 587,912 reported; {day} is not complete
""",
    "render": "rendering 418 invoices\n\x1b[33mwarning: customer 20817 has no address\x1b[0m\n"
    "jinja2.exceptions.UndefinedError: 'vat_id' is undefined in invoice.html line 12\n",
    "transform_us": "reading 22,604 orders\nKeyError: 'currency' in order 88120\n",
    "upload": "upload failed: 503 Slow Down (tried 4 times)\n",
}


def build(api: Api) -> str:
    """Fill the database and the bucket of `api`; answers the last nightly run."""
    api.clock.moment = NOW
    luck = random.Random(7)
    todo: list[tuple[datetime, Going]] = []
    for going in GOINGS:
        put_dag(api, going)
        first = NOW - timedelta(days=going.days)
        todo += [(at, going) for at in fire_times(going.dag, first, 100) if at <= NOW]
    shown = ""
    for at, going in sorted(todo, key=lambda one: one[0]):
        with api.database.write() as tx:
            run_id = Run(api, tx, going, at, luck).put()
        shown = run_id if going.dag is SALES else shown
    around(api, shown)
    return shown


def put_workers(api: Api) -> None:
    """Two at work for one queue, and the only one of another that has not been seen for a while."""
    seen = [
        ("studio-1/4711", "gpu", 2, 20),
        ("studio-2/933", "gpu", 1, 31),
        ("attic/52", "nas", 0, 4000),
    ]
    with api.database.write() as tx:
        for name, queue, running, seconds in seen:
            at = NOW - timedelta(seconds=seconds)
            began = (at - timedelta(hours=30)).timestamp()
            report = WorkerSeen(name, queue, 4, running, began, at.timestamp())
            workers.seen(tx, report, at)


def put_dag(api: Api, going: Going) -> None:
    """Store a DAG with an older version, in which the first task had no retries."""
    dag = going.dag
    key = f"{dag.dag_id}.yaml"
    with api.database.write() as tx:
        for number, text in enumerate((yaml_of(dag, retries=False), yaml_of(dag)), start=1):
            at = NOW - timedelta(days=40 - number * 3)
            version = dags.add_version(tx, dag, key, f"etag-{number}", text, at)
        due = None if going.is_paused else fire_times(dag, NOW, 1)[0]
        dags.activate(tx, dag, version, key, going.is_paused, due, at)
        dags.save_file(tx, key, f"etag-{number}", dag.dag_id, at)


def yaml_of(dag: Dag, *, retries: bool = True) -> str:
    """The file of a DAG, as a person would write it."""
    lines = [f"dag_id: {dag.dag_id}", f"name: {dag.name}", f'schedule: "{dag.schedule[0]}"']
    lines += [f"timezone: {dag.timezone}", f"tags: [{', '.join(dag.tags)}]", "tasks:"]
    for task in dag.tasks:
        lines += [f"  - id: {task.id}", f"    command: {task.command}"]
        if task.dependencies:
            lines.append(f"    dependencies: [{', '.join(task.dependencies)}]")
        if task.retries and retries:
            lines.append(f"    retries: {task.retries}")
    return "\n".join(lines) + "\n"


BROKEN = """\
name: Stock levels
schedule: "0 25 * * *"
tasks:
  - id: count
    comand: bin/count
  - id: order
    command: bin/order
    dependencies: [cuont]
"""


def around(api: Api, run_id: str) -> None:
    """What stands beside the runs: ticks, pools, a file with errors, notifications, changes."""
    api.rows.now = NOW - timedelta(minutes=3, seconds=20)
    for made in (0, 1, 0):
        api.rows.tick(runs_created=made)
    api.rows.pool("warehouse", 4, "connections to the warehouse")
    put_workers(api)
    api.rows.now = NOW - timedelta(hours=5)
    api.rows.notification(run_id, "delivered", target="https://chat.example.com/hooks/data")
    api.rows.notification(run_id, "failed", kind="sns", target="arn:aws:sns:::oncall", sends=4)
    api.rows.backfill("postgres_backup", "done", counts='{"created": 2}', ended_at=to_us(NOW))
    with api.database.write() as tx:
        housekeeping.audit(tx, "olga", "pause", "old_exports", {}, NOW - timedelta(days=2))
        housekeeping.audit(tx, "olga", "note", run_id, {"note": "asked apac"}, NOW - 9 * HOUR / 2)
        dags.save_file(tx, "stock_levels.yaml", "etag", None, NOW - HOUR)
        problems = problems_of(BROKEN)
        lines = [asdict(line) for line in excerpt(BROKEN.encode(), problems)]
        told = [asdict(problem) for problem in problems]
        dags.set_import_error(tx, "stock_levels.yaml", told, lines, None, NOW - HOUR)


def problems_of(text: str) -> tuple[Problem, ...]:
    try:
        parse(text.encode())
    except DagFileError as error:
        return error.problems
    return ()


class Run:
    """One run of a DAG, its times drawn by `luck`."""

    def __init__(
        self, api: Api, tx: Transaction, going: Going, at: datetime, luck: random.Random
    ) -> None:
        self.api, self.tx, self.going, self.at, self.luck = api, tx, going, at, luck
        days_ago = (NOW - at).days
        self.fails = going.fails.get(days_ago, "")
        self.retried = going.retried.get(days_ago, "")
        self.run_id = f"{going.dag.dag_id}__{at:%Y%m%dT%H%M%SZ}_{luck.randrange(16**5):05x}"
        self.ends: dict[str, datetime] = {}
        self.states: dict[str, str] = {}

    def put(self) -> str:
        plans = {task.id: self.plan(task) for task in self.going.dag.tasks}
        ended = max(self.ends.values(), default=self.at)
        is_running = "running" in self.states.values()
        state = "running" if is_running else "failed" if self.fails else "success"
        self.api.rows.put_run(
            self.tx,
            self.going.dag.dag_id,
            state,
            run_id=self.run_id,
            started_at=to_us(self.at + GAP),
            ended_at=None if is_running else to_us(ended),
            **dict.fromkeys(
                ("logical_date", "data_interval_start", "data_interval_end", "not_before"),
                to_us(self.at),
            ),
            created_at=to_us(self.at - timedelta(seconds=90)),
            admitted_at=to_us(self.at),
        )
        for task_id, columns in plans.items():
            self.put_task(task_id, columns)
        return self.run_id

    def plan(self, task: Task) -> dict[str, Any]:
        """The columns of a task instance; notes when and how it ended for those behind it."""
        before = [self.states[name] for name in task.dependencies]
        start = max(
            [self.ends[name] for name in task.dependencies if name in self.ends] or [self.at]
        )
        start += GAP * (1 + self.luck.random())
        if start > NOW or "none" in before or "running" in before:
            self.states[task.id] = "none"
            return {"state": "none"}
        if task.trigger_rule == "all_success" and {"failed", "upstream_failed"} & set(before):
            self.states[task.id] = "upstream_failed"
            return {"state": "upstream_failed", "reason": f"{self.fails} failed"}
        return self.ran(task, start)

    def ran(self, task: Task, start: datetime) -> dict[str, Any]:
        seconds = self.going.seconds[task.id] * self.luck.uniform(0.85, 1.25)
        tries = 2 if self.retried == task.id else 1
        first = start
        if tries == 2:
            start += timedelta(seconds=seconds * 0.4 + 30)
        end = start + timedelta(seconds=seconds)
        is_running = self.going.is_running and end > NOW
        self.ends[task.id] = NOW if is_running else end
        state = "running" if is_running else "failed" if task.id == self.fails else "success"
        self.states[task.id] = state
        return {
            "state": state,
            "try_number": tries,
            "first": first,
            "queued_at": to_us(start - GAP),
            "started_at": to_us(start),
            "ended_at": None if is_running else to_us(end),
            "exit_code": {"failed": 1, "success": 0}.get(state),
            "max_rss_bytes": self.luck.randrange(40, 220) * 2**20,
            "reason": "exit code 1" if state == "failed" else "",
        }

    def put_task(self, task_id: str, columns: dict[str, Any]) -> None:
        state, first = columns.pop("state"), columns.pop("first", self.at)
        if state not in ("success", "failed", "running"):
            self.api.rows.put_task(self.tx, self.run_id, task_id, state, **columns)
            return
        tries = columns["try_number"]
        columns["log_bytes"] = self.put_log(task_id, state, tries, columns["started_at"])
        used = {"billed_ms": round(self.going.seconds[task_id] * 1000), "memory_mb": 512}
        key = self.api.rows.put_task(
            self.tx, self.run_id, task_id, state, used if state != "running" else None, **columns
        )
        if tries == 2:
            lost = {"outcome": "failed", "exit_code": 1, "log_bytes": 0, "reason": "exit code 1"}
            begin, end = (
                to_us(first),
                to_us(first + timedelta(seconds=self.going.seconds[task_id] / 3)),
            )
            times = {"queued_at": begin, "started_at": begin, "ended_at": end}
            insert(self.tx, "attempts", {"task_instance_id": key, "try_number": 1, **lost, **times})

    def put_log(self, task_id: str, state: str, tries: int, started: int) -> int:
        text = LOGS.get(task_id, "it did not work\n") if state == "failed" else f"{task_id}: done\n"
        at = datetime.fromtimestamp(started / 1e6, UTC)
        lines = text.format(day=f"{self.at:%Y-%m-%d}").splitlines()
        log = "".join(
            f"{at + timedelta(seconds=1.1 * i):%Y-%m-%dT%H:%M:%S.%f}"[:23] + f"Z {line}\n"
            for i, line in enumerate(lines)
        ).encode()
        attempt = Attempt(self.going.dag.dag_id, self.run_id, task_id, -1, tries)
        self.api.runs.put(attempt.log_chunk_key(0), log)
        return len(log)
