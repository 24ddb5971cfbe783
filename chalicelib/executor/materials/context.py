"""What a kind of materials is given to put one in place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.executor.materials.content_cache import ContentCache
from chalicelib.executor.materials.jobs import StopSignal
from chalicelib.ports import Bucket


@dataclass(frozen=True, slots=True)
class Outside:
    """How to reach what is not in the runs bucket. `allow_private`: also at private addresses;
    `open_bucket` opens a bucket by its name as the role of commands would, None without one."""

    allow_private: bool = False
    open_bucket: Callable[[str], Bucket] | None = None


@dataclass(frozen=True)
class MaterialContext:
    """`workdir` is the command's working directory; `tools` the folder that comes first on its
    PATH, if it exists in the end; `environ` takes variables for the command. `runs` is the runs
    bucket, `outside` how to reach other places. Whatever loops or waits calls `stop.check`."""

    workdir: Path
    tools: Path
    runs: Bucket
    cache: ContentCache
    stop: StopSignal
    outside: Outside = Outside()
    environ: dict[str, str] = field(default_factory=dict)
