"""What a run or a task may wait for: the codes of `waiting_for` in the API."""

from __future__ import annotations

from enum import StrEnum


class WaitingCode(StrEnum):
    """Why something that has not ended does not go on right now."""

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
    RETRY_DELAY = "retry_delay"
    POKE_INTERVAL = "poke_interval"
    TRIGGERED_RUN = "triggered_run"
    # nothing but the next transaction of the scheduler
    SCHEDULER = "scheduler"
