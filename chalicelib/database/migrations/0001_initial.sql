-- Times are INTEGER microseconds since 1970-01-01T00:00:00Z. Lists and objects are JSON text.
--
-- This file is frozen: databases have been made from it. README.md beside it says how to change the schema.
-- A CHECK stands on what will never grow: booleans, bounds, the states that have a table of transitions. Other
-- closed sets of words (chalicelib/enums.py) have none, because a CHECK cannot be altered by a migration that
-- only adds.

-- One object of the dags bucket, as last read. `dag_id` is the DAG that it holds (the last one that it
-- held, while it is broken); NULL if it never held one, or if another file holds that dag_id.
CREATE TABLE dag_files (
    file_key TEXT PRIMARY KEY,
    etag     TEXT NOT NULL,
    dag_id   TEXT UNIQUE,
    read_at  INTEGER NOT NULL
) STRICT;

-- Why a file could not be registered: [{"line", "column", "path", "message"}]. At most one row a file.
-- `wanted_dag_id` is set where the only fault is that another file holds that DAG.
CREATE TABLE import_errors (
    file_key      TEXT PRIMARY KEY REFERENCES dag_files (file_key) ON DELETE CASCADE,
    problems      TEXT NOT NULL,
    lines         TEXT NOT NULL,
    wanted_dag_id TEXT,
    recorded_at   INTEGER NOT NULL
) STRICT;

-- One registered DAG. Its definition is the row of dag_versions that `version_id` names; what is
-- repeated here serves the lists and the tick. `next_fire_at` is NULL while nothing is to come;
-- `next_fire_set_at` is when it was worked out. Runs that failed before `unpaused_at` do not count for pausing it again.
-- `warnings` are those of its file as last read: [{"line", "column", "path", "code", "message"}].
CREATE TABLE dags (
    dag_id           TEXT PRIMARY KEY,
    file_key         TEXT NOT NULL,
    version_id       INTEGER NOT NULL REFERENCES dag_versions (id),
    name             TEXT NOT NULL,
    description      TEXT,
    owner            TEXT,
    tags             TEXT NOT NULL DEFAULT '[]',
    schedule         TEXT NOT NULL DEFAULT '[]',
    timezone         TEXT NOT NULL DEFAULT 'UTC',
    max_active_runs  INTEGER NOT NULL CHECK (max_active_runs > 0),
    max_active_tasks INTEGER NOT NULL CHECK (max_active_tasks > 0),
    retention_days   INTEGER,
    is_paused        INTEGER NOT NULL DEFAULT 0 CHECK (is_paused IN (0, 1)),
    paused_reason    TEXT,
    next_fire_at     INTEGER,
    next_fire_set_at INTEGER,
    unpaused_at      INTEGER,
    warnings         TEXT NOT NULL DEFAULT '[]',
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    removed_at       INTEGER,
    CHECK (next_fire_at IS NULL OR (is_paused = 0 AND removed_at IS NULL))
) STRICT;

CREATE INDEX dags_by_version ON dags (version_id);
CREATE INDEX dags_with_retention ON dags (dag_id) WHERE retention_days IS NOT NULL;
CREATE INDEX dags_with_warnings ON dags (dag_id) WHERE warnings <> '[]' AND removed_at IS NULL;
CREATE INDEX dags_due ON dags (next_fire_at) WHERE next_fire_at IS NOT NULL;

CREATE TABLE dag_tags (
    tag    TEXT NOT NULL,
    dag_id TEXT NOT NULL REFERENCES dags (dag_id) ON DELETE CASCADE,
    PRIMARY KEY (tag, dag_id)
) STRICT, WITHOUT ROWID;

-- Every definition that was ever active and that a run may be pinned to. Never updated.
CREATE TABLE dag_versions (
    id         INTEGER PRIMARY KEY,
    dag_id     TEXT NOT NULL,
    version    INTEGER NOT NULL,
    file_key   TEXT NOT NULL,
    etag       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    digest     TEXT NOT NULL,
    source     TEXT NOT NULL,
    compiled   TEXT NOT NULL,
    UNIQUE (dag_id, version)
) STRICT;

-- A range of fire times to run. `next_date` is the first that has not been looked at; `counts` says what
-- became of those that have: {"made": 3, "cleared": 1, "left": 2, "refused": 0}.
CREATE TABLE backfills (
    id                    INTEGER PRIMARY KEY AUTOINCREMENT,
    dag_id                TEXT NOT NULL,
    from_date             INTEGER NOT NULL,
    to_date               INTEGER NOT NULL,
    next_date             INTEGER,
    is_reverse            INTEGER NOT NULL DEFAULT 0 CHECK (is_reverse IN (0, 1)),
    reprocess             TEXT NOT NULL,
    run_on_latest_version INTEGER NOT NULL DEFAULT 1 CHECK (run_on_latest_version IN (0, 1)),
    max_active_runs       INTEGER NOT NULL CHECK (max_active_runs > 0),
    state                 TEXT NOT NULL,
    counts                TEXT NOT NULL DEFAULT '{}',
    reason                TEXT NOT NULL DEFAULT '',
    created_at            INTEGER NOT NULL,
    ended_at              INTEGER
) STRICT;

CREATE INDEX backfills_active ON backfills (dag_id) WHERE state = 'running';

-- One run. `stopping` is how it will end once nothing of it is in flight: a user cancelled it, or it ran past
-- `timeout_at`. `parent_task_id` is the task instance that triggered it and waits for it; `ancestry` the dag_ids
-- of the runs that led to it, so that a cycle is noticed. `admitted_at` is when it got one of its DAG's
-- max_active_runs slots, which it keeps until `ended_at`. A pause of the schedule does not hold a run that a user
-- reopened (`reopened_at`). No task of it starts before `not_before`. `acknowledged_at`: a user has acknowledged
-- its failure; cleared when it runs again. `is_being_removed`: it is so old that parts of it may be gone; it never
-- runs again.
CREATE TABLE runs (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id              TEXT NOT NULL UNIQUE,
    dag_id              TEXT NOT NULL,
    version_id          INTEGER NOT NULL REFERENCES dag_versions (id),
    run_type            TEXT NOT NULL,
    state               TEXT NOT NULL CHECK (state IN ('queued', 'running', 'success', 'failed', 'cancelled')),
    logical_date        INTEGER NOT NULL,
    data_interval_start INTEGER NOT NULL,
    data_interval_end   INTEGER NOT NULL,
    not_before          INTEGER NOT NULL,
    params              TEXT NOT NULL DEFAULT '{}',
    idempotency_key     TEXT,
    note                TEXT,
    reason              TEXT NOT NULL DEFAULT '',
    backfill_id         INTEGER REFERENCES backfills (id),
    parent_task_id      INTEGER,
    ancestry            TEXT NOT NULL DEFAULT '[]',
    stopping            TEXT CHECK (stopping IN ('failed', 'cancelled')),
    timeout_at          INTEGER,
    created_at          INTEGER NOT NULL,
    admitted_at         INTEGER,
    reopened_at         INTEGER,
    started_at          INTEGER,
    ended_at            INTEGER,
    acknowledged_at     INTEGER,
    acknowledged_by     TEXT,
    acknowledged_note   TEXT,
    is_being_removed    INTEGER NOT NULL DEFAULT 0 CHECK (is_being_removed IN (0, 1)),
    UNIQUE (dag_id, logical_date),
    CHECK ((ended_at IS NULL) = (state IN ('queued', 'running'))),
    CHECK (acknowledged_at IS NULL OR state = 'failed'),
    CHECK (state <> 'running' OR admitted_at IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX runs_idempotency ON runs (dag_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_waiting ON runs (dag_id, not_before) WHERE admitted_at IS NULL AND ended_at IS NULL;
CREATE INDEX runs_admitted ON runs (dag_id) WHERE admitted_at IS NOT NULL AND ended_at IS NULL;
CREATE INDEX runs_timeout ON runs (timeout_at) WHERE timeout_at IS NOT NULL AND ended_at IS NULL;
CREATE INDEX runs_backfill ON runs (backfill_id) WHERE backfill_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX runs_parent ON runs (parent_task_id) WHERE parent_task_id IS NOT NULL;
CREATE INDEX runs_by_dag ON runs (dag_id, id);
CREATE INDEX runs_by_state ON runs (state, id);
CREATE INDEX runs_by_version ON runs (version_id);
CREATE INDEX runs_ended ON runs (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX runs_ended_by_dag ON runs (dag_id, ended_at) WHERE ended_at IS NOT NULL;

-- One task of one run, as it stands now. An expanded task has a row for each mapped instance (`map_index` from 0,
-- its `item` as JSON); until they are created, a row with map_index -1 stands for them, and `mapped_count` counts
-- those created so far. `removed_at` is when the run took a version of its DAG that has no such task or mapped
-- instance: from then on the row is history and decides nothing. `try_number` counts the attempts that were ever
-- queued, `tries_before` those before the task was last cleared, which do not count as retries. `poke` counts how
-- often a sensor was asked again in this attempt, until `poke_until`; `poke_billed_ms` is what its answers so far
-- have cost. The columns from `queued_at` on belong to the latest attempt; `version` is the version of the DAG
-- that it was queued with. `due_at` is when the tick must act if nothing was heard: send the message again
-- (queued), declare the attempt lost (running), queue the next attempt (up_for_retry); NULL where nothing can be
-- due. The legal transitions of `state` are in dag/states.py.
CREATE TABLE task_instances (
    id             INTEGER PRIMARY KEY,
    run_key        INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    dag_id         TEXT NOT NULL,
    task_id        TEXT NOT NULL,
    map_index      INTEGER NOT NULL DEFAULT -1,
    state          TEXT NOT NULL DEFAULT 'none' CHECK (state IN (
        'none', 'scheduled', 'queued', 'running', 'success', 'failed', 'up_for_retry',
        'up_for_reschedule', 'upstream_failed', 'skipped', 'cancelled')),
    try_number     INTEGER NOT NULL DEFAULT 0,
    poke           INTEGER NOT NULL DEFAULT 0,
    poke_until     INTEGER,
    poke_billed_ms INTEGER NOT NULL DEFAULT 0,
    tries_before   INTEGER NOT NULL DEFAULT 0,
    item           TEXT,
    mapped_count   INTEGER,
    version        INTEGER,
    removed_at     INTEGER,
    pool           TEXT,
    pool_slots     INTEGER NOT NULL DEFAULT 1,
    priority       INTEGER NOT NULL DEFAULT 1,
    due_at         INTEGER,
    sends          INTEGER NOT NULL DEFAULT 0,
    queued_at      INTEGER,
    not_before     INTEGER,
    started_at     INTEGER,
    heartbeat_at   INTEGER,
    ended_at       INTEGER,
    exit_code      INTEGER,
    signal         INTEGER,
    max_rss_bytes  INTEGER,
    log_bytes      INTEGER,
    reason         TEXT NOT NULL DEFAULT '',
    UNIQUE (run_key, task_id, map_index),
    CHECK (due_at IS NULL OR state IN ('queued', 'running', 'up_for_retry', 'up_for_reschedule')),
    CHECK (state NOT IN ('queued', 'running') OR try_number > 0)
) STRICT;

CREATE INDEX task_instances_by_dag ON task_instances (dag_id, id);
CREATE INDEX task_instances_by_task ON task_instances (task_id, id);
CREATE INDEX task_instances_by_state ON task_instances (state, id) WHERE state <> 'success';
CREATE INDEX task_instances_due ON task_instances (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX task_instances_expanding ON task_instances (id) WHERE mapped_count IS NOT NULL AND state = 'none';
CREATE INDEX task_instances_waiting_for_run ON task_instances (id) WHERE state = 'running' AND sends = 0;
CREATE INDEX task_instances_pool ON task_instances (pool, state, priority DESC, id) WHERE pool IS NOT NULL AND state IN ('scheduled', 'queued', 'running');
CREATE INDEX task_instances_slots ON task_instances (dag_id, state, priority DESC, id) WHERE state IN ('scheduled', 'queued', 'running');

-- The history: one row per attempt that ended, written in the transaction that ended it. Its primary key is
-- the guarantee that an attempt has one result. `version` is that of the DAG, by number, not by key: old versions are
-- removed, attempts stay.
CREATE TABLE attempts (
    task_instance_id INTEGER NOT NULL REFERENCES task_instances (id) ON DELETE CASCADE,
    try_number       INTEGER NOT NULL,
    version          INTEGER,
    outcome          TEXT NOT NULL,
    queued_at        INTEGER,
    started_at       INTEGER,
    ended_at         INTEGER NOT NULL,
    exit_code        INTEGER,
    signal           INTEGER,
    max_rss_bytes    INTEGER,
    log_bytes        INTEGER,
    pokes            INTEGER NOT NULL DEFAULT 0,
    billed_ms        INTEGER,
    memory_mb        INTEGER,
    reason           TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (task_instance_id, try_number)
) STRICT, WITHOUT ROWID;

-- Logs too short to be worth an object in the bucket. Not a column of `attempts`, which is summed over.
CREATE TABLE short_logs (
    task_instance_id INTEGER NOT NULL,
    try_number       INTEGER NOT NULL,
    log              TEXT NOT NULL,
    PRIMARY KEY (task_instance_id, try_number),
    FOREIGN KEY (task_instance_id, try_number) REFERENCES attempts (task_instance_id, try_number) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What a task instance wrote to $DAG_OUTPUT when it last succeeded: {"name": value}.
CREATE TABLE task_outputs (
    task_instance_id INTEGER PRIMARY KEY REFERENCES task_instances (id) ON DELETE CASCADE,
    outputs          TEXT NOT NULL
) STRICT;

-- A limit across DAGs, set by users.
CREATE TABLE pools (
    name        TEXT PRIMARY KEY,
    slots       INTEGER NOT NULL CHECK (slots >= 0),
    description TEXT NOT NULL DEFAULT '',
    updated_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Attempts in flight that must be stopped. The claim or the marker is written after the commit, and once more by the
-- tick, because the process may die in between.
CREATE TABLE stop_requests (
    attempt      TEXT PRIMARY KEY,
    requested_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages to users that must be delivered at least once. `due_at` is when to send (again); NULL once delivered or
-- given up.
CREATE TABLE notifications (
    id         INTEGER PRIMARY KEY,
    dag_id     TEXT NOT NULL,
    run_id     TEXT NOT NULL,
    task_id    TEXT,
    event      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    target     TEXT NOT NULL,
    payload    TEXT NOT NULL,
    state      TEXT NOT NULL DEFAULT 'pending',
    sends      INTEGER NOT NULL DEFAULT 0,
    reason     TEXT NOT NULL DEFAULT '',
    created_at INTEGER NOT NULL,
    due_at     INTEGER,
    CHECK (due_at IS NULL OR state = 'pending')
) STRICT;

CREATE INDEX notifications_due ON notifications (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX notifications_by_run ON notifications (run_id);

-- Who changed what through the API. Rows are added, never changed.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY,
    at      INTEGER NOT NULL,
    who     TEXT NOT NULL,
    action  TEXT NOT NULL,
    target  TEXT NOT NULL,
    details TEXT NOT NULL DEFAULT '{}'
) STRICT;

-- Who may use the API. Of a token only the SHA-256 is kept.
CREATE TABLE access_tokens (
    id           INTEGER PRIMARY KEY,
    name         TEXT NOT NULL UNIQUE,
    role         TEXT NOT NULL,
    sha256       TEXT NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;

-- What each tick did: {"runs_created": 3, ...} and what went wrong: ["..."].
CREATE TABLE ticks (
    id          INTEGER PRIMARY KEY,
    started_at  INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    counts      TEXT NOT NULL,
    errors      TEXT NOT NULL DEFAULT '[]'
) STRICT;

-- Messages that could not be applied, set aside so that their neighbours could be.
CREATE TABLE dead_letters (
    id          INTEGER PRIMARY KEY,
    queue       TEXT NOT NULL,
    body        TEXT NOT NULL,
    reason      TEXT NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;

-- Tasks that an administrator sent through queues, executor and bucket to see whether they work. They
-- belong to no DAG; `result` is the executor's report, NULL until it has come back.
CREATE TABLE self_tests (
    id         INTEGER PRIMARY KEY,
    run_id     TEXT NOT NULL UNIQUE,
    started_at INTEGER NOT NULL,
    result     TEXT,
    applied_at INTEGER
) STRICT;

-- Items that the scheduler skipped because handling them raised: how often, and since when. An item that succeeds
-- later is removed from here; one that never does is ended with this reason.
CREATE TABLE skipped (
    item     TEXT PRIMARY KEY,
    dag_id   TEXT,
    reason   TEXT NOT NULL,
    times    INTEGER NOT NULL DEFAULT 1,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX skipped_of_dag ON skipped (dag_id, last_at) WHERE dag_id IS NOT NULL;

-- Named values, such as when the bucket was last compared.
CREATE TABLE metadata (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The last few thousand write transactions, so that "did that commit happen?" has an answer after an I/O
-- error. `seq` moves by one in each: a number missing or repeated in the logs is a lost update.
CREATE TABLE commits (
    seq          INTEGER PRIMARY KEY,
    batch_id     TEXT NOT NULL,
    committed_at INTEGER NOT NULL
) STRICT;
