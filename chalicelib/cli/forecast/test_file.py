"""Reads `NAME.test.yaml`, which lies beside `NAME.yaml`.

cases:
  - name: a late source is skipped
    params: {day: monday}
    logical_date: 2026-03-01T06:00Z
    tasks:                     # what commands do; the others succeed after a second
      fetch: {exit_code: 75, failures: 2, duration: 5m, log: "not ready", outputs: {rows: 3}}
    expect:
      state: success
      tasks: {fetch: success, load: success}
      tries: {fetch: 3}

cases:
  - name: a week
    from: 2026-03-02
    to: 2026-03-09
    expect: {runs: 7, fire_times: [2026-03-02T06:00Z]}
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import yaml

from chalicelib.cli import times
from chalicelib.cli.failure import USAGE, CliFailure, nearest
from chalicelib.dag.schedule.durations import BadDuration, parse_duration
from chalicelib.dag_files import TEST_SUFFIXES

MAX_BYTES = 256 * 1024
CASE_KEYS = ("name", "params", "logical_date", "from", "to", "pools", "tasks", "expect")
MOCK_KEYS = ("exit_code", "outputs", "log", "duration", "failures", "skip")
EXPECT_KEYS = (
    "state",
    "tasks",
    "order",
    "commands",
    "outputs",
    "reasons",
    "tries",
    "notifications",
    "ends_at",
    "duration",
    "fire_times",
    "runs",
)


@dataclass(frozen=True, slots=True)
class Mock:
    """What a task's command does: `failures` times it fails with `exit_code` (1 unless it is set),
    then it succeeds; without `failures` it always ends with `exit_code`. `is_skipped`: its `when`
    says no."""

    exit_code: int = 0
    outputs: Mapping[str, Any] = field(default_factory=dict)
    log: str = ""
    seconds: float = 1.0
    failures: int | None = None
    is_skipped: bool = False

    def exit_code_of(self, try_number: int) -> int:
        if self.failures is None:
            return self.exit_code
        return (self.exit_code or 1) if try_number <= self.failures else 0


@dataclass(frozen=True, slots=True)
class Case:
    """One case. With `begins` and `ends` the schedule makes the runs, else one is asked for."""

    name: str
    params: Mapping[str, Any]
    logical_date: datetime | None
    begins: datetime | None
    ends: datetime | None
    pools: Mapping[str, int]
    mocks: Mapping[str, Mock]
    expect: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TestFile:
    """The cases of `path`, about the DAG file `dag_path`."""

    __test__ = False  # pytest takes it for a test

    path: Path
    dag_path: Path
    cases: tuple[Case, ...]


def dag_path_of(path: Path) -> Path:
    """The DAG file that a test file is about. Raises CliFailure if there is none."""
    for suffix in TEST_SUFFIXES:
        if path.name.endswith(suffix):
            stem = path.name.removesuffix(suffix)
            for end in (".yaml", ".yml"):
                if (beside := path.with_name(stem + end)).is_file():
                    return beside
            raise CliFailure(f"{path}: there is no {stem}.yaml beside it", USAGE)
    raise CliFailure(f"{path} is no test file: its name ends with .test.yaml", USAGE)


def read(path: Path, timezone: str) -> TestFile:
    """Read a test file. Times without an offset are in the DAG's time zone. Raises CliFailure."""
    text = path.read_bytes()[: MAX_BYTES + 1]
    if len(text) > MAX_BYTES:
        raise CliFailure(f"{path} is larger than 256 KiB", USAGE)
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:
        raise CliFailure(f"{path} is no YAML: {error}".replace("\n", " "), USAGE) from error
    reader = _Reader(path, timezone)
    reader.check(data, ("cases",), "the file")
    cases = data.get("cases")
    if not isinstance(cases, list) or not cases:
        reader.fail("the file", "needs a list of cases")
    return TestFile(path, dag_path_of(path), tuple(map(reader.case, cases)))


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path
    timezone: str

    def fail(self, where: str, message: str) -> NoReturn:
        raise CliFailure(f"{self.path}: {where} {message}", USAGE)

    def check(self, data: Any, known: tuple[str, ...], where: str) -> None:
        if not isinstance(data, dict):
            self.fail(where, f"is a mapping with {', '.join(known)}")
        for key in data:
            if key not in known:
                self.fail(where, f"has an unknown key {key!r}{nearest(str(key), known)}")

    def case(self, data: Any) -> Case:
        self.check(data, CASE_KEYS, "a case")
        name = str(data.get("name") or "")
        if not name:
            self.fail("a case", "has no name")
        where = f"case {name!r}"
        expect = data.get("expect") or {}
        self.check(expect, EXPECT_KEYS, f"{where}: expect")
        if not expect:
            self.fail(where, "expects nothing")
        begins, ends = self._time(data, "from", where), self._time(data, "to", where)
        if (begins is None) != (ends is None):
            self.fail(where, "has only one of from and to")
        mocks = data.get("tasks") or {}
        self.check(mocks, tuple(mocks) if isinstance(mocks, dict) else (), f"{where}: tasks")
        return Case(
            name,
            data.get("params") or {},
            self._time(data, "logical_date", where),
            begins,
            ends,
            data.get("pools") or {},
            {task: self._mock(mock, f"{where}: task {task!r}") for task, mock in mocks.items()},
            expect,
        )

    def _time(self, data: Mapping[str, Any], key: str, where: str) -> datetime | None:
        value = data.get(key)
        return None if value is None else self.time(value, f"{where}: {key}")

    def time(self, value: Any, where: str) -> datetime:
        text = value.isoformat() if hasattr(value, "isoformat") else str(value)
        try:
            return times.parse(times.instant(text, self.timezone))
        except CliFailure as failure:
            self.fail(where, failure.message)

    def _mock(self, data: Any, where: str) -> Mock:
        self.check(data, MOCK_KEYS, where)
        try:
            seconds = parse_duration(str(data.get("duration", 1)))
        except BadDuration as error:
            self.fail(where, str(error))
        outputs = data.get("outputs") or {}
        if not isinstance(outputs, dict):
            self.fail(where, "outputs is a mapping of names to values")
        return Mock(
            int(data.get("exit_code", 0)),
            outputs,
            str(data.get("log", "")),
            float(seconds),
            None if data.get("failures") is None else int(data["failures"]),
            bool(data.get("skip", False)),
        )
