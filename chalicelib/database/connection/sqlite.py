"""The one place that chooses which SQLite this program runs on.

The standard library's, where that is new enough: it is part of the runtime, and gets its repairs
from there. Else the one that the bundle brings, if it does (not for arm64): python3.11 on Lambda
has SQLite 3.7.17 of 2013.
`ORCHESTRATOR_SQLITE` demands one of the two.

Whoever needs SQLite imports it from here, under the standard library's own names.
"""

from __future__ import annotations

import os
import sqlite3
from importlib.util import find_spec
from typing import TYPE_CHECKING

LEAST_VERSION = (3, 37, 0)  # STRICT tables

WANTED = os.environ.get("ORCHESTRATOR_SQLITE", "auto")
_PREFERS_STANDARD = WANTED == "standard" or (
    WANTED != "bundled" and sqlite3.sqlite_version_info >= LEAST_VERSION
)
# Whether what is left will do is said where a database is opened.
_IS_STANDARD = _PREFERS_STANDARD or find_spec("pysqlite3") is None

if TYPE_CHECKING or _IS_STANDARD:
    import sqlite3 as library
else:
    from pysqlite3 import dbapi2 as library

SQLITE_BUSY = library.SQLITE_BUSY
SQLITE_CANTOPEN = library.SQLITE_CANTOPEN
SQLITE_CORRUPT = library.SQLITE_CORRUPT
SQLITE_FULL = library.SQLITE_FULL
SQLITE_IOERR = library.SQLITE_IOERR
SQLITE_NOMEM = library.SQLITE_NOMEM
SQLITE_NOTADB = library.SQLITE_NOTADB
SQLITE_PERM = library.SQLITE_PERM
SQLITE_PROTOCOL = library.SQLITE_PROTOCOL
SQLITE_READONLY = library.SQLITE_READONLY
Connection = library.Connection
Cursor = library.Cursor
DatabaseError = library.DatabaseError
Error = library.Error
IntegrityError = library.IntegrityError
OperationalError = library.OperationalError
ProgrammingError = library.ProgrammingError
Row = library.Row
complete_statement = library.complete_statement
connect = library.connect
sqlite_version = library.sqlite_version
sqlite_version_info = library.sqlite_version_info

STANDARD_VERSION = sqlite3.sqlite_version
SOURCE = "standard library" if _IS_STANDARD else "bundled"
