-- Files that attempts left behind: who stored each, where, and whether its time is up. No row was ever written before.
ALTER TABLE artifact
    ADD COLUMN worker TEXT COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN location TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- Set when its time is up: whoever keeps the content removes it, and then the row.
    ADD COLUMN expired_at BIGINT;
CREATE INDEX artifact_expired ON artifact (worker, id) WHERE expired_at IS NOT NULL;
