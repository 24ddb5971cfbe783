-- What a task instance left when it last succeeded. The object is in the runs bucket, under the key
-- of its attempt; size and SHA-256 are the object's: that of a folder is a tar archive.
CREATE TABLE artifacts (
    task_instance_id INTEGER NOT NULL REFERENCES task_instances (id) ON DELETE CASCADE,
    name             TEXT NOT NULL,
    try_number       INTEGER NOT NULL,
    poke             INTEGER NOT NULL DEFAULT 0,
    file_name        TEXT NOT NULL,
    size_bytes       INTEGER NOT NULL,
    sha256           TEXT NOT NULL,
    is_folder        INTEGER NOT NULL DEFAULT 0,
    is_executable    INTEGER NOT NULL DEFAULT 0,
    created_at       INTEGER NOT NULL,
    PRIMARY KEY (task_instance_id, name)
) STRICT, WITHOUT ROWID;
