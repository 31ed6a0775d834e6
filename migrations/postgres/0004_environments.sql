-- Environments as workers told about them last. No row was ever written before.
ALTER TABLE environment
    ADD COLUMN interpreter TEXT NOT NULL DEFAULT '',
    ADD COLUMN directory TEXT NOT NULL DEFAULT '',
    ADD COLUMN step TEXT NOT NULL DEFAULT '',
    ADD COLUMN size_bytes BIGINT,
    ADD COLUMN took_ms BIGINT,
    ADD CONSTRAINT environment_state CHECK (state IN ('building', 'ready', 'failed'));
