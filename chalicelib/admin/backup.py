"""Back up the database to a bucket, and restore it.

After a restore, the runs bucket still holds claims and logs of runs that the restored database does
not know or believes unfinished. Run ids are random, so new runs never collide with them. An attempt
that is sent again although it was claimed loses the claim, is reported, and is ended by repair.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from chalicelib.admin import backup_store as store
from chalicelib.admin.backup_retention import Rule, kept
from chalicelib.admin.backup_store import Backup
from chalicelib.database import Database
from chalicelib.database.backup import copy as copying
from chalicelib.database.backup.restore import LINGER_SECONDS, replace
from chalicelib.database.connection import directory_swap
from chalicelib.errors import Conflict, NotFound, Unavailable
from chalicelib.ports import Bucket, Clock

log = logging.getLogger("orchestrator.scheduler")

UNFINISHED_KEPT = timedelta(days=1)
SCRATCH = "orchestrator-backup-"


@dataclass(frozen=True)
class BackupContext:
    """What backup and restore are given. `database` must not have been opened: it may be damaged or
    missing. `scratch` needs room for one copy of it. For `linger` see `restore.replace`."""

    database: Database
    backups: Bucket
    now: Clock
    rule: Rule = field(default_factory=Rule)
    scratch: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    linger: float = LINGER_SECONDS


@dataclass(frozen=True)
class Restored:
    """The outcome of a restore. `kept_as` is the directory, next to the database's, that holds the
    replaced database; `lost_commits` and `active_runs` are None if that could not be read."""

    backup: str
    commit_seq: int
    schema_version: int
    kept_as: str | None
    lost_commits: int | None
    active_runs: list[str] | None
    tokens_revoked_again: int


def back_up(context: BackupContext) -> dict[str, Any]:
    """Copy, check, compress and store the database, then remove the backups that the rule does not
    keep.

    Returns the backup, `locked_seconds` (how long nobody could commit) and the names `removed`.
    Raises DatabaseBusy, DatabaseUnusable or Unavailable; then no backup was created or removed.
    """
    now = context.now()
    with _scratch(context) as folder:
        _check_room(context, folder)
        copied = copying.copy(context.database, folder / "copy.db")
        backup = Backup(
            name=store.name_of(now, copied.state.commit_seq),
            taken_at=now,
            commit_seq=copied.state.commit_seq,
            schema_version=copied.state.schema_version,
            size=copied.size,
        )
        backup = store.put(context.backups, folder / "copy.db", backup)
    removed = _prune(context)
    log.info("backup", extra={"backup": backup.name, "locked_seconds": copied.locked_seconds})
    return {**backup.as_json(), "locked_seconds": copied.locked_seconds, "removed": removed}


def backups(context: BackupContext) -> list[Backup]:
    """List the complete backups, newest first."""
    complete, _ = store.names(context.backups)
    return [store.find(context.backups, name) for name in reversed(complete)]


def restore(
    context: BackupContext, name: str | None = None, *, force: bool = False, who: str
) -> Restored:
    """Replace the database with a backup, by default the newest.

    Raises NotFound, BackupDamaged, Unavailable, or Conflict if the backup was created by a newer
    program or, without `force`, while runs are active. After an error the database is unchanged.
    """
    chosen = _choose(context, name)
    _check_version(chosen, context.database.schema_version)
    path, now = context.database.path, context.now()
    staged = directory_swap.new_directory(path, now)
    try:
        _fill(context, chosen, staged / path.name)
        done = replace(
            path,
            staged,
            now,
            who=who,
            what=chosen.name,
            even_while_runs_are_active=force,
            linger=context.linger,
        )
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        context.database.close()
    live = done.live
    restored = Restored(
        backup=chosen.name,
        commit_seq=chosen.commit_seq,
        schema_version=context.database.schema_version,
        kept_as=done.kept_as,
        lost_commits=None if live is None else max(0, live.commit_seq - chosen.commit_seq),
        active_runs=None if live is None else list(live.active_runs[:100]),
        tokens_revoked_again=done.revoked_again,
    )
    log.warning("restored", extra=asdict(restored))
    return restored


def _choose(context: BackupContext, name: str | None) -> Backup:
    if name is not None:
        return store.find(context.backups, name)
    complete, _ = store.names(context.backups)
    if not complete:
        raise NotFound("there is no backup yet")
    return store.find(context.backups, complete[-1])


def _check_version(chosen: Backup, known: int) -> None:
    if chosen.schema_version > known:
        raise Conflict(
            f"Backup {chosen.name} has schema version {chosen.schema_version}, and this program"
            f" supports up to {known}: deploy the program version that created it, then restore."
        )


def _fill(context: BackupContext, chosen: Backup, file: Path) -> None:
    """Fetch the backup into `file`, check it, and migrate its schema."""
    store.fetch(context.backups, chosen, file)
    state = copying.inspect(file)
    if (state.commit_seq, state.schema_version) != (chosen.commit_seq, chosen.schema_version):
        raise store.BackupDamaged(
            f"Backup {chosen.name} holds {state}, which differs from its manifest: restore another"
            " one."
        )
    staged = context.database.at(file)
    staged.migrate()
    staged.close()


def _prune(context: BackupContext) -> list[str]:
    complete, unfinished = store.names(context.backups)
    times = {name: time for name in complete if (time := store.taken_at(name))}
    keep = kept(times.values(), context.rule)
    removed = [name for name, time in times.items() if time not in keep]
    oldest_unfinished = store.name_of(context.now() - UNFINISHED_KEPT, 0)
    removed += [name for name in unfinished if name < oldest_unfinished]
    for name in removed:
        store.remove(context.backups, name)
    return removed


@contextlib.contextmanager
def _scratch(context: BackupContext) -> Iterator[Path]:
    """Create a folder for the copy, after removing those that killed processes left behind."""
    for left in context.scratch.glob(f"{SCRATCH}*"):
        pid = left.name.removeprefix(SCRATCH)
        if pid.isdecimal() and not _is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    folder = context.scratch / f"{SCRATCH}{os.getpid()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    """Whether another process with this id runs. Our own id belonged to an earlier
    process, because a process makes one backup at a time."""
    return pid != os.getpid() and Path(f"/proc/{pid}").exists()


def _check_room(context: BackupContext, folder: Path) -> None:
    path = context.database.path
    needed = path.stat().st_size if path.exists() else 0
    free = shutil.disk_usage(folder).free
    if free < needed * 1.1:
        raise Unavailable(
            f"A copy of the database needs {needed / 1e6:.0f} MB of temporary storage, and"
            f" {free / 1e6:.0f} MB are free: give the backup function more ephemeral storage."
        )
