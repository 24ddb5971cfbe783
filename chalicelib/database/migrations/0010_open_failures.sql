-- How many tasks had failed when the run ended: it may have succeeded all the same.
ALTER TABLE runs ADD COLUMN failed_tasks INTEGER NOT NULL DEFAULT 0;

-- Who acknowledged that tasks of a successful run failed; a CHECK keeps `acknowledged_at` to failed runs.
ALTER TABLE runs ADD COLUMN success_acknowledged_at INTEGER;
ALTER TABLE runs ADD COLUMN success_acknowledged_by TEXT;
ALTER TABLE runs ADD COLUMN success_acknowledged_note TEXT;

CREATE INDEX runs_active ON runs (dag_id, state, backfill_id) WHERE ended_at IS NULL;

-- The runs that need attention: those that failed, or succeeded although a task failed, since their DAG last
-- succeeded, and that nobody has acknowledged. The latest hundred of each DAG. Triggers keep it, so that the code of
-- the version before, which still runs during a deployment, loses no failure.
CREATE TABLE open_failures (
    dag_id  TEXT NOT NULL,
    run_key INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    PRIMARY KEY (dag_id, run_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX open_failures_by_run ON open_failures (run_key);

INSERT INTO open_failures (dag_id, run_key)
SELECT f.dag_id, f.id
FROM (SELECT id, dag_id, ended_at, acknowledged_at,
             row_number() OVER (PARTITION BY dag_id ORDER BY id DESC) AS number
      FROM runs WHERE state = 'failed') f
WHERE f.number <= 100 AND f.acknowledged_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM runs s
                  WHERE s.dag_id = f.dag_id AND s.ended_at IS NOT NULL AND s.ended_at > f.ended_at
                    AND (s.state = 'success' OR s.acknowledged_at IS NOT NULL));

CREATE TRIGGER run_ended AFTER UPDATE OF state ON runs
WHEN NEW.state IN ('success', 'failed') AND OLD.state <> NEW.state
BEGIN
    DELETE FROM open_failures WHERE dag_id = NEW.dag_id AND NEW.state = 'success';
    INSERT OR IGNORE INTO open_failures (dag_id, run_key)
        SELECT NEW.dag_id, NEW.id WHERE NEW.state = 'failed' OR NEW.failed_tasks > 0;
    DELETE FROM open_failures WHERE dag_id = NEW.dag_id AND run_key <= (
        SELECT run_key FROM open_failures WHERE dag_id = NEW.dag_id
        ORDER BY run_key DESC LIMIT 1 OFFSET 100);
END;

-- Runs begin `queued`; one that is inserted with its end, as an import does, counts too.
CREATE TRIGGER run_inserted AFTER INSERT ON runs
WHEN NEW.state IN ('success', 'failed')
BEGIN
    DELETE FROM open_failures WHERE dag_id = NEW.dag_id AND NEW.state = 'success';
    INSERT OR IGNORE INTO open_failures (dag_id, run_key)
        SELECT NEW.dag_id, NEW.id
        WHERE (NEW.state = 'failed' OR NEW.failed_tasks > 0) AND NEW.acknowledged_at IS NULL;
    DELETE FROM open_failures WHERE dag_id = NEW.dag_id AND run_key <= (
        SELECT run_key FROM open_failures WHERE dag_id = NEW.dag_id
        ORDER BY run_key DESC LIMIT 1 OFFSET 100);
END;

CREATE TRIGGER run_reopened AFTER UPDATE OF state ON runs
WHEN NEW.state = 'queued' AND OLD.state IN ('success', 'failed')
BEGIN
    DELETE FROM open_failures WHERE dag_id = NEW.dag_id AND run_key = NEW.id;
END;

CREATE TRIGGER failure_acknowledged AFTER UPDATE OF acknowledged_at, success_acknowledged_at ON runs
WHEN coalesce(NEW.acknowledged_at, NEW.success_acknowledged_at) IS NOT NULL
BEGIN
    DELETE FROM open_failures WHERE dag_id = NEW.dag_id AND run_key IN (
        SELECT r.id FROM open_failures f CROSS JOIN runs r ON r.id = f.run_key
        WHERE f.dag_id = NEW.dag_id AND r.ended_at <= NEW.ended_at);
END;

CREATE TRIGGER acknowledgement_withdrawn AFTER UPDATE OF acknowledged_at, success_acknowledged_at ON runs
WHEN NEW.ended_at IS NOT NULL AND coalesce(NEW.acknowledged_at, NEW.success_acknowledged_at) IS NULL
    AND coalesce(OLD.acknowledged_at, OLD.success_acknowledged_at) IS NOT NULL
BEGIN
    INSERT OR IGNORE INTO open_failures (dag_id, run_key) VALUES (NEW.dag_id, NEW.id);
END;
