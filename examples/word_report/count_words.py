"""Counts words: `count_words.py TEXT SQL` prints what the SQL selects, and hands on how many
different words there are."""

import os
import re
import sqlite3
import sys
from pathlib import Path

text, query = (Path(name).read_text(encoding="utf-8") for name in sys.argv[1:3])
words = re.findall(r"[a-z]+", text.lower())

database = sqlite3.connect(":memory:")
database.execute("CREATE TABLE words (word TEXT NOT NULL)")
database.executemany("INSERT INTO words VALUES (?)", [(word,) for word in words])
for word, times in database.execute(query, {"top": os.environ["PARAM_TOP"]}):
    sys.stdout.write(f"{times} x {word}\n")

with Path(os.environ["DAG_OUTPUT"]).open("a", encoding="utf-8") as output:
    output.write(f"words={len(set(words))}\n")
