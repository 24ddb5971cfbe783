"""Opening the SQLite file, with the settings that NFS demands, verified on every connection.

The settings are the same on a local disk, so that what is tested there is what runs on EFS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chalicelib.database.connection import case_folding, sqlite
from chalicelib.errors import Unavailable

_JOURNAL_LIMIT = 16 * 1024 * 1024
_CACHE_KIB = 8192

# In this order. Each is read back, because SQLite ignores what it does not understand.
SETTINGS: tuple[tuple[str, str, Any], ...] = (
    # Ours is the only waiting: see retry.py.
    ("busy_timeout", "0", 0),
    # The other NFS client does not notice the journal of a writer that died unless the journal's
    # name was there before, which only PERSIST (never WAL, DELETE or TRUNCATE) sees to. The
    # mode is not stored in the file.
    ("journal_mode", "PERSIST", "persist"),
    # 0 would truncate the journal after each commit, which is TRUNCATE by another name.
    ("journal_size_limit", str(_JOURNAL_LIMIT), _JOURNAL_LIMIT),
    ("synchronous", "FULL", 2),
    # A spilled page takes the exclusive lock and writes to the file long before COMMIT.
    ("cache_spill", "OFF", 0),
    ("cache_size", f"-{_CACHE_KIB}", -_CACHE_KIB),
    # Mapped pages are not kept in step between NFS clients.
    ("mmap_size", "0", 0),
    ("temp_store", "MEMORY", 2),
    ("foreign_keys", "ON", 1),
)


class DatabaseUnusable(Unavailable):
    """The database file is not there, is not ours, or could not be read or written."""

    code = "database_unusable"


def unusable(path: Path, problem: str) -> DatabaseUnusable:
    """The path itself goes into a note: messages are shown to strangers, notes only to the log."""
    error = DatabaseUnusable(problem)
    error.add_note(f"path: {path}")
    return error


def open_connection(path: Path, *, create: bool = False) -> sqlite.Connection:
    """Open `path` with our settings in force. Without `create` the file must exist.

    Any one thread may use the connection at a time. Raises DatabaseUnusable, or sqlite's
    own error with the code SQLITE_BUSY if another process is just writing.
    """
    _check_version(sqlite.sqlite_version_info)
    mode = "rwc" if create else "rw"
    try:
        connection = sqlite.connect(
            f"{path.absolute().as_uri()}?mode={mode}",
            uri=True,
            timeout=0,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
    except sqlite.OperationalError as error:
        raise _cannot_open(path, error) from error
    try:
        apply_settings(connection)
    except BaseException as error:
        connection.close()
        if is_storage_failure(error):
            raise _cannot_open(path, error) from error
        raise
    case_folding.register(connection)
    connection.row_factory = sqlite.Row
    return connection


def is_busy(error: BaseException) -> bool:
    """Another process holds a lock that was needed."""
    return primary_code(error) == int(sqlite.SQLITE_BUSY)


_STORAGE_CODES = frozenset(
    {
        sqlite.SQLITE_IOERR,
        sqlite.SQLITE_CORRUPT,
        sqlite.SQLITE_CANTOPEN,
        sqlite.SQLITE_NOTADB,
        sqlite.SQLITE_FULL,
        sqlite.SQLITE_READONLY,
        sqlite.SQLITE_PERM,
        sqlite.SQLITE_NOMEM,
        sqlite.SQLITE_PROTOCOL,
    }
)


def is_storage_failure(error: BaseException) -> bool:
    """The file or the system below failed, not the statement: do not trust the connection."""
    return primary_code(error) in _STORAGE_CODES


def primary_code(error: BaseException) -> int | None:
    """SQLite's result code without its extension (SQLITE_IOERR_WRITE is SQLITE_IOERR); None if
    the error is not SQLite's."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else int(code) & 0xFF


def storage_failure(error: BaseException) -> DatabaseUnusable:
    """What to tell a caller whose transaction met a storage failure and was rolled back."""
    return DatabaseUnusable(
        f"The database could not be read or written ({error}); nothing was changed."
        " Try again; if it goes on, check the file system and its free space."
    )


def sqlite_versions() -> dict[str, str]:
    """Which SQLite this process runs on, and which its Python brings."""
    return {
        "version": sqlite.sqlite_version,
        "source": sqlite.SOURCE,
        "standard": sqlite.STANDARD_VERSION,
    }


def _check_version(version: tuple[int, int, int]) -> None:
    if sqlite.WANTED == "bundled" != sqlite.SOURCE:
        raise DatabaseUnusable(
            "ORCHESTRATOR_SQLITE is bundled, but there is no package pysqlite3-binary: install it"
            " (it comes for Linux on x86_64 only), or unset this."
        )
    if version < sqlite.LEAST_VERSION:
        raise DatabaseUnusable(
            f"SQLite {_dotted(version)} is too old, {_dotted(sqlite.LEAST_VERSION)} is needed:"
            " install pysqlite3-binary as requirements.txt names it, or take a newer Python; on AWS"
            " `python -m infra deploy --architecture x86_64` ships it."
        )


def _dotted(version: tuple[int, int, int]) -> str:
    return ".".join(map(str, version))


def apply_settings(connection: sqlite.Connection) -> None:
    for name, value, expected in SETTINGS:
        connection.execute(f"PRAGMA {name}={value}").close()
        row = connection.execute(f"PRAGMA {name}").fetchone()
        # A build without memory mapping answers PRAGMA mmap_size with no row at all.
        if row is not None and row[0] != expected:
            raise DatabaseUnusable(
                f"SQLite did not accept PRAGMA {name}={value} (it is {row[0]!r}): the database"
                " may have been opened in WAL mode by another tool; restore it from a backup."
            )


def _cannot_open(path: Path, error: BaseException) -> DatabaseUnusable:
    if primary_code(error) == sqlite.SQLITE_NOTADB:
        problem = (
            f"{path.name} is not an SQLite database: let ORCHESTRATOR_DATABASE name another file,"
            " or restore it from a backup."
        )
    elif not path.exists():
        problem = (
            f"The database {path.name} does not exist: let ORCHESTRATOR_DATABASE name a file"
            " that was made by this program, and see that its file system is mounted."
        )
    else:
        problem = (
            f"The database {path.name} cannot be opened ({error}): this process must be allowed"
            " to read and write the file, its journal and their directory."
        )
    return unusable(path, problem)
