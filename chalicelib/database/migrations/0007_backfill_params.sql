-- The params that a backfill gives to the runs that it creates. A program of the version before creates them with
-- the defaults.
ALTER TABLE backfills ADD COLUMN params TEXT NOT NULL DEFAULT '{}';

-- The runs of one backfill, newest first.
CREATE INDEX runs_by_backfill ON runs (backfill_id, id) WHERE backfill_id IS NOT NULL;
