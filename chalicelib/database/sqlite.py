"""The one place that chooses which SQLite this program runs on.

The standard library's, where that is new enough: it is part of the runtime, and gets its repairs
from there. Else the one that the bundle brings: python3.11 on Lambda has SQLite 3.7.17 of 2013.
`ORCHESTRATOR_SQLITE` demands one of the two.

Whoever needs SQLite imports it from here, under the standard library's own names.
"""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

LEAST_VERSION = (3, 37, 0)  # STRICT tables

_WANTED = os.environ.get("ORCHESTRATOR_SQLITE", "auto")
_IS_STANDARD = _WANTED == "standard" or (
    _WANTED != "bundled" and sqlite3.sqlite_version_info >= LEAST_VERSION
)

if TYPE_CHECKING or _IS_STANDARD:
    from sqlite3 import (
        SQLITE_BUSY,
        SQLITE_CANTOPEN,
        SQLITE_CORRUPT,
        SQLITE_FULL,
        SQLITE_IOERR,
        SQLITE_NOMEM,
        SQLITE_NOTADB,
        SQLITE_PERM,
        SQLITE_PROTOCOL,
        SQLITE_READONLY,
        Connection,
        Cursor,
        DatabaseError,
        Error,
        IntegrityError,
        OperationalError,
        ProgrammingError,
        Row,
        complete_statement,
        connect,
        sqlite_version,
        sqlite_version_info,
    )
else:
    from pysqlite3.dbapi2 import (
        SQLITE_BUSY,
        SQLITE_CANTOPEN,
        SQLITE_CORRUPT,
        SQLITE_FULL,
        SQLITE_IOERR,
        SQLITE_NOMEM,
        SQLITE_NOTADB,
        SQLITE_PERM,
        SQLITE_PROTOCOL,
        SQLITE_READONLY,
        Connection,
        Cursor,
        DatabaseError,
        Error,
        IntegrityError,
        OperationalError,
        ProgrammingError,
        Row,
        complete_statement,
        connect,
        sqlite_version,
        sqlite_version_info,
    )

STANDARD_VERSION = sqlite3.sqlite_version
SOURCE = "standard library" if _IS_STANDARD else "bundled"

__all__ = [
    "LEAST_VERSION",
    "SOURCE",
    "SQLITE_BUSY",
    "SQLITE_CANTOPEN",
    "SQLITE_CORRUPT",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_NOMEM",
    "SQLITE_NOTADB",
    "SQLITE_PERM",
    "SQLITE_PROTOCOL",
    "SQLITE_READONLY",
    "STANDARD_VERSION",
    "Connection",
    "Cursor",
    "DatabaseError",
    "Error",
    "IntegrityError",
    "OperationalError",
    "ProgrammingError",
    "Row",
    "complete_statement",
    "connect",
    "sqlite_version",
    "sqlite_version_info",
]
