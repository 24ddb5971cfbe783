"""The messages that cross a queue, and their version.

A task message holds all that one attempt needs; a report holds what became of it. Old code may read
what new code wrote and vice versa, so fields are only ever added, with a default, and an unknown
version is set aside, never guessed at.

    scheduler --TaskMessage--> tasks queue --> executor
    executor --Heartbeat | Result--> results queue --> scheduler
    scheduler --Wake--> results queue --> scheduler         (a timer: see scheduler/clock.py)
    scheduler --NotificationMessage--> tasks queue --> executor
    executor --NotificationResult--> results queue --> scheduler
    worker --WorkerSeen--> results queue --> scheduler
"""

from __future__ import annotations

import json
from dataclasses import MISSING, dataclass, field, fields
from functools import cache, lru_cache
from json.encoder import encode_basestring_ascii
from typing import Any, TypeVar

from chalicelib.enums import Outcome, words
from chalicelib.places import DEFAULT_PLACE

VERSION = 1

ARTIFACTS = "artifacts"
"""The folder of an attempt's artifacts in the runs bucket."""
SELF_TEST_DAG_ID = ".self-test"
"""The DAG of self-tests. No other can have this id: theirs begin with a letter, a digit or `_`."""

TASK_MESSAGE = "message.json"
"""The name of a task message's object below its attempt's prefix."""

T = TypeVar("T")


class BadMessage(ValueError):
    """The body is not a message that this version can read; the text says why."""


@dataclass(frozen=True, slots=True, order=True)
class Attempt:
    """The name of one attempt. `map_index` is -1 where a task is not expanded; tries count from
    1."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    try_number: int
    poke: int = 0

    @property
    def prefix(self) -> str:
        """The prefix of the attempt's keys in the runs bucket, with a trailing slash."""
        number = f"{self.try_number}.{self.poke}" if self.poke else str(self.try_number)
        return f"{self.dag_id}/{self.run_id}/{self.task_id}/{self.map_index}/{number}/"

    @property
    def message_key(self) -> str:
        """The key of the task message in the runs bucket, for executors that are not sent it."""
        return f"{self.prefix}{TASK_MESSAGE}"

    @property
    def log_prefix(self) -> str:
        return f"{self.prefix}log/"

    def log_chunk_key(self, offset: int) -> str:
        """The chunk whose first byte is byte `offset` of the whole log; keys sort by offset."""
        return f"{self.log_prefix}{offset:015d}"

    def artifact_key(self, name: str) -> str:
        """An attempt has its own: a later one never changes what somebody reads."""
        return f"{self.prefix}{ARTIFACTS}/{name}"

    def ids(self) -> dict[str, Any]:
        """Return the ids for a log line."""
        return {
            "dag_id": self.dag_id,
            "run_id": self.run_id,
            "task_id": self.task_id,
            "map_index": self.map_index,
            "try_number": self.try_number,
            "poke": self.poke,
        }


@dataclass(frozen=True, slots=True)
class Material:
    """Something that has to be in place before the command starts. `kind` is one of
    `chalicelib.enums.MaterialKind`, or a word that only later versions know; `path` says where it
    goes, relative to the working directory, or is the name of a program; `source` where it comes
    from: a key of the runs bucket, or a URL. `sha256` and `size` (in bytes; -1: not known) are
    those of what is found there. `options` holds what only this kind needs."""

    kind: str
    path: str
    source: str
    sha256: str = ""
    size: int = -1
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredArtifact:
    """An artifact in the runs bucket, under its attempt's `artifact_key`. `file_name` is its name
    in the working directory, without folders; `size` (in bytes) and `sha256` are those of the
    object, which is a tar archive for a folder."""

    name: str
    file_name: str
    size: int
    sha256: str
    is_folder: bool = False
    is_executable: bool = False


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """One attempt, complete: `env` is the whole environment the user asked for, the always-set
    variables included; `timeout` in seconds or None; `not_before` in seconds since the epoch;
    `when` a shell test that decides whether the command runs; `outputs` the names that it promises;
    `secrets` references by variable, such as `ssm:/path`, never the secrets themselves. A log of at
    most `log_in_result` bytes may travel in the result. `materials` has to be in place before the
    command starts; `artifacts` are the paths of what the command leaves, by name. `place` is the
    name of the place whose queue it is sent to; `image`, `memory_mb` and `vcpu` are what the task
    asks for; `has_retries`: should this attempt fail, another follows."""

    attempt: Attempt
    command: str
    env: dict[str, str] = field(default_factory=dict)
    cwd: str | None = None
    timeout: float | None = None
    not_before: float | None = None
    when: str | None = None
    outputs: list[str] = field(default_factory=list)
    skip_exit_codes: list[int] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    log_in_result: int = 0
    materials: list[Material] = field(default_factory=list)
    place: str = DEFAULT_PLACE
    image: str | None = None
    memory_mb: int | None = None
    vcpu: float | None = None
    has_retries: bool = False
    artifacts: dict[str, str] = field(default_factory=dict)

    def encode(self) -> str:
        return _encode("task", self)

    @classmethod
    def decode(cls, body: str) -> TaskMessage:
        """Raises BadMessage."""
        return cls._of(_load(body))

    @classmethod
    def _of(cls, data: dict[str, Any]) -> TaskMessage:
        if data.get("kind") != "task":
            raise BadMessage(f"expected a task message, found kind {data.get('kind')!r}")
        return _build(cls, data)


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The attempt runs. `started_at`, `at` in seconds since the epoch: when the command (or, if
    `claimed` is set, its claim) began, and the time this is known for. A loser of the claim
    sends one with `claimed` for the winner, whose own heartbeats may have died with it."""

    attempt: Attempt
    started_at: float
    at: float
    claimed: bool = False

    def encode(self) -> str:
        return _encode("heartbeat", self)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an attempt. Times in seconds since the epoch; `exit_code` None where the
    command was ended by `signal` or never started; `max_rss` in bytes; `log_bytes` is the length of
    the whole log, what was cut from its middle included; `log` all of it where it is short and not
    in the bucket; `outputs` what the command wrote to $DAG_OUTPUT; `billed_ms` and `memory_mb` what
    Lambda charges for, where it ran on Lambda, and with `vcpu` Fargate; `is_transient`: the command
    was never started, for a reason that may pass; `is_permanent`: for one that no other attempt can
    help; `artifacts` what it left, all that it promised; `cause` the line of the log that most
    likely tells why it failed."""

    attempt: Attempt
    outcome: Outcome
    started_at: float | None = None
    ended_at: float | None = None
    exit_code: int | None = None
    signal: int | None = None
    max_rss: int | None = None
    log_bytes: int = 0
    log: str | None = None
    reason: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    billed_ms: int | None = None
    memory_mb: int | None = None
    vcpu: float | None = None
    is_transient: bool = False
    is_permanent: bool = False
    artifacts: list[StoredArtifact] = field(default_factory=list)
    cause: str = ""

    def encode(self) -> str:
        return _encode("result", self)


@dataclass(frozen=True, slots=True)
class Wake:
    """Something is due at `at` (seconds since the epoch): create what is due."""

    at: float

    def encode(self) -> str:
        return _encode("wake", self)


@dataclass(frozen=True, slots=True)
class NotificationMessage:
    """A notification to deliver. The executor does it, because the functions with a database have
    no way out to the internet. `how` names a row of `chalicelib.notification_kinds`; `target` is
    what that kind sends to; `payload` holds the facts, as JSON; `env` the same facts as variables
    of a command."""

    id: int
    how: str
    target: str
    subject: str
    payload: dict[str, Any]
    env: dict[str, str] = field(default_factory=dict)

    def encode(self) -> str:
        return _encode("notification", self)


@dataclass(frozen=True, slots=True)
class NotificationResult:
    """What became of a notification: delivered, or not for this reason. `is_transient`: the reason
    may pass, so it is to be sent again."""

    id: int
    is_delivered: bool
    reason: str = ""
    is_transient: bool = False

    def encode(self) -> str:
        return _encode("notification_result", self)


@dataclass(frozen=True, slots=True)
class WorkerSeen:
    """A worker is there, or about to leave: `running` of at most `parallelism` commands. Times in
    seconds since the epoch, by its own clock."""

    name: str
    queue: str
    parallelism: int
    running: int
    started_at: float
    at: float
    is_leaving: bool = False

    def encode(self) -> str:
        return _encode("worker", self)


Report = Heartbeat | Result | Wake | NotificationResult | WorkerSeen

_REPORTS: dict[
    str,
    type[Heartbeat] | type[Result] | type[Wake] | type[NotificationResult] | type[WorkerSeen],
] = {
    "heartbeat": Heartbeat,
    "result": Result,
    "wake": Wake,
    "notification_result": NotificationResult,
    "worker": WorkerSeen,
}


def decode_task(body: str) -> TaskMessage | NotificationMessage:
    """Read a message of the tasks queue. Raises BadMessage."""
    data = _load(body)
    if data.get("kind") == "notification":
        return _build(NotificationMessage, data)
    return TaskMessage._of(data)


def decode_report(body: str) -> Report:
    """Read a message of the results queue. Raises BadMessage."""
    data = _load(body)
    cls = _REPORTS.get(str(data.get("kind")))
    if cls is None:
        raise BadMessage(f"unknown kind {data.get('kind')!r}; known: {', '.join(_REPORTS)}")
    return _build(cls, data)


def _encode(kind: str, message: Any) -> str:
    # ASCII, because SQS refuses some characters that a command may well hold.
    values = _plain(message)
    if all(len(value) < LONG for value in values.get("env", {}).values()):
        return _ENCODER.encode({"v": VERSION, "kind": kind, **values})
    env = values.pop("env")
    text = _ENCODER.encode({"v": VERSION, "kind": kind, **values})
    return f'{text[:-1]},"env":{_encode_env(env)}}}'


def _encode_env(env: dict[str, str]) -> str:
    """Return the variables as JSON. A long value is often that of many messages: an output that
    all mapped instances are given."""
    pairs = [
        f"{_in_quotes(name)}:{_in_quotes(value) if len(value) < LONG else _long_in_quotes(value)}"
        for name, value in env.items()
    ]
    return f"{{{','.join(pairs)}}}"


LONG = 1024
_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True)
_in_quotes = encode_basestring_ascii
_long_in_quotes = lru_cache(maxsize=8)(encode_basestring_ascii)


def _plain(message: Any) -> dict[str, Any]:
    """The fields of a message that have not their default, which whoever decodes it puts in their
    place. `dataclasses.asdict` would copy every value of it, deeply."""
    values: dict[str, Any] = {}
    for name, default in _defaults(type(message)):  # type: ignore[arg-type]
        value = getattr(message, name)
        if value is default or (value == default and type(value) is type(default)):
            continue
        values[name] = value
    if "attempt" in values:
        values["attempt"] = values["attempt"].ids()
    for name in ("materials", "artifacts"):
        if isinstance(values.get(name), list):
            values[name] = [_plain(row) for row in values[name]]
    return values


@cache
def _defaults(cls: type[Any]) -> list[tuple[str, Any]]:
    """Name and default of each field; MISSING where there is none."""
    return [
        (spec.name, spec.default if spec.default_factory is MISSING else spec.default_factory())
        for spec in fields(cls)
    ]


def _load(body: str) -> dict[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise BadMessage("not a JSON object")
    if data.get("v") != VERSION:
        raise BadMessage(f"version {data.get('v')!r}; this code reads version {VERSION}")
    return data


_NUMBER = (int, float)
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": (str, type(None)),
    "int": (int,),
    "int | None": (int, type(None)),
    "float": _NUMBER,
    "float | None": (*_NUMBER, type(None)),
    "bool": (bool,),
    "dict[str, str]": (dict,),
    "dict[str, Any]": (dict,),
    "list[str]": (list,),
    "list[int]": (list,),
    "list[Material]": (list,),
    "list[StoredArtifact]": (list,),
    "Outcome": (str,),
    "Attempt": (dict,),
}

_AS_THEY_ARE = frozenset(_TYPES) - {"Attempt", "list[Material]", "list[StoredArtifact]", "Outcome"}


@cache
def _specs(cls: type[Any]) -> tuple[dict[str, str], list[str]]:
    """The type of each field by its name, and the names of those that must be there."""
    types = {spec.name: str(spec.type) for spec in fields(cls)}
    defaults = _defaults(cls)  # type: ignore[arg-type]
    return types, [name for name, default in defaults if default is MISSING]


def _build(cls: type[T], data: dict[str, Any]) -> T:
    """Make `cls` of the fields that it knows; later versions may have added others."""
    types, required = _specs(cls)  # type: ignore[arg-type]
    for name in required:
        if name not in data:
            raise BadMessage(f"{name} is missing")
    values: dict[str, Any] = {}
    for name, value in data.items():
        type_name = types.get(name)
        if type_name is None:
            continue
        if not isinstance(value, _TYPES[type_name]):
            raise BadMessage(f"{name} is {value!r}, expected {type_name}")
        values[name] = value if type_name in _AS_THEY_ARE else _nested(type_name, value)
    return cls(**values)


def _nested(type_name: str, value: Any) -> Any:
    if type_name == "Attempt":
        return _build(Attempt, value)
    if type_name == "list[Material]":
        return [_build(Material, _row(row)) for row in value]
    if type_name == "list[StoredArtifact]":
        return [_build(StoredArtifact, _row(row)) for row in value]
    if type_name == "Outcome":
        return _outcome(value)
    return value


def _row(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadMessage(f"a row of a list is {value!r}, expected an object")
    return value


def _outcome(word: str) -> Outcome:
    try:
        return Outcome(word)
    except ValueError:
        known = ", ".join(words(Outcome))
        raise BadMessage(f"outcome is {word!r}, expected one of {known}") from None
