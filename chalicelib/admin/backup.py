"""The care of the data: a daily copy of the database in a bucket, and the way back.

After a restore the world has moved on: claims and logs of runs that the restored database does not
know, or believes unfinished, lie in the runs bucket. Run ids are random, so new runs never meet
them; an attempt that is sent again although it was claimed loses the claim, is reported, and ends
by the repair.
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
    """What backup and restore need. Of `database` nothing may have been opened: it may be broken,
    or not there. `scratch` needs room for one copy of it; `linger` see restoring.replace."""

    database: Database
    backups: Bucket
    now: Clock
    rule: Rule = field(default_factory=Rule)
    scratch: Path = field(default_factory=lambda: Path(tempfile.gettempdir()))
    linger: float = LINGER_SECONDS


@dataclass(frozen=True)
class Restored:
    """What a restore did. `kept_as` is the directory, beside the database's, of what was replaced;
    `lost_commits` and `active_runs` are None if that could not be read."""

    backup: str
    commit_seq: int
    schema_version: int
    kept_as: str | None
    lost_commits: int | None
    active_runs: list[str] | None
    tokens_revoked_again: int


def back_up(keeper: BackupContext) -> dict[str, Any]:
    """Copy, check, compress and store the database, then remove what the rule does not keep.

    Answers the backup, `locked_seconds` (for so long nobody could commit) and the names `removed`.
    Raises DatabaseBusy, DatabaseUnusable, Unavailable; then no backup was made and none removed.
    """
    now = keeper.now()
    with _scratch(keeper) as folder:
        _check_room(keeper, folder)
        copied = copying.copy(keeper.database, folder / "copy.db")
        made = Backup(
            name=store.name_of(now, copied.state.commit_seq),
            taken_at=now,
            commit_seq=copied.state.commit_seq,
            schema_version=copied.state.schema_version,
            size=copied.size,
        )
        made = store.put(keeper.backups, folder / "copy.db", made)
    removed = _prune(keeper)
    log.info("backup", extra={"backup": made.name, "locked_seconds": copied.locked_seconds})
    return {**made.as_json(), "locked_seconds": copied.locked_seconds, "removed": removed}


def backups(keeper: BackupContext) -> list[Backup]:
    """The complete ones, newest first."""
    complete, _ = store.names(keeper.backups)
    return [store.find(keeper.backups, name) for name in reversed(complete)]


def restore(
    keeper: BackupContext, name: str | None = None, *, force: bool = False, who: str
) -> Restored:
    """Put a backup (the newest, without a name) in the place of the database; `who` asked for it.

    Raises NotFound, BackupDamaged, Conflict if it was made by a newer program or, without `force`,
    while runs are active, Unavailable. After each of them the database is as it was.
    """
    chosen = _choose(keeper, name)
    _refuse_a_newer(chosen, keeper.database.schema_version)
    path, now = keeper.database.path, keeper.now()
    staged = directory_swap.new_directory(path, now)
    try:
        _fill(keeper, chosen, staged / path.name)
        done = replace(
            path,
            staged,
            now,
            who=who,
            what=chosen.name,
            even_while_runs_are_active=force,
            linger=keeper.linger,
        )
    finally:
        shutil.rmtree(staged, ignore_errors=True)
        keeper.database.close()
    live = done.live
    answer = Restored(
        backup=chosen.name,
        commit_seq=chosen.commit_seq,
        schema_version=keeper.database.schema_version,
        kept_as=done.kept_as,
        lost_commits=None if live is None else max(0, live.commit_seq - chosen.commit_seq),
        active_runs=None if live is None else list(live.active_runs[:100]),
        tokens_revoked_again=done.revoked_again,
    )
    log.warning("restored", extra=asdict(answer))
    return answer


def _choose(keeper: BackupContext, name: str | None) -> Backup:
    if name is not None:
        return store.find(keeper.backups, name)
    complete, _ = store.names(keeper.backups)
    if not complete:
        raise NotFound("there is no backup yet")
    return store.find(keeper.backups, complete[-1])


def _refuse_a_newer(chosen: Backup, known: int) -> None:
    if chosen.schema_version > known:
        raise Conflict(
            f"Backup {chosen.name} has schema version {chosen.schema_version}, this program knows"
            f" {known}: deploy the version of the program that made it, then restore."
        )


def _fill(keeper: BackupContext, chosen: Backup, file: Path) -> None:
    """Fetch and check the backup, and bring its schema up to date."""
    store.fetch(keeper.backups, chosen, file)
    found = copying.inspect(file)
    if (found.commit_seq, found.schema_version) != (chosen.commit_seq, chosen.schema_version):
        raise store.BackupDamaged(
            f"Backup {chosen.name} holds {found}, not what its manifest says: restore another one."
        )
    staged = keeper.database.at(file)
    staged.migrate()
    staged.close()


def _prune(keeper: BackupContext) -> list[str]:
    complete, unfinished = store.names(keeper.backups)
    moments = {name: moment for name in complete if (moment := store.taken_at(name))}
    keep = kept(moments.values(), keeper.rule)
    removed = [name for name, moment in moments.items() if moment not in keep]
    forgotten = store.name_of(keeper.now() - UNFINISHED_KEPT, 0)
    removed += [name for name in unfinished if name < forgotten]
    for name in removed:
        store.remove(keeper.backups, name)
    return removed


@contextlib.contextmanager
def _scratch(keeper: BackupContext) -> Iterator[Path]:
    """A folder for the copy. What killed processes left behind is removed first."""
    for left in keeper.scratch.glob(f"{SCRATCH}*"):
        pid = left.name.removeprefix(SCRATCH)
        if pid.isdecimal() and not _is_alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    folder = keeper.scratch / f"{SCRATCH}{os.getpid()}"
    folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    """Our own number belonged to another process before: one process makes one backup at a time."""
    return pid != os.getpid() and Path(f"/proc/{pid}").exists()


def _check_room(keeper: BackupContext, folder: Path) -> None:
    path = keeper.database.path
    needed = path.stat().st_size if path.exists() else 0
    free = shutil.disk_usage(folder).free
    if free < needed * 1.1:
        raise Unavailable(
            f"A copy of the database needs {needed / 1e6:.0f} MB of temporary storage, and"
            f" {free / 1e6:.0f} MB are free: give the backup function more ephemeral storage."
        )
