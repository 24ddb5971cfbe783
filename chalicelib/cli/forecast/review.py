"""What a change to DAG files means, as Markdown for a pull request."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from chalicelib.cli.failure import USAGE, CliFailure
from chalicelib.cli.local_run.shared_files import shared_of
from chalicelib.dag.language.parser import parse_file
from chalicelib.dag.model import Dag
from chalicelib.dag.problems import DagFileError
from chalicelib.dag.schedule.fire_times import fire_times
from chalicelib.dag.version_diff import compare
from chalicelib.dag_files import is_dag_file, is_registered

WEEK = timedelta(days=7)
MOST_FIRE_TIMES = 7 * 24 * 60
MOST_LISTED = 20


@dataclass(frozen=True)
class Folder:
    """The DAGs of a folder by their ids, with the file of each, and the problems of the others."""

    dags: Mapping[str, Dag]
    files: Mapping[str, str]
    problems: tuple[str, ...]


@contextmanager
def base_of(base: str, path: Path) -> Iterator[Path]:
    """The folder or file `path` as it was: `base` is a folder, or a revision of git. Raises
    CliFailure."""
    if Path(base).is_dir():
        yield Path(base)
        return
    top = _git(path, "rev-parse", "--show-toplevel").decode().strip()
    inside = path.resolve().relative_to(Path(top).resolve()).as_posix()
    _git(path, "rev-parse", "--verify", "--quiet", f"{base}^{{commit}}")
    names = _git(path, "ls-tree", "-r", "-z", "--name-only", "--full-tree", base, "--", inside)
    with tempfile.TemporaryDirectory(prefix="orchestrator-review-") as folder:
        for name in filter(None, names.decode("utf-8", "surrogateescape").split("\0")):
            if is_registered(name):
                relative = Path(name).relative_to(inside) if name != inside else Path(path.name)
                target = Path(folder, relative)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(_git(path, "show", f"{base}:{name}"))
        yield Path(folder)


def _git(path: Path, *words: str) -> bytes:
    folder = path if path.is_dir() else path.parent
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, check=False)
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip().removeprefix("fatal: ")
        raise CliFailure(
            f"--base is neither a folder nor a revision of git: {reason or words[-1]}", USAGE
        )
    return done.stdout


def read(path: Path) -> Folder:
    """Every DAG file of the folder, or the one file."""
    dags: dict[str, Dag] = {}
    files: dict[str, str] = {}
    problems: list[str] = []
    for file in _files(path):
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        try:
            dag = parse_file(file.read_bytes(), shared=shared_of(file)).dag
        except DagFileError as error:
            problems += [f"{name}:{p.line}:{p.column}: {p.message}" for p in error.problems]
            continue
        if dag.dag_id in dags:
            problems.append(f"{name}:1:1: the dag_id {dag.dag_id!r} is taken")
        dags[dag.dag_id], files[dag.dag_id] = dag, name
    return Folder(dags, files, tuple(problems))


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
        return
    for file in sorted(path.rglob("*")):
        is_hidden = any(part.startswith(".") for part in file.relative_to(path).parts)
        if file.is_file() and is_dag_file(file.name) and not is_hidden:
            yield file


@dataclass(frozen=True)
class Change:
    """A DAG before and after; None where it did not exist."""

    dag_id: str
    before: Dag | None
    after: Dag | None


def changes(before: Folder, after: Folder) -> list[Change]:
    """The DAGs that differ."""
    ids = sorted({*before.dags, *after.dags})
    pairs = (Change(dag_id, before.dags.get(dag_id), after.dags.get(dag_id)) for dag_id in ids)
    return [change for change in pairs if change.before != change.after]


def markdown(before: Folder, after: Folder, now: datetime, costs: tuple[float, float]) -> str:
    """The review. `costs` are USD a month before and after."""
    found = changes(before, after)
    lines = ["## DAG review", ""]
    if after.problems:
        lines += ["### Problems", "", *(f"- `{line}`" for line in after.problems), ""]
    if not found and not after.problems:
        return "\n".join([*lines, "No DAG changes.", ""])
    for change in found:
        lines += [*_section(change, now), ""]
    clashes = list(_clashes(after))
    if clashes:
        lines += ["### Limits", "", *(f"- {line}" for line in clashes), ""]
    lines.append(f"**Cost at list prices:** {costs[0]:.2f} → {costs[1]:.2f} USD a month")
    return "\n".join([*lines, ""])


def _section(change: Change, now: datetime) -> Iterator[str]:
    before, after = change.before, change.after
    word = "added" if before is None else "removed" if after is None else "changed"
    yield f"### `{change.dag_id}` {word}"
    yield ""
    if after is None:
        yield "- its runs stay; its schedule ends, and runs that have not started are cancelled"
    elif before is None:
        yield f"- tasks: {', '.join(f'`{task.id}`' for task in after.tasks)}"
    else:
        yield from _task_lines(before, after)
    yield from _schedule_lines(before, after, now)
    if after is not None and after.schedule:
        past = [time for time in fire_times(after, now - WEEK, MOST_FIRE_TIMES) if time <= now]
        yield f"- a backfill of the last 7 days would create {len(past)} runs"
        if after.catchup and before is None and after.start_date:
            yield "- **`catchup` is on: runs for past fire times begin at once**"


def _task_lines(before: Dag, after: Dag) -> Iterator[str]:
    diff = compare(before, after)
    for name in diff.added[:MOST_LISTED]:
        yield f"- task `{name}` added"
    for name in diff.removed[:MOST_LISTED]:
        yield f"- task `{name}` removed"
    for row in diff.changed[:MOST_LISTED]:
        yield f"- task `{row.task_id}` changed: {', '.join(f'`{name}`' for name in row.fields)}"
    old, new = _edges(before), _edges(after)
    yield from (f"- edge `{a}` → `{b}` added" for a, b in sorted(new - old)[:MOST_LISTED])
    yield from (f"- edge `{a}` → `{b}` removed" for a, b in sorted(old - new)[:MOST_LISTED])
    if diff.dag_fields:
        yield f"- changed: {', '.join(f'`{name}`' for name in diff.dag_fields)}"


def _edges(dag: Dag) -> set[tuple[str, str]]:
    return {(up, task.id) for task in dag.tasks for up in task.dependencies}


def _schedule_lines(before: Dag | None, after: Dag | None, now: datetime) -> Iterator[str]:
    old, new = _next_week(before, now), _next_week(after, now)
    if old == new:
        return
    yield f"- fire times in the next 7 days: {len(old)} → {len(new)}"
    for time in sorted(set(new) - set(old))[:3]:
        yield f"  - new: {time:%a %Y-%m-%d %H:%M} UTC"
    for time in sorted(set(old) - set(new))[:3]:
        yield f"  - gone: {time:%a %Y-%m-%d %H:%M} UTC"


def _next_week(dag: Dag | None, now: datetime) -> list[datetime]:
    if dag is None or not dag.schedule:
        return []
    return [time for time in fire_times(dag, now, MOST_FIRE_TIMES) if time <= now + WEEK]


def _clashes(after: Folder) -> Iterator[str]:
    """Tasks that ask for more than their DAG's own limits let through, and pools in common."""
    users: dict[str, set[str]] = {}
    for dag in after.dags.values():
        for task in dag.tasks:
            if task.pool:
                users.setdefault(task.pool, set()).add(dag.dag_id)
            most = task.max_active_tis_per_dagrun
            if most is not None and most > dag.max_active_tasks:
                yield (
                    f"`{dag.dag_id}.{task.id}` allows {most} instances at once, but its DAG"
                    f" {dag.max_active_tasks} tasks"
                )
    for pool, names in sorted(users.items()):
        if len(names) > 1:
            shown = ", ".join(f"`{name}`" for name in sorted(names)[:MOST_LISTED])
            yield f"the pool `{pool}` is shared by {shown}"
