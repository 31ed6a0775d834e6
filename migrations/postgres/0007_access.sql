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

-- Roles ----------------------------------------------------------------------------------------------------------------
-- Three roles that nobody logs in with; logins are made members of them (docs/security-setup.md). Whoever owns the tables
-- is none of them, migrates, and is not bound by what follows.
--
-- A worker proves who it is by a secret of its own process. It is set on each of its connections and never leaves it; its
-- hash is noted when it registers, by the trigger below, so that whoever registered a name last has the rights of it.
-- Rows of others are invisible to it: a statement that names them finds nothing. That its own statements stay what they
-- are, one round trip for a whole batch, is why this is done by policies and not by functions (ADR 0031).

ALTER TABLE worker ADD COLUMN secret_hash BYTEA;
CREATE INDEX worker_by_secret ON worker (secret_hash);

CREATE FUNCTION attune_setting_hash(name TEXT) RETURNS BYTEA LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(nullif(current_setting(name, TRUE), ''), 'UTF8'))
$$;

-- Before a worker takes a name: whether it may, and what it will prove itself by.
CREATE FUNCTION attune_worker_takes_name() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    wanted BYTEA;
BEGIN
    SELECT key_hash INTO wanted FROM worker_enrolment WHERE name = NEW.name;
    IF wanted IS NOT NULL AND wanted IS DISTINCT FROM attune_setting_hash('attune.worker_key') THEN
        RAISE EXCEPTION 'the name % is enrolled, and worker.enrolment_key is not its key', NEW.name
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF wanted IS NULL AND (SELECT enrolled_workers_only FROM setting) THEN
        RAISE EXCEPTION 'only enrolled workers may register, and % is not', NEW.name
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    NEW.secret_hash := attune_setting_hash('attune.secret');
    RETURN NEW;
END
$$;
CREATE TRIGGER worker_takes_name BEFORE INSERT OR UPDATE OF incarnation ON worker FOR EACH ROW
EXECUTE FUNCTION attune_worker_takes_name();

-- The workers that this connection may speak for: one, except where one process runs several.
CREATE FUNCTION attune_own_workers() RETURNS BIGINT[] LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT coalesce(array_agg(id), '{}') FROM worker WHERE secret_hash = attune_setting_hash('attune.secret')
$$;

CREATE FUNCTION attune_own_names() RETURNS TEXT[] LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT coalesce(array_agg(name), '{}') FROM worker WHERE secret_hash = attune_setting_hash('attune.secret')
$$;

CREATE FUNCTION attune_owns_attempt(execution BIGINT, number BIGINT) RETURNS BOOLEAN
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT EXISTS (SELECT 1 FROM execution_attempt a
        WHERE a.execution_id = execution AND a.attempt = number AND a.worker_id = ANY(attune_own_workers()))
$$;

-- Whether it was given an attempt of this execution, so that it may look at it.
CREATE FUNCTION attune_owns_execution(execution BIGINT) RETURNS BOOLEAN
LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT EXISTS (SELECT 1 FROM execution_attempt a
        WHERE a.execution_id = execution AND a.worker_id = ANY(attune_own_workers()))
$$;

-- Whether a message is the one that a worker may write: that an execution of its own has ended.
CREATE FUNCTION attune_own_message(payload TEXT) RETURNS BOOLEAN LANGUAGE sql STABLE SECURITY DEFINER AS $$
    SELECT payload::json ->> 'type' = 'execution.completed'
        AND attune_owns_execution((payload::json -> 'payload' ->> 'execution')::bigint)
$$;

-- What a statement of a narrow role sets off runs as the owner: it writes history, which no role may write.
ALTER FUNCTION attune_execution_requested() SECURITY DEFINER;
ALTER FUNCTION attune_execution_moved() SECURITY DEFINER;
ALTER FUNCTION attune_attempt_moved() SECURITY DEFINER;
ALTER FUNCTION attune_keep_event() SECURITY DEFINER;

DO $$
DECLARE
    named TEXT;
BEGIN
    FOREACH named IN ARRAY ARRAY['attune_worker_takes_name()', 'attune_own_workers()', 'attune_own_names()',
        'attune_owns_attempt(bigint, bigint)', 'attune_owns_execution(bigint)', 'attune_own_message(text)',
        'attune_execution_requested()', 'attune_execution_moved()', 'attune_attempt_moved()', 'attune_keep_event()']
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', named, current_schema());
    END LOOP;
END
$$;

-- Makes the roles and gives each what it needs. Called below, and again by an operator when whoever migrates may not make
-- roles, or after a later migration added a table: `SELECT attune_make_roles()`.
CREATE FUNCTION attune_make_roles() RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
    role_name TEXT;
    table_name TEXT;
    columns TEXT;
    everything CONSTANT TEXT[] := ARRAY['pack', 'action', 'runtime', 'runtime_version', 'worker', 'execution',
        'execution_request', 'execution_attempt', 'execution_event', 'outbox', 'log_chunk', 'artifact', 'environment',
        'setting', 'reaper', 'secret', 'api_token', 'worker_enrolment', 'audit'];
    guarded CONSTANT TEXT[] := ARRAY['worker', 'runtime', 'runtime_version', 'execution', 'execution_request',
        'execution_attempt', 'outbox', 'log_chunk', 'artifact', 'environment', 'api_token'];
BEGIN
    FOREACH role_name IN ARRAY ARRAY['attune_api', 'attune_scheduler', 'attune_worker'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = role_name) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            -- Somebody else made it for another database of this server.
            NULL;
        END;
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), role_name);
    END LOOP;

    -- What is everybody's is no role's: a table gets its rights here, one by one.
    FOREACH table_name IN ARRAY everything LOOP
        EXECUTE format('REVOKE ALL ON %I FROM PUBLIC, attune_api, attune_scheduler, attune_worker', table_name);
    END LOOP;
    GRANT EXECUTE ON FUNCTION attune_audit(TEXT, TEXT, TEXT, TEXT) TO attune_api, attune_scheduler;

    -- API: takes in, shows, cancels; owns tokens and secrets. It reads the audit trail and history and writes neither.
    GRANT SELECT ON pack, action, runtime, runtime_version, worker, execution, execution_request, execution_attempt,
        execution_event, outbox, log_chunk, artifact, environment, setting, secret, api_token, audit TO attune_api;
    GRANT INSERT, UPDATE, DELETE ON pack, action, runtime, secret, api_token TO attune_api;
    GRANT SELECT, INSERT, UPDATE ON worker_enrolment TO attune_api;
    GRANT INSERT ON execution, execution_request, outbox TO attune_api;
    GRANT UPDATE ON execution, execution_attempt, worker TO attune_api;
    EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I TO attune_api, attune_scheduler', current_schema());

    -- Scheduler, relay, reaper, retention. It reads secrets, which are ciphertexts here, to seal them to workers.
    GRANT SELECT ON pack, action, runtime, runtime_version, worker, execution, execution_request, execution_attempt,
        execution_event, outbox, log_chunk, artifact, environment, setting, secret, reaper TO attune_scheduler;
    GRANT INSERT ON execution_attempt, outbox TO attune_scheduler;
    GRANT UPDATE ON execution, execution_attempt, worker, outbox, artifact, reaper TO attune_scheduler;
    GRANT DELETE ON execution, execution_request, execution_attempt, execution_event, outbox, log_chunk, artifact,
        secret TO attune_scheduler;
    GRANT SELECT, DELETE ON api_token TO attune_scheduler;

    -- Worker: no secret, no token, no audit trail, no history, no message of others; of the rest, rows of its own.
    GRANT SELECT ON pack, action, runtime, runtime_version, worker, execution, execution_request, execution_attempt,
        artifact, environment, setting TO attune_worker;
    GRANT INSERT ON worker, runtime, runtime_version, outbox, log_chunk, artifact, environment, api_token TO attune_worker;
    GRANT SELECT (id) ON api_token TO attune_worker;
    GRANT DELETE ON runtime_version, artifact, environment TO attune_worker;
    GRANT UPDATE ON artifact, environment TO attune_worker;
    FOR table_name, columns IN
        SELECT c.table_name, string_agg(quote_ident(c.column_name), ', ')
        FROM information_schema.columns c
        WHERE c.table_schema = current_schema() AND c.is_generated = 'NEVER' AND (c.table_name, c.column_name) NOT IN (
            ('execution', 'id'), ('execution', 'action'), ('execution', 'attempts'), ('execution', 'worker_id'),
            ('execution', 'requirement_key'), ('execution', 'requested_by'), ('execution', 'idempotency_key'),
            ('execution', 'retry_of'), ('execution', 'requested_at'), ('execution_attempt', 'execution_id'),
            ('execution_attempt', 'attempt'), ('execution_attempt', 'worker_id'), ('execution_attempt', 'incarnation'),
            ('execution_attempt', 'assigned_at'), ('execution_attempt', 'dispatch_deadline'), ('worker', 'id'),
            ('worker', 'name'), ('worker', 'secret_hash'))
            AND c.table_name IN ('execution', 'execution_attempt', 'worker')
        GROUP BY c.table_name
    LOOP
        EXECUTE format('GRANT UPDATE (%s) ON %I TO attune_worker', columns, table_name);
    END LOOP;

    FOREACH table_name IN ARRAY guarded LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', table_name);
        EXECUTE format('DROP POLICY IF EXISTS of_server ON %I', table_name);
        EXECUTE format('CREATE POLICY of_server ON %I TO attune_api, attune_scheduler USING (TRUE) WITH CHECK (TRUE)',
            table_name);
        FOREACH role_name IN ARRAY ARRAY['sees', 'makes', 'changes', 'removes'] LOOP
            EXECUTE format('DROP POLICY IF EXISTS worker_%s ON %I', role_name, table_name);
        END LOOP;
    END LOOP;
    CREATE POLICY worker_sees ON worker FOR SELECT TO attune_worker USING (TRUE);
    CREATE POLICY worker_makes ON worker FOR INSERT TO attune_worker
        WITH CHECK (secret_hash = attune_setting_hash('attune.secret'));
    -- A worker may take a name (the trigger says which), and change what it has taken.
    CREATE POLICY worker_changes ON worker FOR UPDATE TO attune_worker USING (TRUE)
        WITH CHECK (secret_hash = attune_setting_hash('attune.secret'));
    CREATE POLICY worker_sees ON runtime FOR SELECT TO attune_worker USING (TRUE);
    CREATE POLICY worker_makes ON runtime FOR INSERT TO attune_worker WITH CHECK (auto_detected AND pack_ref IS NULL);
    CREATE POLICY worker_sees ON runtime_version FOR SELECT TO attune_worker USING (TRUE);
    CREATE POLICY worker_makes ON runtime_version FOR INSERT TO attune_worker
        WITH CHECK (worker_id = ANY((SELECT attune_own_workers())::bigint[]));
    CREATE POLICY worker_removes ON runtime_version FOR DELETE TO attune_worker
        USING (worker_id = ANY((SELECT attune_own_workers())::bigint[]));
    CREATE POLICY worker_sees ON execution FOR SELECT TO attune_worker USING (attune_owns_execution(id));
    CREATE POLICY worker_changes ON execution FOR UPDATE TO attune_worker USING (attune_owns_execution(id))
        WITH CHECK (attune_owns_attempt(id, attempts));
    CREATE POLICY worker_sees ON execution_request FOR SELECT TO attune_worker USING (attune_owns_execution(id));
    CREATE POLICY worker_sees ON execution_attempt FOR SELECT TO attune_worker
        USING (worker_id = ANY((SELECT attune_own_workers())::bigint[]));
    CREATE POLICY worker_changes ON execution_attempt FOR UPDATE TO attune_worker
        USING (worker_id = ANY((SELECT attune_own_workers())::bigint[]));
    CREATE POLICY worker_makes ON outbox FOR INSERT TO attune_worker WITH CHECK (attune_own_message(payload));
    CREATE POLICY worker_makes ON log_chunk FOR INSERT TO attune_worker
        WITH CHECK (attune_owns_attempt(execution_id, attempt));
    CREATE POLICY worker_sees ON artifact FOR SELECT TO attune_worker
        USING (attune_owns_attempt(execution_id, attempt) OR expired_at IS NOT NULL);
    CREATE POLICY worker_makes ON artifact FOR INSERT TO attune_worker
        WITH CHECK (attune_owns_attempt(execution_id, attempt) AND worker = ANY((SELECT attune_own_names())::text[]));
    CREATE POLICY worker_changes ON artifact FOR UPDATE TO attune_worker
        USING (attune_owns_attempt(execution_id, attempt));
    -- What retention has given up: whoever keeps the content removes it, and then the row.
    CREATE POLICY worker_removes ON artifact FOR DELETE TO attune_worker USING (expired_at IS NOT NULL);
    CREATE POLICY worker_sees ON environment FOR SELECT TO attune_worker
        USING (worker_id = ANY((SELECT attune_own_workers())::bigint[]));
    CREATE POLICY worker_makes ON environment FOR INSERT TO attune_worker
        WITH CHECK (worker_id = ANY((SELECT attune_own_workers())::bigint[]));
    CREATE POLICY worker_changes ON environment FOR UPDATE TO attune_worker
        USING (worker_id = ANY((SELECT attune_own_workers())::bigint[]));
    CREATE POLICY worker_removes ON environment FOR DELETE TO attune_worker
        USING (worker_id = ANY((SELECT attune_own_workers())::bigint[]));
    -- The token of an execution, for the script that the worker runs.
    CREATE POLICY worker_makes ON api_token FOR INSERT TO attune_worker
        WITH CHECK (kind = 'execution' AND attune_owns_attempt(execution_id, attempt)
            AND owner = 'execution/' || execution_id AND scopes = '["executions:read"]');
    CREATE POLICY worker_sees ON api_token FOR SELECT TO attune_worker
        USING (kind = 'execution' AND attune_owns_attempt(execution_id, attempt));
END
$$;

DO $$
BEGIN
    PERFORM attune_make_roles();
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'whoever migrates may not make roles; ask one who may to run: SELECT attune_make_roles()';
END
$$;
