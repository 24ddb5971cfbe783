"""A writer that gives up on a locked database after a second, and tries again, until it is killed.

python -m tests.integration.backup.eager DATABASE LOG SEED
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from chalicelib.database import Database
from chalicelib.database.connection.retry import Patience
from chalicelib.errors import Unavailable
from tests.integration.storage import ledger

BUDGET = 1.0


def main(path: Path, log: Path, seed: str) -> None:
    database, dice = Database(path, patience=Patience(budget=BUDGET)), random.Random(seed)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    while True:
        try:
            line = ledger.add_one(database, dice).line()
        except Unavailable as error:
            line = f"# {type(error).__name__}: {error}\n"
        os.write(descriptor, line.encode())
        time.sleep(dice.uniform(0, 0.02))  # as ledger.write_for_ever does


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
