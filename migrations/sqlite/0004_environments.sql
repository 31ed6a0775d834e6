-- Environments as workers told about them last. No row was ever written before.
ALTER TABLE environment ADD COLUMN interpreter TEXT NOT NULL DEFAULT '';
ALTER TABLE environment ADD COLUMN directory TEXT NOT NULL DEFAULT '';
ALTER TABLE environment ADD COLUMN step TEXT NOT NULL DEFAULT '';
ALTER TABLE environment ADD COLUMN size_bytes INTEGER;
ALTER TABLE environment ADD COLUMN took_ms INTEGER;
