-- Runs of a range of dates; those that failed have an index of their own, because few of the many do.
CREATE INDEX runs_by_date ON runs (logical_date, id);
CREATE INDEX runs_failed_by_date ON runs (logical_date, id, state) WHERE state = 'failed';

-- Runs by what started them. Most are scheduled, and found by other means.
CREATE INDEX runs_by_type ON runs (run_type, id) WHERE run_type <> 'scheduled';

-- Failed tasks of a run, the first first: the cause of its failure.
CREATE INDEX task_instances_failed ON task_instances (run_key, ended_at) WHERE state = 'failed' AND removed_at IS NULL;
