-- What has ended since metrics are counted, added up by the tick, so that a scrape reads few rows whatever the
-- history. `dag_id` is empty for what is counted of all DAGs together, and '_other' for the DAGs beyond those that
-- have rows of their own. `buckets` counts values up to the bounds of a histogram: [3, 5, 5].
CREATE TABLE metric_totals (
    dag_id  TEXT NOT NULL,
    metric  TEXT NOT NULL,
    label   TEXT NOT NULL,
    count   INTEGER NOT NULL,
    total   REAL NOT NULL,
    buckets TEXT NOT NULL DEFAULT '[]',
    PRIMARY KEY (dag_id, metric, label)
) STRICT, WITHOUT ROWID;
