-- What a token is limited to: `dags` has patterns of dag_ids, separated by commas, NULL for every DAG; nobody can use
-- it from `expires_at` on, NULL for never. A program of the version before knows neither: revoke a limited token before
-- going back to it.
ALTER TABLE access_tokens ADD COLUMN dags TEXT;
ALTER TABLE access_tokens ADD COLUMN expires_at INTEGER;
