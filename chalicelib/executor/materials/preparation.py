"""One attempt's materials: until all are in place, the time is over, or the attempt is stopped.

The calling thread watches as the supervisor watches a command: heartbeats, requests to cancel, the
time limit. The work is done in other threads.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.cleanup import Cleaner
from chalicelib.executor.materials.content_cache import ContentCache
from chalicelib.executor.materials.context import MaterialContext, Outside
from chalicelib.executor.materials.jobs import JobPool, Jobs, StopSignal
from chalicelib.executor.materials.kinds import jobs_of
from chalicelib.executor.materials.watch import Watch
from chalicelib.executor.process import ExecutorStopped, RunningCommands
from chalicelib.executor.supervisor import Pulse
from chalicelib.executor.workspace import CannotStart, is_scarcity
from chalicelib.messages import Material
from chalicelib.ports import Bucket


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is in place: the folder `root` holds it all, `workdir` is the working directory, and
    `environ` are variables of the command."""

    root: str
    workdir: str
    tools: str
    environ: dict[str, str] = field(default_factory=dict)

    def cwd(self, wanted: str | None) -> str:
        """Where the command runs; what it wants is relative to the working directory."""
        return os.path.join(self.workdir, wanted) if wanted else self.workdir  # noqa: PTH118

    def environ_of(self, given: Mapping[str, str]) -> dict[str, str]:
        if not Path(self.tools).is_dir():
            return {**given, **self.environ}
        path = f"{self.tools}:{given.get('PATH') or os.defpath}"
        return {**given, **self.environ, "PATH": path}


class MaterialStore:
    """What all attempts of one executor share for their materials."""

    def __init__(
        self,
        runs: Bucket,
        running: RunningCommands,
        cleaner: Cleaner,
        clock: Callable[[], float],
        cache: ContentCache | None = None,
        outside: Outside | None = None,
    ) -> None:
        self._runs = runs
        self._running = running
        self._cleaner = cleaner
        self._clock = clock
        self._cache = cache
        self._outside = outside or Outside()

    def prepare(self, materials: Sequence[Material], pulse: Pulse, until: float) -> Prepared:
        """Put everything in place, by the time `until` of the clock. The caller has `root` removed
        in the end. Raises CannotStart, Interrupted, or ExecutorStopped."""
        stop = StopSignal()
        context = self._context(stop)
        pool = JobPool(_first_jobs(materials, context), stop)
        try:
            pool.start()
            Watch(self._running, pulse, self._clock).until_done(pool, until)
        except BaseException as error:
            stop.set()
            self._cleaner.later(str(context.workdir.parent))
            raise _explained(error) from error
        root = context.workdir.parent
        return Prepared(str(root), str(context.workdir), str(context.tools), context.environ)

    def _context(self, stop: StopSignal) -> MaterialContext:
        root: str | None = None
        try:
            root = tempfile.mkdtemp(prefix="materials-")
            workdir = Path(root) / "work"
            workdir.mkdir(mode=0o700)
            self._cache = self._cache or ContentCache()
        except OSError as error:
            if root is not None:
                self._cleaner.later(root)
            raise _explained(error) from error
        tools = Path(root) / "tools"
        return MaterialContext(workdir, tools, self._runs, self._cache, stop, self._outside)


def _first_jobs(
    materials: Sequence[Material], context: MaterialContext
) -> Iterator[Callable[[], Jobs | None]]:
    for material in materials:
        yield lambda material=material: jobs_of(material, context)  # type: ignore[misc]


def _explained(error: BaseException) -> BaseException:
    """Say of an error what it means for the attempt."""
    if isinstance(error, ExecutorStopped) or not isinstance(error, OSError | OrchestratorError):
        return error
    if isinstance(error, OSError):
        return CannotStart(
            f"what the task brings along could not be stored: {error.strerror}; see that commands"
            " leave room in the executor's temporary storage",
            is_transient=is_scarcity(error),
        )
    return CannotStart(
        f"what the task brings along could not be fetched: {error.message}",
        is_transient=isinstance(error, Unavailable),
    )
