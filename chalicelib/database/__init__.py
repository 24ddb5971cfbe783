"""The only place with SQL: the file, on EFS or a local disk, that holds everything the orchestrator
knows. It knows nothing of queues, buckets or AWS.

connection/  the SQLite file: creating, opening, locking, retrying, migrating; `Database`
queries/     what the scheduler reads and writes, one module for each table or use
reads/       what the API reads
backup/      a consistent copy, and the way back
row_builder  from a row to a value, by the names of its columns
index_predicates  the conditions of the partial indexes, each named once

The schema is in the SQL files of `migrations/`.
"""

from chalicelib.database.connection import Database, IntegrityError, Row, Transaction
from chalicelib.database.connection.sqlite_open import sqlite_versions

__all__ = ["Database", "IntegrityError", "Row", "Transaction", "sqlite_versions"]
