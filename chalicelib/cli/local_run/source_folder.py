"""A DAG file on disk, as the object of a bucket that the scheduler registers it from."""

from __future__ import annotations

from pathlib import Path

from chalicelib.dag.model import Dag
from chalicelib.simulation.memory_bucket import MemoryBucket


def load(file: Path, dag: Dag) -> tuple[MemoryBucket, str]:
    """A bucket with the file, and its key there."""
    del dag
    bucket = MemoryBucket()
    key = file.name if file.suffix in (".yaml", ".yml") else f"{file.name}.yaml"
    bucket.put(key, file.read_bytes())
    return bucket, key
