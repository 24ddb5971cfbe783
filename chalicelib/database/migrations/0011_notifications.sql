-- The line of its log that most likely tells why an attempt failed; empty where none does.
ALTER TABLE attempts ADD COLUMN cause TEXT NOT NULL DEFAULT '';

-- A notification about the installation itself has an empty dag_id and run_id. The first index finds what was last sent
-- about a DAG, the second how many were sent about the installation lately.
CREATE INDEX notifications_by_dag ON notifications (dag_id, kind, id);
CREATE INDEX notifications_of_installation ON notifications (created_at) WHERE dag_id = '';
