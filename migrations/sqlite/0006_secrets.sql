-- Secrets, the secret parameters of executions, and what is sealed to the worker of an attempt.

-- At rest ---------------------------------------------------------------------------------------------------------------
-- No row was ever written to the table of this name. Values are encrypted before they come here, each with a data key of
-- its own that is wrapped with a key-encryption key; the database knows neither, nor any hash of them.
DROP TABLE secret;
CREATE TABLE secret (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- `execution`: the secret parameters of one execution.
    owner_kind TEXT NOT NULL CHECK (owner_kind IN ('system', 'pack', 'action', 'execution')),
    -- The pack or action; of an execution, what it runs.
    owner TEXT NOT NULL,
    -- Of an execution, its number.
    name TEXT NOT NULL,
    -- Counts how often the value was replaced; part of what the ciphertext is bound to.
    version INTEGER NOT NULL,
    execution_id INTEGER UNIQUE,
    -- Names of the parameters that are sealed together.
    parameter_names TEXT,
    -- The number of the key-encryption key.
    key_id INTEGER NOT NULL,
    wrapped_key BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    UNIQUE (owner_kind, owner, name),
    CHECK ((owner_kind = 'execution') = (execution_id IS NOT NULL)),
    CHECK ((owner_kind = 'execution') = (parameter_names IS NOT NULL))
) STRICT;
CREATE INDEX secret_of_key ON secret (key_id, id);

-- On the way ------------------------------------------------------------------------------------------------------------
-- What the attempt needs, sealed to the key of its worker's life. NULL for nearly all.
ALTER TABLE execution_attempt ADD COLUMN sealed BLOB;

-- Whoever ends an attempt, and however: nothing sealed outlives it.
CREATE TRIGGER execution_attempt_unsealed AFTER UPDATE OF state ON execution_attempt
WHEN NEW.sealed IS NOT NULL AND NEW.state NOT IN ('assigned', 'claimed', 'running')
BEGIN
    UPDATE execution_attempt SET sealed = NULL WHERE execution_id = NEW.execution_id AND attempt = NEW.attempt;
END;
