"""The places where tasks run: the table of an installation, and which place a task goes to.

A place is a queue and whatever consumes it. The settings say which places an installation has: the
default Lambda size and further ones (`LAMBDA_MEMORY`), Fargate (`FARGATE`), and a worker queue for
each name of `WORKER_QUEUES`. The scheduler's queues, dead letters, the health of the API, functions
and permissions on AWS, `status` and the local cloud iterate over the table.

The place of a task is chosen when its file is registered. It is chosen again when the task is
dispatched if the installation has lost it since, so that a task is never sent where nobody looks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

from chalicelib import config
from chalicelib.aws_prices import price
from chalicelib.config import ANY_QUEUE, Settings
from chalicelib.enums import PlaceKind
from chalicelib.fargate_sizes import MAX_MEMORY_MB, MAX_VCPU, FargateSize, memory_text, round_up

T = TypeVar("T")

DEFAULT_PLACE = "lambda"
"""Runs every task that asks for nothing else, and delivers notifications."""

FARGATE_PLACE = "fargate"
QUEUE_PREFIX = "queue:"
"""Of the names of places with workers: `queue: gpu` goes to the place `queue:gpu`."""

LAMBDA_SECONDS = 870.0
"""The longest command on Lambda: 14m30s, which leaves time for the log and the result."""
FARGATE_SECONDS = 14 * 86_400.0
LAMBDA_MAX_MB = 10_240
ALIKE = 1.25
"""Times the memory of a size that another one may have to help out."""
HOUR = 3600
QUEUE_NAME = config.QUEUE_NAME

DEFAULT_FUNCTION = "execute"
LAUNCH_FUNCTION = "launch"


@dataclass(frozen=True, slots=True)
class Needs:
    """What a task's command needs. None: whatever the place has."""

    memory_mb: int | None = None
    vcpu: float | None = None
    image: str | None = None
    queue: str | None = None
    seconds: float | None = None


class NoPlace(Exception):
    """No place of the installation has what a task needs. `key` is the task's key to look at; the
    text says what to deploy."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the table.

    Attributes:
        queue: Name of the queue that its tasks are sent to.
        function: Entry point that the queue starts; None if workers poll it.
        max_seconds: The longest that a command may run; None for no limit.
        memory_mb: The most that a task can have; None where the machine decides.
        max_vcpu: The most vCPUs that a task can ask for; None where the machine decides, 0 where
            it cannot ask.
        takes_images: Whether commands can run in a container image.
    """

    name: str
    kind: PlaceKind
    queue: str
    function: str | None
    max_seconds: float | None
    memory_mb: int | None
    max_vcpu: float | None
    takes_images: bool
    architecture: str = "x86_64"

    def provides(self, needs: Needs) -> bool:
        """Whether a task with these needs can run here."""
        if self.kind is PlaceKind.WORKER or needs.queue is not None:
            return self.kind is PlaceKind.WORKER and self.name == f"{QUEUE_PREFIX}{needs.queue}"
        return (
            _is_within(needs.seconds, self.max_seconds)
            and _is_within(needs.memory_mb, self.memory_mb)
            and _is_within(needs.vcpu, self.max_vcpu)
            and (self.takes_images or needs.image is None)
            and (self.kind is not PlaceKind.FARGATE or self.size(needs) is not None)
        )

    def size(self, needs: Needs) -> FargateSize | None:
        """The size that Fargate would run it in; None elsewhere, or if it sells none so large."""
        is_fargate = self.kind is PlaceKind.FARGATE
        return round_up(needs.vcpu, needs.memory_mb) if is_fargate else None

    def usd_per_second(self, needs: Needs) -> float | None:
        """The price of a running command at AWS's list prices; None on machines of your own."""
        if self.kind is PlaceKind.WORKER:
            return None
        size = self.size(needs)
        if size is None:
            gb = (self.memory_mb or 0) / 1024
            return gb * price("lambda_gb_second", self.architecture).usd
        return fargate_usd_per_second(size.vcpu, size.memory_mb)


def fargate_usd_per_second(vcpu: float, memory_mb: float) -> float:
    """The price of a size on Fargate, without Spot's discount."""
    vcpu_hours, gb_hours = price("fargate_vcpu_hour").usd, price("fargate_gb_hour").usd
    return (vcpu * vcpu_hours + memory_mb / 1024 * gb_hours) / HOUR


def _is_within(wanted: float | None, most: float | None) -> bool:
    return wanted is None or most is None or wanted <= most


@dataclass(frozen=True, slots=True)
class Places:
    """The table of one installation. `tasks_queue` is the default place's queue, with which the
    names of the others begin. With `has_any_queue`, each queue name that a task asks for is a
    place; with `has_layers`, Lambda layers bring programs to all of its Lambda sizes."""

    rows: tuple[Place, ...]
    tasks_queue: str
    has_any_queue: bool = False
    has_layers: bool = False

    @property
    def default(self) -> Place:
        return self.rows[0]

    @property
    def with_functions(self) -> tuple[Place, ...]:
        """The places whose queue starts a function."""
        return tuple(row for row in self.rows if row.function is not None)

    @property
    def fingerprint(self) -> str:
        """Text that changes when the choice of a place may."""
        rows = [f"{row.name}={row.memory_mb}" for row in self.rows]
        return ",".join([*rows, "*" if self.has_any_queue else ""])

    def find(self, name: str) -> Place | None:
        """The place by that name."""
        for row in self.rows:
            if row.name == name:
                return row
        queue = name.removeprefix(QUEUE_PREFIX)
        if self.has_any_queue and queue != name and QUEUE_NAME.fullmatch(queue):
            return _worker(self.tasks_queue, queue)
        return None

    def alike(self, name: str) -> tuple[str, ...]:
        """Return the names of the Lambda sizes that run what was sent to the place, and cost little
        more: the place itself and those with at most a quarter more memory; only itself for other
        places. Lambda takes five messages of a queue at first and five more each second, so a wide
        batch starts sooner from several queues."""
        place = self.find(name)
        if place is None or place.kind is not PlaceKind.LAMBDA or place.memory_mb is None:
            return (name,)
        least, most = place.memory_mb, place.memory_mb * ALIKE
        sizes = [
            row.name
            for row in self.rows
            if row.kind is PlaceKind.LAMBDA and least <= (row.memory_mb or 0) <= most
        ]
        return tuple(sorted(sizes, key=lambda size: size != name))

    def choose(self, needs: Needs, before: str | None = None) -> Place:
        """Return the cheapest place that has what the task needs: its size of Lambda, else Fargate,
        which takes up to a minute to start and bills a minute at least. A place that was chosen
        `before` is kept as long as it will do. Raises NoPlace."""
        kept = self.find(before) if before else None
        if kept is not None and kept.provides(needs):
            return kept
        if needs.queue is not None:
            return self._queue(needs.queue)
        if needs.memory_mb is None and self.default.provides(needs):
            return self.default
        fitting = [row for row in self.rows if row.provides(needs)]
        if not fitting:
            raise self._no_place(needs)
        return min(fitting, key=lambda row: _rank(row, needs))

    def _queue(self, name: str) -> Place:
        place = self.find(f"{QUEUE_PREFIX}{name}")
        if place is None:
            known = ", ".join(self.worker_queues) or "none"
            raise NoPlace(
                "queue",
                f"there is no worker queue {name!r} here (known: {known}): create it with"
                f" `python -m infra queue create {name}`",
            )
        return place

    @property
    def worker_queues(self) -> tuple[str, ...]:
        """The names of the worker queues, as tasks call them."""
        workers = [row.name for row in self.rows if row.kind is PlaceKind.WORKER]
        return tuple(name.removeprefix(QUEUE_PREFIX) for name in workers)

    def _no_place(self, needs: Needs) -> NoPlace:
        if round_up(needs.vcpu, needs.memory_mb) is None or not _is_within(
            needs.seconds, FARGATE_SECONDS
        ):
            return self._beyond_fargate(needs)
        deploy = "`python -m infra deploy --fargate`"
        if needs.image is not None:
            return NoPlace("image", f"no place here runs images: {deploy} adds one")
        if needs.vcpu is not None:
            return NoPlace("cpu", f"no place here sells vCPUs: {deploy} adds one that does")
        if not _is_within(needs.seconds, LAMBDA_SECONDS):
            return NoPlace(
                "execution_timeout",
                f"commands on Lambda may take at most 14m30s: {deploy} adds a place without that"
                " limit",
            )
        return self._too_much_memory(needs.memory_mb or 0, deploy)

    def _too_much_memory(self, memory_mb: int, deploy: str) -> NoPlace:
        sizes = [row.memory_mb or 0 for row in self.rows if row.kind is PlaceKind.LAMBDA]
        message = f"no place here has {memory_text(memory_mb)} of memory: "
        if memory_mb <= LAMBDA_MAX_MB:
            more = ",".join(map(str, [*sizes, max(memory_mb, 128)]))
            message += f"`python -m infra deploy --lambda-memory {more}` adds such a size, and "
        return NoPlace("memory", f"{message}{deploy} adds one")

    def _beyond_fargate(self, needs: Needs) -> NoPlace:
        remedy = "run it by workers of your own (`queue`)"
        if not _is_within(needs.memory_mb, MAX_MEMORY_MB):
            most, key = f"{memory_text(MAX_MEMORY_MB)} of memory", "memory"
        elif not _is_within(needs.vcpu, MAX_VCPU):
            most, key = f"{MAX_VCPU:g} vCPU", "cpu"
        else:
            most, key = "14d", "execution_timeout"
        return NoPlace(key, f"no place has more than {most}: {remedy}")


def _rank(place: Place, needs: Needs) -> tuple[bool, float]:
    return place.kind is not PlaceKind.LAMBDA, place.usd_per_second(needs) or 0.0


def installed(settings: Settings) -> Places:
    """The places that the settings name."""
    return table(
        settings.tasks_queue,
        settings.lambda_memory,
        settings.fargate == "yes",
        settings.worker_queues,
        settings.architecture,
        settings.task_layers != "",
    )


@lru_cache(maxsize=16)
def table(
    tasks_queue: str,
    memory: str,
    has_fargate: bool = False,
    worker_queues: str = "",
    architecture: str = "x86_64",
    has_layers: bool = False,
) -> Places:
    """The places of an installation, given the default place's queue and the values of the
    settings."""
    sizes = [int(size) for size in memory.split(",")]
    rows = [_lambda(tasks_queue, size, number, architecture) for number, size in enumerate(sizes)]
    if has_fargate:
        rows.append(_fargate(tasks_queue))
    names = [name for name in worker_queues.split(",") if name not in ("", ANY_QUEUE)]
    rows += [_worker(tasks_queue, name) for name in names]
    has_any_queue = ANY_QUEUE in worker_queues.split(",")
    return Places(tuple(rows), tasks_queue, has_any_queue, has_layers)


def _lambda(tasks_queue: str, memory_mb: int, number: int, architecture: str) -> Place:
    """The first size is the default one; its queue and function bear no size in their names."""
    is_default = number == 0
    return Place(
        name=DEFAULT_PLACE if is_default else f"{DEFAULT_PLACE}-{memory_mb}",
        kind=PlaceKind.LAMBDA,
        queue=tasks_queue if is_default else f"{tasks_queue}-{memory_mb}",
        function=DEFAULT_FUNCTION if is_default else f"{DEFAULT_FUNCTION}_{memory_mb}",
        max_seconds=LAMBDA_SECONDS,
        memory_mb=memory_mb,
        max_vcpu=0,
        takes_images=False,
        architecture=architecture,
    )


def _fargate(tasks_queue: str) -> Place:
    return Place(
        name=FARGATE_PLACE,
        kind=PlaceKind.FARGATE,
        queue=f"{tasks_queue}-fargate",
        function=LAUNCH_FUNCTION,
        max_seconds=FARGATE_SECONDS,
        memory_mb=MAX_MEMORY_MB,
        max_vcpu=MAX_VCPU,
        takes_images=True,
    )


def _worker(tasks_queue: str, name: str) -> Place:
    return Place(
        name=f"{QUEUE_PREFIX}{name}",
        kind=PlaceKind.WORKER,
        queue=f"{tasks_queue}-queue-{name}",
        function=None,
        max_seconds=None,
        memory_mb=None,
        max_vcpu=None,
        takes_images=True,
    )


class ByPlace(Mapping[str, T], Generic[T]):
    """Something for each place, by the place's name, made when it is first asked for. Iterates over
    the rows of the table, and over the worker queues that were asked for by name."""

    def __init__(self, places: Places, make: Callable[[Place], T]) -> None:
        self._places = places
        self._make = make
        self._made: dict[str, T] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> T:
        with self._lock:  # made twice, a local queue would lose what was sent to the first
            if name not in self._made:
                place = self._places.find(name)
                if place is None:
                    raise KeyError(name)
                self._made[name] = self._make(place)
            return self._made[name]

    def __iter__(self) -> Iterator[str]:
        rows: Iterable[str] = (row.name for row in self._places.rows)
        return iter(list(dict.fromkeys([*rows, *self._made])))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def for_each_place(places: Places, make: Callable[[Place], T]) -> Mapping[str, T]:
    """A value for each place, by the place's name."""
    return ByPlace(places, make)
