-- Secret outputs of executions, beside their secret parameters.
ALTER TABLE secret
    DROP CONSTRAINT secret_owner_kind_check,
    DROP CONSTRAINT secret_check,
    DROP CONSTRAINT secret_check1,
    DROP CONSTRAINT secret_execution_id_key,
    -- `output`: what the last try of one execution answered in secret. `version` is its number, and the ciphertext is empty
    -- until it has ended: whoever assigns lays down the wrapped key, and whoever ran it encrypts with it.
    ADD CONSTRAINT secret_owner_kind CHECK (owner_kind IN ('system', 'pack', 'action', 'execution', 'output')),
    ADD CONSTRAINT secret_of_execution CHECK ((owner_kind IN ('execution', 'output')) = (execution_id IS NOT NULL)),
    ADD CONSTRAINT secret_of_parameters CHECK ((owner_kind = 'execution') = (parameter_names IS NOT NULL)),
    ADD CONSTRAINT secret_is_there CHECK (owner_kind = 'output' OR octet_length(ciphertext) > 0);
CREATE UNIQUE INDEX secret_by_execution ON secret (execution_id, owner_kind) WHERE execution_id IS NOT NULL;

-- Lays down the key that the secret outputs of an attempt will be encrypted with. The role of a scheduler reads this table
-- and does not write it.
CREATE FUNCTION attune_await_outputs(execution BIGINT, number BIGINT, wrapped_with BIGINT, key BYTEA, moment BIGINT)
RETURNS VOID LANGUAGE sql SECURITY DEFINER AS $$
    INSERT INTO secret (owner_kind, owner, name, version, execution_id, key_id, wrapped_key, ciphertext, created_at,
        stored_at)
    SELECT 'output', e.action, CAST(e.id AS text), number, e.id, wrapped_with, key, ''::bytea, moment, moment
    FROM execution e WHERE e.id = execution
    ON CONFLICT (owner_kind, owner, name) DO UPDATE SET version = excluded.version, key_id = excluded.key_id,
        wrapped_key = excluded.wrapped_key, ciphertext = excluded.ciphertext, stored_at = excluded.stored_at
$$;

-- Keeps the secret outputs of an attempt: once, and for whoever knows its token. The role of a worker sees nothing of this
-- table, and the hash of a token only where the attempt is its own.
CREATE FUNCTION attune_keep_outputs(execution BIGINT, number BIGINT, hash BYTEA, sealed BYTEA, moment BIGINT)
RETURNS VOID LANGUAGE sql SECURITY DEFINER AS $$
    UPDATE secret SET ciphertext = sealed, stored_at = moment
    WHERE owner_kind = 'output' AND execution_id = execution AND version = number AND octet_length(ciphertext) = 0
        AND EXISTS (SELECT 1 FROM execution_attempt a
            WHERE a.execution_id = execution AND a.attempt = number AND a.token_hash = hash)
$$;

DO $$
DECLARE
    named TEXT;
BEGIN
    FOREACH named IN ARRAY ARRAY['attune_await_outputs(bigint, bigint, bigint, bytea, bigint)',
        'attune_keep_outputs(bigint, bigint, bytea, bytea, bigint)']
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = pg_catalog, %I, pg_temp', named, current_schema());
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', named);
    END LOOP;
END
$$;

-- What the roles need, with that.
ALTER FUNCTION attune_make_roles() RENAME TO attune_make_first_roles;
CREATE FUNCTION attune_make_roles() RETURNS VOID LANGUAGE plpgsql AS $$
BEGIN
    PERFORM attune_make_first_roles();
    GRANT EXECUTE ON FUNCTION attune_await_outputs(BIGINT, BIGINT, BIGINT, BYTEA, BIGINT) TO attune_scheduler;
    GRANT EXECUTE ON FUNCTION attune_keep_outputs(BIGINT, BIGINT, BYTEA, BYTEA, BIGINT) TO attune_worker;
END
$$;

DO $$
BEGIN
    PERFORM attune_make_roles();
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'whoever migrates may not make roles; ask one who may to run: SELECT attune_make_roles()';
END
$$;
