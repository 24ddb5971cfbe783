"""Which objects are DAG files; and the files beside one: where their contents are in the runs
bucket, and the list that pins a version to them.

A content is stored once, under its SHA-256, whichever DAGs and versions have it. The list is such
a content itself, so its SHA-256 stands for all of a version's files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

PREFIX = ".files/"
"""Of the keys in the runs bucket. No DAG can have this id: theirs begin with a letter, a digit or
`_`."""
MAX_FILES = 1000
MAX_FILES_BYTES = 50 * 1024 * 1024
"""Of all files of a DAG together."""
MAX_LIST_BYTES = 4 * 1024 * 1024
"""Of the list: a thousand of S3's longest keys, each character escaped, fit."""


SUFFIXES = (".yaml", ".yml")
TEST_SUFFIXES = (".test.yaml", ".test.yml")
"""Of the files that test the DAG file beside them; see `orchestrator test`."""


DEFAULTS_NAME = "_defaults.yaml"
"""The name of a file that holds what the DAGs of its folder share."""
_DEFAULTS_NAMES = (DEFAULTS_NAME, "_defaults.yml")


def is_dag_file(key: str) -> bool:
    """Whether an object of the dags bucket is registered as a DAG file: YAML that tests none, and
    holds no shared defaults."""
    is_yaml = key.endswith(SUFFIXES) and not key.endswith(TEST_SUFFIXES)
    return is_yaml and not is_defaults_file(key)


def is_defaults_file(key: str) -> bool:
    """Whether an object of the dags bucket is a file of shared defaults."""
    return key.rpartition("/")[2] in _DEFAULTS_NAMES


def is_registered(key: str) -> bool:
    """Whether an object of the dags bucket is registered: a DAG file or shared defaults."""
    return is_dag_file(key) or is_defaults_file(key)


@dataclass(frozen=True, slots=True)
class PinnedFile:
    """`path` is relative to the DAG file's folder, with `/` between its parts; `size` in bytes."""

    path: str
    sha256: str
    size: int
    is_executable: bool = False


def content_key(sha256: str) -> str:
    """The key of a content in the runs bucket."""
    return f"{PREFIX}{sha256}"


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def encode_list(files: Sequence[PinnedFile]) -> bytes:
    """Encode the list; the order of `files` makes no difference."""
    rows = [asdict(file) for file in sorted(files, key=lambda file: file.path)]
    return json.dumps({"files": rows}, separators=(",", ":"), sort_keys=True).encode()


def decode_list(content: bytes) -> list[PinnedFile]:
    """Raises ValueError for what is no list of files."""
    try:
        return [
            PinnedFile(
                path=str(row["path"]),
                sha256=str(row["sha256"]),
                size=int(row["size"]),
                is_executable=bool(row["is_executable"]),
            )
            for row in json.loads(content)["files"]
        ]
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("not a list of files") from error
