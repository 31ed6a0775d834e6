-- Who may come in (tokens, enrolled workers), and what was done (the audit trail).

-- Tokens ---------------------------------------------------------------------------------------------------------------
-- No row was ever written before.
ALTER TABLE api_token
    ADD COLUMN kind TEXT NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'bootstrap', 'execution')),
    -- Whose executions it sees; what executions that it submits are said to be requested by.
    ADD COLUMN owner TEXT NOT NULL DEFAULT '',
    -- The one worker that a bootstrap token may enrol.
    ADD COLUMN worker TEXT COLLATE "C",
    -- The one attempt that the token of an execution belongs to.
    ADD COLUMN execution_id BIGINT,
    ADD COLUMN attempt BIGINT,
    ADD COLUMN last_used_at BIGINT,
    -- When a bootstrap token enrolled its worker: it does so once.
    ADD COLUMN used_at BIGINT,
    -- A bootstrap token lives an hour at most, and is for one worker.
    ADD CONSTRAINT api_token_bootstrap CHECK (
        kind <> 'bootstrap' OR (worker IS NOT NULL AND expires_at <= created_at + 3600000000)),
    ADD CONSTRAINT api_token_execution CHECK (
        kind <> 'execution' OR (execution_id IS NOT NULL AND attempt IS NOT NULL AND expires_at IS NOT NULL));
CREATE INDEX api_token_of_execution ON api_token (execution_id) WHERE kind = 'execution';
CREATE INDEX api_token_ends ON api_token (expires_at) WHERE kind <> 'person';

-- What the holder of a narrow token sees: its own. What the owner of the server asks for is left out.
CREATE INDEX execution_by_owner ON execution (requested_by, id) WHERE requested_by <> 'api';

-- Names that belong to whoever holds the key that was given out when they were enrolled.
CREATE TABLE worker_enrolment (
    name TEXT COLLATE "C" PRIMARY KEY,
    -- SHA-256 of the key. The key itself is never stored.
    key_hash BYTEA NOT NULL,
    enrolled_at BIGINT NOT NULL
);

-- Whether only enrolled names may register.
ALTER TABLE setting ADD COLUMN enrolled_workers_only BOOLEAN NOT NULL DEFAULT FALSE;

-- The audit trail ------------------------------------------------------------------------------------------------------
-- Each row holds the hash of the row before it, so a row that was altered, put in or taken out breaks the chain:
-- SHA-256 of the hash before, the number and the moment as eight bytes each (big endian), and of the SHA-256 of each
-- text. `attune audit verify` reckons it again.
CREATE TABLE audit (
    id BIGINT PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL,
    previous_hash BYTEA NOT NULL,
    hash BYTEA NOT NULL
);

CREATE TRIGGER audit_fixed BEFORE UPDATE OR DELETE ON audit FOR EACH ROW
EXECUTE FUNCTION attune_refuse('the audit trail is append-only');
CREATE TRIGGER audit_kept BEFORE TRUNCATE ON audit FOR EACH STATEMENT
EXECUTE FUNCTION attune_refuse('the audit trail is append-only');

-- The only way to add a row. Roles may call it and may not write the table, so nobody but the owner can bend the chain.
CREATE FUNCTION attune_audit(who TEXT, did TEXT, what TEXT, more TEXT) RETURNS BIGINT
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    before audit%ROWTYPE;
    number BIGINT;
    moment BIGINT := attune_now();
    link BYTEA;
BEGIN
    -- One after the other: two rows with the same predecessor would be two chains.
    LOCK TABLE audit IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO before FROM audit ORDER BY id DESC LIMIT 1;
    number := coalesce(before.id, 0) + 1;
    link := coalesce(before.hash, ''::bytea);
    INSERT INTO audit (id, at, actor, action, target, detail, previous_hash, hash)
    VALUES (number, moment, who, did, what, more, link, sha256(
        link || int8send(number) || int8send(moment) || sha256(convert_to(who, 'UTF8'))
        || sha256(convert_to(did, 'UTF8')) || sha256(convert_to(what, 'UTF8')) || sha256(convert_to(more, 'UTF8'))));
    RETURN number;
END
$$;
REVOKE ALL ON FUNCTION attune_audit(TEXT, TEXT, TEXT, TEXT) FROM PUBLIC;

-- A function that runs as its owner must find exactly the tables that it means.
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION attune_audit(TEXT, TEXT, TEXT, TEXT) SET search_path = pg_catalog, %I, pg_temp',
        current_schema());
END
$$;
