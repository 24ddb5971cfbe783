-- Workers that have reported, each by its own name. `reported_at` is by the worker's clock and orders its reports;
-- `seen_at` is when the last one was applied. `has_left` is set by a worker that ends.
CREATE TABLE workers (
    name        TEXT PRIMARY KEY,
    queue       TEXT NOT NULL,
    parallelism INTEGER NOT NULL,
    running     INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    reported_at INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,
    has_left    INTEGER NOT NULL DEFAULT 0 CHECK (has_left IN (0, 1))
) STRICT;

CREATE INDEX workers_by_queue ON workers (queue, seen_at);
CREATE INDEX workers_by_time ON workers (seen_at);
