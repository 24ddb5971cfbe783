"""What the machine itself takes: the scale that the program's own figures are read on."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]

TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """Seconds: on the clock, of this process's processor time, and of its ended children's."""

    wall: float = 0.0
    own: float = 0.0
    children: float = 0.0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.own + other.own, self.children + other.children)


@contextmanager
def measured() -> Iterator[Cost]:
    """The cost of the block, known when it has ended."""
    cost = Cost()
    before, begun, own = os.times(), time.perf_counter(), time.process_time()
    yield cost
    after = os.times()
    cost.wall = time.perf_counter() - begun
    cost.own = time.process_time() - own  # os.times counts in hundredths of a second
    cost.children = (
        after.children_user + after.children_system - before.children_user - before.children_system
    )


def milliseconds(action: Callable[[], object]) -> float:
    """How long one call takes."""
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1000


def plain_commands(count: int, threads: int) -> Cost:
    """`count` times `bash -c true` by that many plain threads: what any executor must pay."""
    with measured() as cost, ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(
            lambda _: subprocess.run(["bash", "-c", "true"], check=True), range(count)
        ):
            pass
    return cost


def timer_lateness(seconds: float = 0.2) -> float:
    """How much later than asked for, in seconds, this machine wakes a thread that waits."""
    begun = time.monotonic()
    threading.Event().wait(seconds)
    return time.monotonic() - begun - seconds


@cache
def bytecode_folder() -> Path:
    """Byte code of all that the benchmarks' own processes import: as after an installation, and
    without leaving anything beside the sources."""
    folder = Path(tempfile.gettempdir()) / "orchestrator-bench-bytecode"
    folder.mkdir(exist_ok=True)
    return folder


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def resident_mb(pid: int) -> float:
    """Resident size of a process (Linux), in units of 1,000,000 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1_000_000
    raise LookupError(f"process {pid} has no VmRSS: it has ended")


def descendants_of(pid: int) -> list[int]:
    """The processes below it that live (Linux)."""
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    children = [int(child) for path in lists for child in path.read_text().split()]
    return children + [below for child in children for below in descendants_of(child)]


def processor_seconds(pid: int) -> float:
    """User and system time of a process so far, without its children (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND
