"""The SQLite file: how it is created, opened, locked, retried, migrated and read.

case_folding     search without regard to case, in any alphabet
clocks           how long ago was it, when the machine may have been frozen in between
connection       transactions on one SQLite file that several processes and hosts share over NFS
create_database  making the database file, once, so that no other process ever sees half of it
directory_swap   the two renames that put a new database directory into the place of the live
migrations       bringing the schema up to date
pool             connections that wait for their next transaction, for a short time
retry            waiting for a lock that nobody queues for
sqlite           the one place that chooses which SQLite this program runs on
sqlite_open      opening the SQLite file, with the settings that NFS demands, verified on every
times            moments in the database
transaction      one transaction, as the query modules see it
"""

from chalicelib.database.connection.connection import Database, IntegrityError, Row, Transaction

__all__ = ["Database", "IntegrityError", "Row", "Transaction"]
