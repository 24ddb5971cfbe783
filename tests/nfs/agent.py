"""One process of one host, which does as it is told on its standard input and answers a line.

look          what one snapshot shows to be wrong, or `ok`
add           one ledger transaction; its acknowledgement
forget        close the connection
create        make the database and the ledger, as `create_if_missing` does
freeze        hold a transaction open until the next line comes, then end it
freeze_late   the same, but stop after the clocks were compared, just before COMMIT
die           a transaction that is killed while COMMIT writes its pages
"""

from __future__ import annotations

import random
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chalicelib.database import Database
from chalicelib.database.connection.sqlite_open import open_connection
from chalicelib.errors import Unavailable
from tests.integration.storage import ledger
from tests.integration.storage.doubles import intercepted


class Agent:
    """The commands above, on one Database."""

    def __init__(self, path: Path, seed: str) -> None:
        self._database = Database(path, connect=self._connect)
        self._dice = random.Random(seed)
        self._stop_at: str | None = None

    def look(self) -> str:
        return "; ".join(ledger.disagreements(self._database) or ["ok"])

    def add(self) -> str:
        return ledger.add_one(self._database, self._dice).line().strip()

    def forget(self) -> str:
        self._database.close()
        return "forgotten"

    def create(self) -> str:
        self._database.create_if_missing()
        with self._database.write() as tx:
            tx.execute("INSERT INTO metadata VALUES (?, '')", (tx.batch_id,))
        return f"created {tx.commit_seq}"

    def freeze(self) -> str:
        with self._database.write("frozen") as tx:
            tx.execute("UPDATE counters SET n = n + 1000, pad = pad || 'frozen'")
            wait_to_be_frozen()
        return f"committed {tx.commit_seq}"

    def freeze_late(self) -> str:
        with self._database.write("frozen") as tx:
            tx.execute("UPDATE counters SET n = n + 1000, pad = pad || 'frozen'")
            self._stop_at = "COMMIT"
        return f"committed {tx.commit_seq}"

    def _connect(self, path: Path) -> Any:
        def on_statement(sql: str, run: Callable[[], Any]) -> Any:
            if sql == self._stop_at:
                self._stop_at = None
                wait_to_be_frozen()
            return run()

        return intercepted(open_connection(path), on_statement)

    def die(self) -> str:
        """Pages are written in the order of the file: those of the counters, then, past the limit
        on file sizes, the new ones, where the kernel kills the process."""
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        with self._database.write("dead") as tx:
            tx.execute("UPDATE counters SET n = n + 1000")
            tx.execute("CREATE TABLE appended (x BLOB)")
            tx.execute("INSERT INTO appended VALUES (zeroblob(200000))")
            size = self._database.path.stat().st_size
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        return "survived"


def wait_to_be_frozen() -> None:
    say("open")
    sys.stdin.readline()


def say(line: str) -> None:
    print(line, flush=True)


def answer(command: Callable[[], str]) -> str:
    try:
        return command()
    except Unavailable as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    agent = Agent(Path(sys.argv[1]), sys.argv[2])
    for line in sys.stdin:
        say(answer(getattr(agent, line.strip())))
