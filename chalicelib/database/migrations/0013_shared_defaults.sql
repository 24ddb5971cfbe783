-- What was last valid of each `_defaults.yaml`. `folder` is the folder of the bucket that it is in.
CREATE TABLE defaults_files (
    file_key TEXT PRIMARY KEY,
    folder   TEXT NOT NULL,
    source   TEXT NOT NULL,
    read_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX defaults_files_by_folder ON defaults_files (folder);

-- The `_defaults.yaml` that defines the pool; NULL where a user did.
ALTER TABLE pools ADD COLUMN file_key TEXT;

-- The DAGs of a file after its first one, which `dag_files` has.
CREATE TABLE further_dags (
    dag_id   TEXT PRIMARY KEY,
    file_key TEXT NOT NULL REFERENCES dag_files (file_key) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX further_dags_by_file ON further_dags (file_key);
