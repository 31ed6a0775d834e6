-- Who may come in (tokens, enrolled workers), and what was done (the audit trail). The same as
-- migrations/postgres/0007_access.sql, without the roles: whoever may open the file may do everything.

ALTER TABLE api_token ADD COLUMN kind TEXT NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'bootstrap', 'execution'));
ALTER TABLE api_token ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE api_token ADD COLUMN worker TEXT;
ALTER TABLE api_token ADD COLUMN execution_id INTEGER;
ALTER TABLE api_token ADD COLUMN attempt INTEGER;
ALTER TABLE api_token ADD COLUMN last_used_at INTEGER;
ALTER TABLE api_token ADD COLUMN used_at INTEGER;
CREATE INDEX api_token_of_execution ON api_token (execution_id) WHERE kind = 'execution';
CREATE INDEX api_token_ends ON api_token (expires_at) WHERE kind <> 'person';

CREATE TRIGGER api_token_bootstrap BEFORE INSERT ON api_token
WHEN NEW.kind = 'bootstrap'
    AND (NEW.worker IS NULL OR NEW.expires_at IS NULL OR NEW.expires_at > NEW.created_at + 3600000000)
BEGIN
    SELECT RAISE(ABORT, 'a bootstrap token lives an hour at most, and is for one worker');
END;
CREATE TRIGGER api_token_execution BEFORE INSERT ON api_token
WHEN NEW.kind = 'execution' AND (NEW.execution_id IS NULL OR NEW.attempt IS NULL OR NEW.expires_at IS NULL)
BEGIN
    SELECT RAISE(ABORT, 'the token of an execution names its attempt and ends');
END;

-- What the holder of a narrow token sees: its own. What the owner of the server asks for is left out.
CREATE INDEX execution_by_owner ON execution (requested_by, id) WHERE requested_by <> 'api';

CREATE TABLE worker_enrolment (
    name TEXT PRIMARY KEY,
    key_hash BLOB NOT NULL,
    enrolled_at INTEGER NOT NULL
) STRICT;

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous_hash BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TRIGGER audit_fixed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
CREATE TRIGGER audit_kept BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail is append-only');
END;
