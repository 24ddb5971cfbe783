"""Runs scripts with values in bash and sh, and sees what ran and which words arrived."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from chalicelib.dag.shell.insertion_points import insertion_points
from chalicelib.dag.shell.placeholders import InsertionPoint
from chalicelib.dag.templates.shell_quoting import quote_for
from tests.fuzz.scripts import HOLE

SHELLS = [shell for shell in ("bash", "dash") if shutil.which(shell)]
_PATIENCE_SECONDS = 20
"""So long may one script take; what only hangs tells nothing."""

# Commands in the background record at the same time, and a shell writes a word with a line break in
# several pieces. So each call has a file of its own, which nobody else can create (`set -C`).
_DRIVER = """
record() (
  set -C
  index=0
  until printf '%s\\0' "$#" "$@" >"$RECORD.$index"; do
    index=$((index + 1))
    [ "$index" -lt 100 ] || exit 1
  done
) 2>/dev/null
cat() { while IFS= read -r line; do printf '%s\\n' "$line"; done; }
ulimit -t 1; ulimit -f 4000
index=$START
while [ "$index" -lt "$COUNT" ]; do
  echo "$index" >"$FOLDER/progress"
  (
    export MARK="$FOLDER/mark.$index" RECORD="$FOLDER/record.$index"
    cd "$FOLDER/work.$index" || exit
    . "$FOLDER/script.$index"
    wait
  ) >/dev/null 2>&1 </dev/null
  index=$((index + 1))
done
"""


@dataclass(frozen=True)
class Trial:
    """A script, the value that stands in each of its places, and what must arrive of it."""

    script: str
    value: str
    arrivals: dict[str, list[str]] = field(default_factory=dict)

    def insertion_points(self) -> list[InsertionPoint]:
        return insertion_points(self.script.split(HOLE))

    def rendered(self, value: str | None = None, *, is_number: bool = False) -> str:
        literals = self.script.split(HOLE)
        text = self.value if value is None else value
        parts = [literals[0]]
        for point, literal in zip(self.insertion_points(), literals[1:], strict=True):
            parts += [quote_for(text, point, is_number=is_number), literal]
        return "".join(parts)


@dataclass(frozen=True)
class Finding:
    """What went wrong with a trial in a shell."""

    what: str
    shell: str
    trial: Trial

    def __str__(self) -> str:
        script = self.trial.script.replace(HOLE, "{{v}}")
        return f"{self.what} in {self.shell}\n  script: {script!r}\n  value:  {self.trial.value!r}"


@dataclass(frozen=True)
class _Outcome:
    has_run: bool
    records: list[list[str]]


def findings(trials: Sequence[Trial], scripts: Sequence[str]) -> list[Finding]:
    """What goes wrong where `scripts` are what is made of the trials."""
    found: list[Finding] = []
    for shell in SHELLS:
        for trial, outcome in zip(trials, _outcomes(scripts, shell), strict=True):
            if outcome.has_run and not _runs_anyway(trial, shell):
                found.append(Finding("a value has run", shell, trial))
            found += [
                Finding(f"other words arrived: {record!r}", shell, trial)
                for record in outcome.records
                if _is_wrong(trial, record)
            ]
    return found


def _runs_anyway(trial: Trial, shell: str) -> bool:
    """Whether the script itself runs what only looks like text in it."""
    (outcome,) = _outcomes([trial.rendered("0", is_number=True)], shell)
    return outcome.has_run


def _is_wrong(trial: Trial, record: list[str]) -> bool:
    expected = trial.arrivals.get(record[0]) if record else None
    if expected is None:
        return False
    return record[1:] != [word.replace(HOLE, trial.value) for word in expected]


def _outcomes(scripts: Sequence[str], shell: str) -> list[_Outcome]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "empty").mkdir()
        for index, script in enumerate(scripts):
            (folder / f"work.{index}").mkdir()
            (folder / f"script.{index}").write_bytes(script.encode())
        _run(folder, shell, len(scripts))
        return [_outcome(folder, index) for index in range(len(scripts))]


def _run(folder: Path, shell: str, count: int) -> None:
    """Run all scripts of the folder, but skip what is left of one that hangs."""
    start = 0
    while start < count:
        process = _started(folder, shell, start, count)
        hangs_at = -1
        try:
            while process.poll() is None and hangs_at != (hangs_at := _progress(folder)):
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(_PATIENCE_SECONDS)
        finally:
            has_ended = process.poll() is not None
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        start = count if has_ended else hangs_at + 1


def _started(folder: Path, shell: str, start: int, count: int) -> subprocess.Popen[bytes]:
    program = shutil.which(shell)
    assert program is not None
    env = {
        "PATH": str(folder / "empty"),
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "FOLDER": str(folder),
        "START": str(start),
        "COUNT": str(count),
    }
    return subprocess.Popen([program, "-c", _DRIVER], env=env, start_new_session=True)


def _progress(folder: Path) -> int:
    """The number of the script that runs."""
    path = folder / "progress"
    text = path.read_text() if path.exists() else ""
    return int(text) if text.strip() else 0


def _outcome(folder: Path, index: int) -> _Outcome:
    records = [_record(path) for path in sorted(folder.glob(f"record.{index}.*"))]
    complete = [record for record in records if record is not None]
    return _Outcome((folder / f"mark.{index}").exists(), complete)


def _record(path: Path) -> list[str] | None:
    """The words of one call of `record`; None if the shell was killed while writing them."""
    count, *words = path.read_bytes().decode("utf-8", "replace").split("\0")
    return words[:-1] if count and len(words) == int(count) + 1 else None
