-- Times are INTEGER microseconds since 1970-01-01T00:00:00Z. Lists and objects are JSON text.

-- One object of the dags bucket, as last read. `dag_id` is the DAG that it holds (the last one that it
-- held, while it is broken); NULL if it never held one, or if another file holds that dag_id.
CREATE TABLE dag_files (
    file_key   TEXT PRIMARY KEY,
    etag       TEXT NOT NULL,
    dag_id     TEXT UNIQUE,
    read_at    INTEGER NOT NULL
) STRICT;

-- Why a file could not be registered: [{"line", "column", "path", "message"}]. At most one row a file.
-- `wanted_dag_id` is set where the only fault is that another file holds that DAG.
CREATE TABLE import_errors (
    file_key      TEXT PRIMARY KEY REFERENCES dag_files (file_key) ON DELETE CASCADE,
    problems      TEXT NOT NULL,
    wanted_dag_id TEXT,
    recorded_at   INTEGER NOT NULL
) STRICT;

-- One registered DAG. Its definition is the row of dag_versions that `version_id` names; what is
-- repeated here serves the lists and the tick. `next_fire_at` is NULL while nothing is to come.
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
    is_paused        INTEGER NOT NULL DEFAULT 0 CHECK (is_paused IN (0, 1)),
    next_fire_at     INTEGER,
    created_at       INTEGER NOT NULL,
    updated_at       INTEGER NOT NULL,
    removed_at       INTEGER,
    CHECK (next_fire_at IS NULL OR (is_paused = 0 AND removed_at IS NULL))
) STRICT;

CREATE INDEX dags_by_version ON dags (version_id);
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
    source     TEXT NOT NULL,
    compiled   TEXT NOT NULL,
    UNIQUE (dag_id, version)
) STRICT;

-- One run. `admitted_at` is when it was given one of its DAG's max_active_runs slots; it keeps it until
-- `ended_at`. No task of it starts before `not_before`.
CREATE TABLE runs (
    id                  INTEGER PRIMARY KEY AUTOINCREMENT,
    run_id              TEXT NOT NULL UNIQUE,
    dag_id              TEXT NOT NULL,
    version_id          INTEGER NOT NULL REFERENCES dag_versions (id),
    run_type            TEXT NOT NULL CHECK (run_type IN ('scheduled', 'manual')),
    state               TEXT NOT NULL CHECK (state IN ('queued', 'running', 'success', 'failed', 'cancelled')),
    logical_date        INTEGER NOT NULL,
    data_interval_start INTEGER NOT NULL,
    data_interval_end   INTEGER NOT NULL,
    not_before          INTEGER NOT NULL,
    idempotency_key     TEXT,
    note                TEXT,
    reason              TEXT NOT NULL DEFAULT '',
    created_at          INTEGER NOT NULL,
    admitted_at         INTEGER,
    started_at          INTEGER,
    ended_at            INTEGER,
    UNIQUE (dag_id, logical_date),
    CHECK ((ended_at IS NULL) = (state IN ('queued', 'running'))),
    CHECK (state <> 'running' OR admitted_at IS NOT NULL)
) STRICT;

CREATE UNIQUE INDEX runs_idempotency ON runs (dag_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX runs_waiting  ON runs (dag_id, not_before) WHERE admitted_at IS NULL AND ended_at IS NULL;
CREATE INDEX runs_admitted ON runs (dag_id) WHERE admitted_at IS NOT NULL AND ended_at IS NULL;
CREATE INDEX runs_by_dag   ON runs (dag_id, id);
CREATE INDEX runs_by_state ON runs (state, id);
CREATE INDEX runs_by_version ON runs (version_id);
CREATE INDEX runs_ended    ON runs (ended_at) WHERE ended_at IS NOT NULL;

-- One task of one run, as it stands now. `try_number` counts the attempts that were ever queued; the
-- columns from `queued_at` on speak of the latest attempt. `due_at` is when the tick must act if nothing was heard:
-- send the message again (queued), declare the attempt lost (running), queue the next attempt
-- (up_for_retry); NULL where nothing can be due. The legal moves of `state` stand in dag/states.py.
CREATE TABLE task_instances (
    id           INTEGER PRIMARY KEY,
    run_key      INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    dag_id       TEXT NOT NULL,
    task_id      TEXT NOT NULL,
    map_index    INTEGER NOT NULL DEFAULT -1,
    state        TEXT NOT NULL DEFAULT 'none' CHECK (state IN (
        'none', 'scheduled', 'queued', 'running', 'success', 'failed', 'up_for_retry',
        'up_for_reschedule', 'upstream_failed', 'skipped', 'cancelled')),
    try_number   INTEGER NOT NULL DEFAULT 0,
    due_at       INTEGER,
    sends        INTEGER NOT NULL DEFAULT 0,
    queued_at    INTEGER,
    not_before   INTEGER,
    started_at   INTEGER,
    heartbeat_at INTEGER,
    ended_at     INTEGER,
    exit_code    INTEGER,
    signal       INTEGER,
    max_rss      INTEGER,
    log_bytes    INTEGER,
    reason       TEXT NOT NULL DEFAULT '',
    UNIQUE (run_key, task_id, map_index),
    CHECK (due_at IS NULL OR state IN ('queued', 'running', 'up_for_retry', 'up_for_reschedule')),
    CHECK (state NOT IN ('queued', 'running') OR try_number > 0)
) STRICT;

CREATE INDEX task_instances_by_dag  ON task_instances (dag_id, id);
CREATE INDEX task_instances_by_task ON task_instances (task_id, id);
CREATE INDEX task_instances_notable ON task_instances (state, id) WHERE state <> 'success';
CREATE INDEX task_instances_due     ON task_instances (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX task_instances_slots   ON task_instances (dag_id, state, id) WHERE state IN ('scheduled', 'queued', 'running');

-- The history: one row per attempt that ended, written in the transaction that ended it. Its primary key is
-- the guarantee that an attempt has one result.
CREATE TABLE attempts (
    task_instance_id INTEGER NOT NULL REFERENCES task_instances (id) ON DELETE CASCADE,
    try_number       INTEGER NOT NULL,
    outcome          TEXT NOT NULL CHECK (outcome IN ('success', 'failed', 'timeout', 'cancelled', 'lost')),
    queued_at        INTEGER,
    started_at       INTEGER,
    ended_at         INTEGER NOT NULL,
    exit_code        INTEGER,
    signal           INTEGER,
    max_rss          INTEGER,
    log_bytes        INTEGER,
    reason           TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (task_instance_id, try_number)
) STRICT, WITHOUT ROWID;

-- What each tick did: {"runs_made": 3, ...} and what went wrong: ["..."].
CREATE TABLE ticks (
    id          INTEGER PRIMARY KEY,
    started_at  INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    did         TEXT NOT NULL,
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

-- Small facts with a name, such as when the bucket was last compared.
CREATE TABLE facts (
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
