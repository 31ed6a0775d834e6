-- Secret outputs of executions, beside their secret parameters.
CREATE TABLE secret_with_outputs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- `execution`: the secret parameters of one execution. `output`: what its last try answered in secret; `version` is the
    -- number of that, and the ciphertext is empty until it has ended: whoever assigns lays down the wrapped key, and whoever
    -- ran it encrypts with it.
    owner_kind TEXT NOT NULL CHECK (owner_kind IN ('system', 'pack', 'action', 'execution', 'output')),
    -- The pack or action; of an execution, what it runs.
    owner TEXT NOT NULL,
    -- Of an execution, its number.
    name TEXT NOT NULL,
    -- Counts how often the value was replaced; part of what the ciphertext is bound to.
    version INTEGER NOT NULL,
    execution_id INTEGER,
    -- Names of the parameters that are sealed together.
    parameter_names TEXT,
    -- The number of the key-encryption key.
    key_id INTEGER NOT NULL,
    wrapped_key BLOB NOT NULL,
    ciphertext BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    UNIQUE (owner_kind, owner, name),
    CHECK ((owner_kind IN ('execution', 'output')) = (execution_id IS NOT NULL)),
    CHECK ((owner_kind = 'execution') = (parameter_names IS NOT NULL)),
    CHECK (owner_kind = 'output' OR octet_length(ciphertext) > 0)
) STRICT;
INSERT INTO secret_with_outputs (id, owner_kind, owner, name, version, execution_id, parameter_names, key_id, wrapped_key,
    ciphertext, created_at, stored_at)
SELECT id, owner_kind, owner, name, version, execution_id, parameter_names, key_id, wrapped_key, ciphertext, created_at,
    stored_at FROM secret;
DROP TABLE secret;
ALTER TABLE secret_with_outputs RENAME TO secret;
CREATE INDEX secret_of_key ON secret (key_id, id);
CREATE UNIQUE INDEX secret_by_execution ON secret (execution_id, owner_kind) WHERE execution_id IS NOT NULL;
