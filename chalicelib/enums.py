"""Every closed set of words that more than one room knows, each once.

The database, the messages, the API and its OpenAPI document, the page and the docs derive their
words from here or are tested against it. Every entry point loads this module: it imports nothing
but `enum` and `typing`. Which state may follow which stands in `dag/states.py`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

E = TypeVar("E", bound=StrEnum)


class RunState(StrEnum):
    """`queued`: waits for its start time, for a free slot, or for its first task to begin."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskState(StrEnum):
    """`none`: waits for its dependencies; `scheduled`: ready, waits for a free slot; `queued`: its
    message is on its way; `up_for_retry`: waits for its next attempt."""

    NONE = "none"
    SCHEDULED = "scheduled"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    UP_FOR_RETRY = "up_for_retry"
    UP_FOR_RESCHEDULE = "up_for_reschedule"
    UPSTREAM_FAILED = "upstream_failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"


class Mark(StrEnum):
    """How a user may say that a task went: some of `TaskState`."""

    SUCCESS = "success"
    FAILED = "failed"
    SKIPPED = "skipped"


class Outcome(StrEnum):
    """How an attempt ended: `failed` by exit code or signal, `timeout` stopped at its time limit,
    `skipped` by its own `when` or exit code, `cancelled` stopped or never started on a user's
    request, `lost` where nobody knows."""

    SUCCESS = "success"
    FAILED = "failed"
    TIMEOUT = "timeout"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    LOST = "lost"


class Claimant(StrEnum):
    """Who may claim an attempt."""

    EXECUTOR = "executor"
    SCHEDULER = "scheduler"


class MaterialKind(StrEnum):
    """What a task brings along."""

    FILES = "files"
    TOOL = "tool"
    INPUT = "input"


class PlaceKind(StrEnum):
    """What runs the tasks of a place: a Lambda function, containers on Fargate, or workers on
    machines of the user's own."""

    LAMBDA = "lambda"
    FARGATE = "fargate"
    WORKER = "worker"


class PreviewKind(StrEnum):
    """How an artifact can be shown without downloading it."""

    PLAIN = "plain"
    CSV = "csv"
    JSON = "json"
    IMAGE = "image"
    NONE = "none"


class RunType(StrEnum):
    """What created a run: the schedule, a user or the API, a backfill, or a task of another run."""

    SCHEDULED = "scheduled"
    MANUAL = "manual"
    BACKFILL = "backfill"
    TRIGGERED = "triggered"


class OverlapPolicy(StrEnum):
    """What happens to a new run while `max_active_runs` are active; `replace` cancels the oldest of
    them."""

    QUEUE = "queue"
    SKIP = "skip"
    REPLACE = "replace"


class TriggerRule(StrEnum):
    """When a task may run, by how the tasks that it depends on ended. Airflow's names."""

    ALL_SUCCESS = "all_success"
    ALL_FAILED = "all_failed"
    ALL_DONE = "all_done"
    ALL_SKIPPED = "all_skipped"
    ONE_SUCCESS = "one_success"
    ONE_FAILED = "one_failed"
    ONE_DONE = "one_done"
    NONE_FAILED = "none_failed"
    NONE_FAILED_MIN_ONE_SUCCESS = "none_failed_min_one_success"
    NONE_SKIPPED = "none_skipped"
    ALWAYS = "always"


class BackfillState(StrEnum):
    """`done`: every date has been looked at."""

    RUNNING = "running"
    PAUSED = "paused"
    CANCELLED = "cancelled"
    DONE = "done"


class Reprocess(StrEnum):
    """Which existing runs a backfill runs again."""

    NONE = "none"
    FAILED = "failed"
    ALL = "all"


class NotificationEvent(StrEnum):
    """What a notification reports: how a run or an attempt ended, or a problem of the installation.
    `partial_success`: the run succeeded although a task failed; `resolved`: a problem is over."""

    SUCCESS = "success"
    PARTIAL_SUCCESS = "partial_success"
    FAILURE = "failure"
    RETRY = "retry"
    BROKEN_FILE = "broken_file"
    FAILING_TICK = "failing_tick"
    DEAD_LETTER = "dead_letter"
    RESOLVED = "resolved"


RESOLVING_EVENTS = frozenset({NotificationEvent.SUCCESS, NotificationEvent.RESOLVED})
"""Those that end what another one began."""


class NotificationState(StrEnum):
    """`failed`: given up."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class Role(StrEnum):
    """What a caller of the API may do: read, or also change."""

    VIEWER = "viewer"
    OPERATOR = "operator"


class AuthMode(StrEnum):
    """How the API knows its callers."""

    TOKEN = "token"  # noqa: S105 - a word, not a secret
    IAM = "iam"
    NONE = "none"


class HealthStatus(StrEnum):
    """`degraded`: the last tick is older than three minutes, or a queue does not answer."""

    OK = "ok"
    DEGRADED = "degraded"


class CostBasis(StrEnum):
    """`billed`: by Lambda's own figures; `estimated`: by the time that it took elsewhere."""

    BILLED = "billed"
    ESTIMATED = "estimated"
    PARTLY_ESTIMATED = "partly estimated"


class RunAction(StrEnum):
    """What a user may do to a run."""

    CANCEL = "cancel"
    CLEAR = "clear"
    RETRY = "retry"
    RERUN = "rerun"
    NOTE = "note"
    ACKNOWLEDGE = "acknowledge"
    UNACKNOWLEDGE = "unacknowledge"


class BulkAction(StrEnum):
    """What a user may do to many runs at once: some of `RunAction`."""

    CLEAR = "clear"
    RETRY = "retry"
    CANCEL = "cancel"
    ACKNOWLEDGE = "acknowledge"


class TaskAction(StrEnum):
    """What a user may do to a task instance."""

    CANCEL = "cancel"
    CLEAR = "clear"
    MARK_SUCCESS = "mark_success"
    MARK_FAILED = "mark_failed"
    MARK_SKIPPED = "mark_skipped"


class BackfillAction(StrEnum):
    """What a user may do to a backfill. `stop_running`: end the runs that a cancelled one left."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"
    STOP_RUNNING = "stop_running"


class WarningCode(StrEnum):
    """What a warning about a DAG file is about. The file is registered all the same."""

    VALUE_EVALUATED = "value_evaluated"
    """A command evaluates a variable that holds what a run was given."""

    VALUE_IN_CODE = "value_in_code"
    """A command runs code that a run's value was put into."""

    NOT_ON_LAMBDA = "not_on_lambda"
    """A command calls a program that Lambda's image lacks and nothing brings along."""

    ROUNDED_UP = "rounded_up"
    """A place sells no such amount of memory or vCPUs, but the next larger one."""

    TARGET_IN_FILE = "target_in_file"
    """A notification's target is a secret, and stands in the file."""

    UNKNOWN_POOL = "unknown_pool"
    """A task needs a pool that does not exist."""

    NEVER_FIRES = "never_fires"
    """The schedule has no fire time left."""

    UNUSED_PARAM = "unused_param"
    """Nothing in the file uses a param."""

    LIMIT_EXCEEDS_INTERVAL = "limit_exceeds_interval"
    """A time limit is longer than the time from one scheduled run to the next."""


class WaitingCode(StrEnum):
    """Why a run or a task that has not ended does not go on right now."""

    # runs
    NOT_BEFORE = "not_before"
    PAUSED = "paused"
    MAX_ACTIVE_RUNS = "max_active_runs"
    DAG_REMOVED = "dag_removed"
    STOPPING = "stopping"
    # tasks before they are ready
    RUN_NOT_STARTED = "run_not_started"
    UPSTREAM = "upstream"
    DEPENDS_ON_PAST = "depends_on_past"
    EXPANDING = "expanding"
    # tasks that are ready
    MAX_ACTIVE_TASKS = "max_active_tasks"
    MAX_ACTIVE_TIS_PER_DAGRUN = "max_active_tis_per_dagrun"
    POOL_FULL = "pool_full"
    POOL_MISSING = "pool_missing"
    POOL_TOO_SMALL = "pool_too_small"
    # tasks that have had, or are in, an attempt
    EXECUTOR = "executor"
    WORKER = "worker"
    STARTING = "starting"
    RETRY_DELAY = "retry_delay"
    POKE_INTERVAL = "poke_interval"
    TRIGGERED_RUN = "triggered_run"
    # nothing but the next transaction of the scheduler
    SCHEDULER = "scheduler"


GROWING: tuple[type[StrEnum], ...] = (
    Outcome,
    RunType,
    BackfillState,
    Reprocess,
    NotificationEvent,
    NotificationState,
    Role,
)
"""Stored words that a later version may add to. The schema does not list them, and code of the
version before reads an unknown one as the plain text that it is."""


def read_word(enum: type[E], text: str) -> E:
    """The member for a stored word. Of a growing set an unknown word is returned as it is. Raises
    ValueError for an unknown word of any other set."""
    member = enum._value2member_map_.get(text)
    if member is not None:
        return member  # type: ignore[return-value]
    if enum in GROWING:
        return text  # type: ignore[return-value]
    return enum(text)


def words(enum: type[StrEnum]) -> tuple[str, ...]:
    """The words as plain strings, in their order."""
    return tuple(member.value for member in enum)
