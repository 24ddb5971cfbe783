"""The table of targets: how near the local cloud comes to what the machine can do, as ratios.

The cloud is measured from outside, as a process that answers HTTP. So an earlier commit is measured
by the same code, next to today's and in turn with it: neither a faster machine nor a busy moment
can flatter one of them.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from tests.bench.chain import LENGTH, gaps_of
from tests.bench.checkout import checked_out, full_hash
from tests.bench.dag_files import chain, fan_out, five
from tests.bench.fanout import tasks_per_second
from tests.bench.local_cloud import LocalCloud, local_cloud
from tests.bench.machine import ROOT, Cost, bytecode_folder, milliseconds, plain_commands
from tests.bench.many import all_at_once
from tests.bench.memory import idle_mb, libraries_mb
from tests.bench.own_engine import PARALLELISM
from tests.bench.report import rounded

T = TypeVar("T")

LIBRARIES = "import chalice, boto3, moto"

Notes = dict[str, float]
"""Absolute figures by name; a unit stands at the end of each."""


@dataclass(frozen=True)
class Sample:
    """What one round says about a row: the ratio, and what it was computed from."""

    ratio: float
    notes: Notes


@dataclass(frozen=True)
class Row:
    """A line of the table. `reach` and `moonshot` are limits that the ratio (the row of memory has
    megabytes) is to stay below, or for `is_rate` to exceed."""

    what: str
    reach: float
    moonshot: float | None
    is_rate: bool = False

    def is_within(self, ratio: float, limit: float) -> bool:
        return ratio >= limit if self.is_rate else ratio <= limit


FANOUT = Row("fan-out of 500 / four plain threads", 0.30, 0.50, is_rate=True)
MANY = Row("200 DAGs of 5 over the API / four plain threads", 0.20, 0.35, is_rate=True)
CHAIN = Row("gap in a chain / one `bash -c true`", 6, 3)
PROCESSOR = Row("CPU per task in the local cloud / of a plain thread's task", 8, 4)
FIRST_ANSWER = Row(f'first answer of `chalice local` / `python -c "{LIBRARIES}"`', 1.0, 0.7)
MEMORY = Row("idle memory above chalice, boto3 and moto alone, MB", 15, None)
ROWS = (FANOUT, MANY, CHAIN, PROCESSOR, FIRST_ANSWER, MEMORY)


@dataclass(frozen=True)
class Amount:
    """How much is measured, and how often."""

    rounds: int
    width: int
    dags: int


FULL, QUICK = Amount(5, 500, 200), Amount(2, 100, 20)

Samples = Mapping[Row, Sample]


@dataclass
class Version:
    """The program in the folder `root`; `missing` says, by row, why it could not be measured."""

    name: str
    root: Path
    samples: dict[Row, list[Sample]] = field(default_factory=dict)
    missing: dict[Row, str] = field(default_factory=dict)

    def measure(self, rows: Sequence[Row], measure: Callable[[], Samples]) -> None:
        """Add a sample to each of `rows`. An earlier commit may lack what a row needs."""
        if any(row in self.missing for row in rows):
            return
        try:
            for row, sample in measure().items():
                self.samples.setdefault(row, []).append(sample)
        except Exception as error:
            if self.root == ROOT:
                raise
            reason = f"{type(error).__name__}: {error}"
            self.missing.update(dict.fromkeys(rows, reason))

    def ratio(self, row: Row) -> float | None:
        """The median, None if it was not measured."""
        if row in self.missing or row not in self.samples:
            return None
        return statistics.median(sample.ratio for sample in self.samples[row])

    def notes(self, row: Row) -> Notes:
        samples = self.samples.get(row, [])
        names = samples[0].notes if samples else ()
        return {name: statistics.median(s.notes[name] for s in samples) for name in names}


def run(is_quick: bool, against: str | None = None) -> str:
    """The table in Markdown and, as its last line, the same with all figures in JSON. Raises
    UnknownCommit."""
    amount = QUICK if is_quick else FULL
    with _versions(against) as versions:
        _measure_starts(versions, amount)
        _measure_work(versions, amount)
        return "\n".join([*table(versions), "", _json(versions, amount, is_quick)])


@contextmanager
def _versions(against: str | None) -> Iterator[list[Version]]:
    today = Version("today", ROOT)
    if against is None:
        yield [today]
        return
    with checked_out(against) as root:
        yield [Version(full_hash(against)[:10], root), today]


def _measure_starts(versions: Sequence[Version], amount: Amount) -> None:
    rows = (FIRST_ANSWER, MEMORY)
    for version in versions:  # the byte code is written now
        version.measure(rows, partial(_started_once, version.root))
    for _ in range(amount.rounds):
        for version in versions:
            version.measure(rows, partial(_started, version.root))


def _started_once(root: Path) -> Samples:
    with local_cloud(root):
        return {}


def _started(root: Path) -> Samples:
    before_ms = milliseconds(_import_libraries)
    with local_cloud(root) as cloud:
        after_ms = milliseconds(_import_libraries)
        first_ms = cloud.first_answer * 1000
        idle = idle_mb(cloud)
    libraries_ms = (before_ms + after_ms) / 2
    libraries = libraries_mb()
    return {
        FIRST_ANSWER: Sample(
            first_ms / libraries_ms, {"first_answer_ms": first_ms, "libraries_ms": libraries_ms}
        ),
        MEMORY: Sample(idle - libraries, {"idle_mb": idle, "libraries_mb": libraries}),
    }


def _import_libraries() -> None:
    environ = {**os.environ, "PYTHONPYCACHEPREFIX": str(bytecode_folder())}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run([sys.executable, "-c", LIBRARIES], env=environ, check=True)


def _measure_work(versions: Sequence[Version], amount: Amount) -> None:
    """Measure the work. All clouds stay up: an idle one takes next to nothing from the measured
    one."""
    rows = (FANOUT, PROCESSOR, MANY, CHAIN)
    with ExitStack() as stack:
        clouds: dict[str, LocalCloud] = {}
        for version in versions:
            version.measure(rows, partial(_prepare, version, clouds, stack, amount))
        for _ in range(amount.rounds):
            for version in versions:
                if cloud := clouds.get(version.name):
                    _measure_round(version, cloud, amount)


def _prepare(
    version: Version, clouds: dict[str, LocalCloud], stack: ExitStack, amount: Amount
) -> Samples:
    """Start a cloud, upload what it is to run, and run each once: that also loads code."""
    cloud = stack.enter_context(local_cloud(version.root, parallelism=str(PARALLELISM)))
    files = {f"many_{n}.yaml": five(f"many_{n}") for n in range(amount.dags)}
    files |= {"wide.yaml": fan_out("wide", amount.width), "chain.yaml": chain("chain", LENGTH)}
    cloud.upload(files)
    cloud.run("wide")
    cloud.run("chain")
    clouds[version.name] = cloud
    return {}


def _measure_round(version: Version, cloud: LocalCloud, amount: Amount) -> None:
    version.measure((FANOUT, PROCESSOR), lambda: _fanned_out(cloud, amount))
    version.measure((MANY,), lambda: _many(cloud, amount))
    version.measure((CHAIN,), lambda: _chained(cloud))


def _fanned_out(cloud: LocalCloud, amount: Amount) -> Samples:
    def fan_out_once() -> tuple[list[dict[str, Any]], float]:
        before = cloud.processor_seconds()
        tasks = cloud.run("wide")
        return tasks, (cloud.processor_seconds() - before) * 1000 / len(tasks)

    (tasks, used_ms), plain = _beside_plain(amount.width, PARALLELISM, fan_out_once)
    plain_ms = plain.own * 1000 / amount.width
    return {
        FANOUT: _rate(tasks_per_second(tasks), amount.width, plain),
        PROCESSOR: Sample(used_ms / plain_ms, {"cpu_ms": used_ms, "plain_thread_cpu_ms": plain_ms}),
    }


def _many(cloud: LocalCloud, amount: Amount) -> Samples:
    outcome, plain = _beside_plain(
        amount.dags * 5, PARALLELISM, lambda: all_at_once(cloud, amount.dags)
    )
    if outcome.wrong:
        raise RuntimeError(f"not all went well: {dict(outcome.wrong)}")
    return {MANY: _rate(outcome.per_s, amount.dags * 5, plain)}


def _chained(cloud: LocalCloud) -> Samples:
    tasks, plain = _beside_plain(50, 1, lambda: cloud.run("chain"))
    bash_ms = plain.wall / 50 * 1000
    gap_ms = statistics.median(gaps_of(tasks))
    return {CHAIN: Sample(gap_ms / bash_ms, {"gap_ms": gap_ms, "bash_c_true_ms": bash_ms})}


def _beside_plain(count: int, threads: int, act: Callable[[], T]) -> tuple[T, Cost]:
    """What `act` returns, and the cost of `count` plain commands: half of them run before it and
    half after it, so that a machine that grows busier says so."""
    before = plain_commands(count // 2, threads)
    answer = act()
    return answer, before + plain_commands(count - count // 2, threads)


def _rate(per_s: float, count: int, plain: Cost) -> Sample:
    plain_per_s = count / plain.wall
    notes = {"tasks_per_s": per_s, "four_plain_threads_per_s": plain_per_s}
    return Sample(per_s / plain_per_s, notes)


def table(versions: Sequence[Version]) -> Iterator[str]:
    """The lines of the table in Markdown."""
    names = [version.name for version in versions]
    yield f"| what | {' | '.join(names)} | reach | moonshot |"
    yield "|---" * (len(names) + 3) + "|"
    for row in ROWS:
        ratios = [_in_words(version.ratio(row)) for version in versions]
        moonshot = "" if row.moonshot is None else f"{row.moonshot:g}"
        yield f"| {row.what} | {' | '.join(ratios)} | {row.reach:g} | {moonshot} |"


def _in_words(ratio: float | None) -> str:
    return "not measured" if ratio is None else f"{ratio:.2g}" if ratio < 10 else f"{ratio:.0f}"


def _json(versions: Sequence[Version], amount: Amount, is_quick: bool) -> str:
    line = {
        "name": "targets",
        "rows": as_json(versions),
        "rounds": amount.rounds,
        "quick": is_quick,
        "machine": {"processors": os.cpu_count(), "load": os.getloadavg()[0]},
        "note": f"medians; fan-out of {amount.width}, {amount.dags} DAGs of 5, chain of {LENGTH};"
        " the versions take turns, each between two halves of what the machine does by itself",
    }
    return json.dumps(rounded(line), ensure_ascii=False)


def as_json(versions: Sequence[Version]) -> list[dict[str, Any]]:
    """The rows with all figures."""
    return [_row(row, versions) for row in ROWS]


def _row(row: Row, versions: Sequence[Version]) -> dict[str, Any]:
    ratios = {version.name: version.ratio(row) for version in versions}
    today = ratios["today"]
    assert today is not None  # its errors are raised
    return {
        "what": row.what,
        "ratios": ratios,
        "reach": row.reach,
        "moonshot": row.moonshot,
        "reached": row.is_within(today, row.reach),
        "notes": {version.name: version.notes(row) for version in versions},
        "not_measured": {v.name: v.missing[row] for v in versions if row in v.missing},
    }
