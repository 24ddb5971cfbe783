"""The only place with SQL: the file, on EFS or a local disk, that holds all this program knows.

`Database` gives transactions; the modules beside it hold the named queries. It knows nothing
of queues, buckets or AWS.
"""

from chalicelib.database.connection import Database, IntegrityError, Row, Transaction
from chalicelib.database.opening import sqlite_versions

__all__ = ["Database", "IntegrityError", "Row", "Transaction", "sqlite_versions"]
