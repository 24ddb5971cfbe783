-- The files beside a DAG file. A content is stored once in the runs bucket, under its SHA-256; a list of
-- paths and contents is such a content itself, and its SHA-256 pins a version to its files.

-- Stands for the names and ETags of all files that the patterns of this DAG file matched when it was last read.
ALTER TABLE dag_files ADD COLUMN files_fingerprint TEXT NOT NULL DEFAULT '';

ALTER TABLE dag_versions ADD COLUMN files_sha256 TEXT;
CREATE INDEX dag_versions_with_files ON dag_versions (files_sha256) WHERE files_sha256 IS NOT NULL;

-- What each DAG file wants beside it. `folder` is the innermost folder of the bucket that holds all that may
-- match, `name` the rest of the key where only one can match, else empty: an object finds those who want it.
CREATE TABLE file_patterns (
    file_key TEXT NOT NULL REFERENCES dag_files (file_key) ON DELETE CASCADE,
    pattern  TEXT NOT NULL,
    folder   TEXT NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (file_key, pattern)
) STRICT, WITHOUT ROWID;

CREATE INDEX file_patterns_by_folder ON file_patterns (folder, name);

-- One file of one list. `etag` is that of the object which it was read from, or empty.
CREATE TABLE listed_files (
    list_sha256   TEXT NOT NULL,
    path          TEXT NOT NULL,
    sha256        TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    is_executable INTEGER NOT NULL CHECK (is_executable IN (0, 1)),
    etag          TEXT NOT NULL,
    PRIMARY KEY (list_sha256, path)
) STRICT, WITHOUT ROWID;

CREATE INDEX listed_files_by_content ON listed_files (sha256);

-- What the runs bucket holds below `.files/`. A row that `is_removing` must not be referred to any more.
CREATE TABLE file_contents (
    sha256      TEXT PRIMARY KEY,
    stored_at   INTEGER NOT NULL,
    is_removing INTEGER NOT NULL DEFAULT 0 CHECK (is_removing IN (0, 1))
) STRICT, WITHOUT ROWID;
