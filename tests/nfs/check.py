"""Runs the storage checks on two NFS clients, `/mnt/a` and `/mnt/b`; README.md says what each is.

python -m tests.nfs.check [race] [stress] [death] [freeze] [cost] [scheduler]
"""

from __future__ import annotations

import itertools
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

from chalicelib.database import Database, sqlite_versions
from tests.integration.storage import ledger

HOSTS = ("a", "b")
SERVER = Path("/export/db")
LOGS = Path("/run/storage-checks")
NOBODY = 65534  # As root, SQLite also sets the owner of the journal, which costs calls.
LEASE = 10.0
STRESS_SECONDS = 60.0

numbers = itertools.count(1)


def let_others_run(directory: Path) -> None:
    """An interpreter below root's home is closed to others; this machine is thrown away anyway."""
    for parent in (directory, *directory.parents):
        parent.chmod(parent.stat().st_mode | 0o055)


def path_on(host: str, name: str) -> Path:
    return Path("/mnt") / host / "db" / name / "orchestrator.db"


def python(*arguments: str) -> subprocess.Popen[str]:
    """A module that talks through pipes, run by the user that owns the database."""
    return subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        user=NOBODY,
        group=NOBODY,
    )


class Agent:
    """An agent.py process on one host."""

    def __init__(self, host: str, name: str, module: str = "tests.nfs.agent") -> None:
        path, seed = str(path_on(host, name)), str(next(numbers))
        self.process = python(module, path, seed)

    def begin(self, command: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """Empty if it died."""
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def ask(self, command: str) -> str:
        self.begin(command)
        return self.answer()

    def end(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


@contextmanager
def agents(name: str, module: str = "tests.nfs.agent") -> Iterator[tuple[Agent, Agent]]:
    """One on each host."""
    both = Agent("a", name, module), Agent("b", name, module)
    yield both
    for agent in both:
        agent.end()


@contextmanager
def ledger_database(name: str) -> Iterator[int]:
    """A database with a ledger, made on host a; the number of the ledger's commit."""
    command = (
        "from pathlib import Path; from chalicelib.database import Database;"
        "from tests.integration.storage import ledger;"
        f"database = Database(Path({str(path_on('a', name))!r}));"
        "database.create_if_missing(); print(ledger.prepare(database))"
    )
    made = subprocess.run(
        [sys.executable, "-c", command],
        user=NOBODY, group=NOBODY, capture_output=True, text=True, check=True,
    )  # fmt: skip
    yield int(made.stdout)
    shutil.rmtree(SERVER / name)


def audit(name: str, prepared: int, lines: list[str]) -> list[str]:
    """What is wrong, as host b sees it after everything else has ended."""
    acknowledged = [ledger.Acknowledged.read(line) for line in lines]
    with closing(Database(path_on("b", name))) as database:
        return ledger.audit(database, prepared, acknowledged)


def race() -> list[str]:
    problems = []
    for turn in range(5):
        name = f"race{turn}"
        with agents(name) as both:
            for agent in both:
                agent.begin("create")
            answers = sorted(agent.answer() for agent in both)
        if answers != ["created 2", "created 3"]:
            problems.append(f"turn {turn}: {answers}")
        if {entry.name for entry in SERVER.iterdir()} != {name}:
            problems.append(f"turn {turn}: left behind {list(SERVER.iterdir())}")
        shutil.rmtree(SERVER / name)
    return problems


def stress() -> list[str]:
    """The writers' logs lie on a file system of the machine, not on the mount."""
    writers = [f"write-{host}{number}" for host in HOSTS for number in (1, 2)]
    readers = [f"read-{host}" for host in HOSTS]
    with ledger_database("stress") as prepared:
        running = {key: start(key) for key in (*writers, *readers)}
        kills = kill_at_random(running, writers)
        for process in running.values():
            stop(process)
        acknowledged, seen = logged(writers), logged(readers)
        problems = audit("stress", prepared, [line for line in acknowledged if line[0] != "#"])
    problems += sorted({f"reader: {line}" for line in seen if line[0] != "#" and line != "ok"})
    commits = sum(line[0] != "#" for line in acknowledged)
    errors = Counter(line.split(":")[0] for line in acknowledged + seen if line[0] == "#")
    print(f"  {commits} commits acknowledged, {kills} kills, {len(seen)} reads, {dict(errors)}")
    return problems if commits and seen else [*problems, "nothing was done"]


def start(key: str) -> BaseProcess:
    """Forked, because an interpreter takes seconds to start here, and kills would find it busy
    with that."""
    role, _, place = key.partition("-")
    act = ledger.write_for_ever if role == "write" else ledger.read_for_ever
    path, seed = path_on(place[0], "stress"), str(next(numbers))

    def work() -> None:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        act(path, LOGS / key, seed)

    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def kill_at_random(running: dict[str, BaseProcess], victims: list[str]) -> int:
    """Kill one and start it again, about every second; how many were killed."""
    dice, end = random.Random(next(numbers)), time.monotonic() + STRESS_SECONDS
    for kills in itertools.count():
        time.sleep(dice.uniform(0.5, 1.5))
        if time.monotonic() > end:
            return kills
        victim = dice.choice(victims)
        stop(running[victim])
        running[victim] = start(victim)
    raise AssertionError("the count does not end")


def stop(process: BaseProcess) -> None:
    process.kill()
    process.join()


def logged(keys: list[str]) -> list[str]:
    """Whole lines only: a kill may cut the last one."""
    texts = [(LOGS / key).read_text() for key in keys if (LOGS / key).exists()]
    return [line.strip() for text in texts for line in text.splitlines(True) if line[-1] == "\n"]


def death() -> list[str]:
    problems, undone = [], 0
    for turn, command in enumerate(["look", "add"] * 4):
        name = f"death{turn}"
        with ledger_database(name) as prepared:
            with agents(name) as (writer, other):
                lines = [writer.ask("add"), other.ask("add"), writer.ask("add")]
                other.ask("look")
                if survived := writer.ask("die"):
                    problems.append(f"turn {turn}: the writer did not die: {survived}")
                undone += is_hot(name)
                answer = other.ask(command)
                problems += (
                    [f"turn {turn}: {answer}"] if command == "look" and answer != "ok" else []
                )
                lines += [answer] if command == "add" else []
            problems += [f"turn {turn}: {what}" for what in audit(name, prepared, lines)]
    print(f"  {undone} of {turn + 1} deaths left a transaction to undo")
    return problems if undone else [*problems, "no death left anything to undo"]


def is_hot(name: str) -> bool:
    """Whether a valid journal lies there, seen from the server."""
    with (SERVER / name / "orchestrator.db-journal").open("rb") as journal:
        return journal.read(1) != b"\0"


def freeze() -> list[str]:
    problems: list[str] = []
    for turn in range(2):
        answer, wrong = frozen_for_three_leases(f"freeze{turn}", "freeze")
        print(f"  guarded: {answer}")
        if not answer.startswith("TransactionExpired"):
            problems.append(f"turn {turn}: {answer}")
        problems += [f"turn {turn}: {what}" for what in wrong]
    answer, wrong = frozen_for_three_leases("late", "freeze_late")
    print(f"  frozen behind the guard: {answer}\n  and then: {wrong or 'nothing is wrong'}")
    return problems


def frozen_for_three_leases(name: str, command: str) -> tuple[str, list[str]]:
    """What the frozen writer said of its COMMIT, and all that is wrong afterwards."""
    with ledger_database(name) as prepared:
        with agents(name) as (frozen, other):
            lines = [frozen.ask("add"), other.ask("add")]
            assert frozen.ask(command) == "open"
            frozen.process.send_signal(signal.SIGSTOP)
            subprocess.run(["nfsctl", "down", "a"], check=True)
            end = time.monotonic() + 3 * LEASE
            lines += [first_success(other), other.ask("add")]
            time.sleep(max(0.0, end - time.monotonic()))
            subprocess.run(["nfsctl", "up", "a"], check=True)
            frozen.process.send_signal(signal.SIGCONT)
            said = frozen.ask("")
            lines += [agent.ask("add") for agent in (other, frozen, other)]
        bad = [f"not written: {line}" for line in lines if not line[:1].isdigit()]
        good = [line for line in lines if line[:1].isdigit()]
        return said, bad + audit(name, prepared, good)


def first_success(agent: Agent) -> str:
    """The other host waits until the server takes the frozen one's locks away."""
    for _ in range(10):
        if (answer := agent.ask("add"))[:1].isdigit():
            return answer
    return answer


def cost() -> list[str]:
    with ledger_database("cost") as _, agents("cost") as (one, other):
        for agent in (one, other):
            agent.ask("add")
        count("commit, this host wrote last", one, ["add"], lambda: "")
        count("commit, the other host wrote last", one, ["add"], lambda: other.ask("add"))
        count("read, nothing changed", one, ["look"], lambda: "")
        count("read, the other host wrote last", one, ["look"], lambda: other.ask("add"))
        count(
            "open and commit, the other wrote last",
            one,
            ["forget", "add"],
            lambda: other.ask("add"),
        )
        count(
            "open and read, the other wrote last", one, ["forget", "look"], lambda: other.ask("add")
        )
    return []


MOST_CALLS = {"one_result": 45, "hundred_results": 70, "list_request": 13}


def scheduler() -> list[str]:
    """What the scheduler's operations call the server for, after another host wrote."""
    problems = []
    with agents("scheduler", "tests.nfs.scheduler_agent") as (one, other):
        print(f"  {one.ask('prepare')}", flush=True)

        def prepared() -> str:
            one.ask("catch_up")
            return other.ask("touch")

        for command in (
            "one_result",
            "hundred_results",
            "list_request",
            "run_request",
            "idle_tick",
            "due_tick",
        ):
            calls_made = count(command, one, [command], prepared)
            if calls_made > MOST_CALLS.get(command, calls_made):
                problems.append(f"{command}: {calls_made:g} calls, at most {MOST_CALLS[command]}")
    return problems


REPEATS = 5


def count(label: str, agent: Agent, commands: list[str], before: Callable[[], str]) -> float:
    """Print, and return, the calls of host a for one repetition of `commands`."""
    repeats, total = REPEATS, Counter[str]()
    for _ in range(repeats):
        before()
        start = calls()
        for command in commands:
            agent.ask(command)
        total += calls() - start
    kinds = ", ".join(f"{kind} {n / repeats:g}" for kind, n in total.most_common())
    print(f"  {label}: {sum(total.values()) / repeats:g} calls ({kinds})", flush=True)
    return sum(total.values()) / repeats


def calls() -> Counter[str]:
    shown = subprocess.run(["nfsctl", "ops", "a"], capture_output=True, text=True, check=True)
    return Counter({kind: of["n"] for kind, of in json.loads(shown.stdout).items()})


CHECKS: dict[str, Callable[[], list[str]]] = {
    check.__name__: check for check in (race, stress, death, freeze, cost, scheduler)
}


def main(names: list[str]) -> int:
    if shutil.which("nfsctl") is None:
        print("run this with tests/nfs/run: it needs a machine with two NFS clients and nfsctl")
        return 2
    LOGS.mkdir(parents=True, exist_ok=True)
    LOGS.chmod(0o777)
    let_others_run(Path(sys.base_prefix))
    sqlite = sqlite_versions()
    print(f"sqlite: {sqlite['version']} ({sqlite['source']})", flush=True)
    failed = 0
    for name in names or CHECKS:
        print(f"{name}:", flush=True)
        problems = CHECKS[name]()
        failed += bool(problems)
        print(f"{name}: {f'{len(problems)} PROBLEMS' if problems else 'held'}", flush=True)
        for problem in problems[:20]:
            print(f"  {problem}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
