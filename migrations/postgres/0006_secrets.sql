-- Secrets, the secret parameters of executions, and what is sealed to the worker of an attempt.

-- At rest ---------------------------------------------------------------------------------------------------------------
-- No row was ever written to the table of this name. Values are encrypted before they come here, each with a data key of
-- its own that is wrapped with a key-encryption key; the database knows neither, nor any hash of them.
DROP TABLE secret;
CREATE TABLE secret (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- `execution`: the secret parameters of one execution.
    owner_kind TEXT NOT NULL CHECK (owner_kind IN ('system', 'pack', 'action', 'execution')),
    -- The pack or action; of an execution, what it runs.
    owner TEXT COLLATE "C" NOT NULL,
    -- Of an execution, its number.
    name TEXT COLLATE "C" NOT NULL,
    -- Counts how often the value was replaced; part of what the ciphertext is bound to.
    version BIGINT NOT NULL,
    execution_id BIGINT UNIQUE,
    -- Names of the parameters that are sealed together.
    parameter_names TEXT,
    -- The number of the key-encryption key.
    key_id BIGINT NOT NULL,
    wrapped_key BYTEA NOT NULL,
    ciphertext BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    stored_at BIGINT NOT NULL,
    UNIQUE (owner_kind, owner, name),
    CHECK ((owner_kind = 'execution') = (execution_id IS NOT NULL)),
    CHECK ((owner_kind = 'execution') = (parameter_names IS NOT NULL))
);
CREATE INDEX secret_of_key ON secret (key_id, id);

-- On the way ------------------------------------------------------------------------------------------------------------
-- What the attempt needs, sealed to the key of its worker's life. NULL for nearly all.
ALTER TABLE execution_attempt ADD COLUMN sealed BYTEA;

CREATE FUNCTION attune_forget_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.sealed := NULL;
    RETURN NEW;
END
$$;

-- Whoever ends an attempt, and however: nothing sealed outlives it.
CREATE TRIGGER execution_attempt_unsealed BEFORE UPDATE ON execution_attempt FOR EACH ROW
WHEN (NEW.sealed IS NOT NULL AND NEW.state NOT IN ('assigned', 'claimed', 'running'))
EXECUTE FUNCTION attune_forget_sealed();
