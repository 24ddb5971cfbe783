-- When the first poke of an attempt started, once there is a second: `started_at` is that of the latest.
ALTER TABLE task_instances ADD COLUMN first_started_at INTEGER;
ALTER TABLE attempts ADD COLUMN first_started_at INTEGER;
