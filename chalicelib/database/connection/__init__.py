"""The SQLite file: how it is created, opened, locked, retried, migrated and read.

case_folding     a case-insensitive search for any alphabet
clocks           elapsed time that also counts while the machine is frozen
commit_signal    tells threads of this process that something was committed in it
connection       transactions on one SQLite file that several processes and hosts share over NFS
create_database  creates the database file once, so that no process ever sees half of it
directory_swap   the two renames that replace the live database directory
migrations       applies the SQL files of `migrations/`
pool             connections kept open for a short time for the next transaction
retry            retries while another process holds SQLite's lock
row_statements   statements that change many rows at once
sqlite           chooses the SQLite library
sqlite_open      opens the SQLite file and verifies the settings that NFS requires
times            times in the database: microseconds since the epoch
transaction      one transaction, as the query modules see it
"""

from chalicelib.database.connection.connection import Database, IntegrityError, Row, Transaction

__all__ = ["Database", "IntegrityError", "Row", "Transaction"]
