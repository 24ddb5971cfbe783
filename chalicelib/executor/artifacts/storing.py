"""Stores all artifacts of one attempt, until the time is over or the attempt is stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack

from chalicelib.errors import OrchestratorError, Unavailable
from chalicelib.executor.artifacts.folder_archive import archive, scan
from chalicelib.executor.artifacts.sources import BadArtifact, Source, open_source, read_file
from chalicelib.executor.materials.jobs import JobPool, StopSignal
from chalicelib.executor.materials.watch import Watch
from chalicelib.executor.process import ExecutorStopped
from chalicelib.messages import Attempt, StoredArtifact
from chalicelib.ports import Bucket

RETRY_DELAYS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before an upload is tried again: the command's work is not thrown away because a service
is busy."""
ABORT_SECONDS = 3.0
"""For an interrupted upload to delete its parts."""


class Measured:
    """Passes pieces on, and knows their SHA-256 and size when all have passed."""

    def __init__(self, pieces: Iterable[bytes], stop: StopSignal) -> None:
        self.size = 0
        self._pieces = pieces
        self._stop = stop
        self._digest = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self._stop.check()
            self._digest.update(piece)
            self.size += len(piece)
            yield piece

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class ArtifactStore:
    """Stores the artifacts of one attempt; to be used once."""

    def __init__(self, runs: Bucket, attempt: Attempt) -> None:
        self._runs = runs
        self._attempt = attempt
        self._stop = StopSignal()
        self._stored: list[StoredArtifact] = []

    def store(
        self, artifacts: Mapping[str, str], cwd: str, watch: Watch, until: float
    ) -> list[StoredArtifact]:
        """Store what the command left in `cwd`, by the time `until` of the watch's clock. Raises
        BadArtifact, or what the watch raises."""
        pool = JobPool([lambda: self._store_all(artifacts, cwd)], self._stop)
        try:
            pool.start()
            watch.until_done(pool, until)
        except BaseException as error:
            self._stop.set()
            pool.wait_for_end(ABORT_SECONDS)
            raise _explained(error) from error
        return self._stored

    def _store_all(self, artifacts: Mapping[str, str], cwd: str) -> None:
        with ExitStack() as stack:
            sources = []
            # All are opened before one is stored: a missing one costs no upload.
            for name, path in artifacts.items():
                source = open_source(cwd, name, path)
                stack.callback(source.close)
                sources.append(source)
            self._stored = [self._store_one(source) for source in sources]

    def _store_one(self, source: Source) -> StoredArtifact:
        for delay in RETRY_DELAYS:
            try:
                return self._upload(source)
            except Unavailable:
                self._stop.wait(delay)
        return self._upload(source)

    def _upload(self, source: Source) -> StoredArtifact:
        measured = Measured(_pieces(source), self._stop)
        self._runs.upload(self._attempt.artifact_key(source.name), measured)
        return StoredArtifact(
            source.name,
            source.file_name,
            measured.size,
            measured.sha256,
            is_folder=source.is_folder,
            is_executable=source.is_executable,
        )


def _explained(error: BaseException) -> BaseException:
    if isinstance(error, OrchestratorError) and not isinstance(error, ExecutorStopped):
        return BadArtifact(f"its artifacts could not be stored: {error.message}")
    return error


def _pieces(source: Source) -> Iterator[bytes]:
    if source.is_folder:
        yield from archive(source, scan(source))
    else:
        source.rewind()
        yield from read_file(source.descriptor, source.status, f"the artifact `{source.name}`")
