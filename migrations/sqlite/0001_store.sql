-- The store on SQLite. The same tables, moves and history as migrations/postgres/0001_store.sql.
--
-- Moments are microseconds since 1970-01-01T00:00:00Z. Documents are JSON text that the database never looks into.

-- One row of settings. clock_offset_us moves the clock of everything below; simulations and tests use it.
CREATE TABLE setting (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    clock_offset_us INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO setting (one) VALUES (1);

CREATE VIEW clock AS
SELECT CAST(round(unixepoch('now', 'subsec') * 1000) AS INTEGER) * 1000 + clock_offset_us AS now FROM setting;

-- Catalogue ---------------------------------------------------------------------------------------------------------

CREATE TABLE pack (
    ref TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    document TEXT NOT NULL,
    stored_at INTEGER NOT NULL
) STRICT;

CREATE TABLE action (
    ref TEXT PRIMARY KEY,
    pack_ref TEXT NOT NULL REFERENCES pack (ref) ON DELETE CASCADE,
    document TEXT NOT NULL
) STRICT;
CREATE INDEX action_of_pack ON action (pack_ref);

CREATE TABLE runtime (
    ref TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    pack_ref TEXT REFERENCES pack (ref) ON DELETE CASCADE,
    document TEXT NOT NULL,
    auto_detected INTEGER NOT NULL DEFAULT 0,
    detection_config TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE INDEX runtime_by_name ON runtime (name);

CREATE TABLE worker (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    worker_type TEXT NOT NULL,
    host TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'draining', 'unreachable', 'inactive')),
    -- Whether it was asked to drain; survives a silence, which the status alone would not.
    drain INTEGER NOT NULL DEFAULT 0,
    incarnation BLOB NOT NULL,
    capabilities TEXT NOT NULL,
    registered_at INTEGER NOT NULL,
    last_beat_at INTEGER NOT NULL
) STRICT;

CREATE TABLE runtime_version (
    worker_id INTEGER NOT NULL REFERENCES worker (id) ON DELETE CASCADE,
    runtime TEXT NOT NULL,
    version TEXT NOT NULL,
    PRIMARY KEY (worker_id, runtime, version)
) STRICT, WITHOUT ROWID;

-- Executions --------------------------------------------------------------------------------------------------------

CREATE TABLE execution (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    action TEXT NOT NULL,
    status TEXT NOT NULL DEFAULT 'requested' CHECK (status IN (
        'requested', 'scheduled', 'running', 'canceling', 'retrying',
        'completed', 'failed', 'timeout', 'cancelled', 'abandoned')),
    -- Attempts made, whatever became of them; the newest has this number.
    attempts INTEGER NOT NULL DEFAULT 0,
    -- Attempts that ended with an outcome: the ones a retry policy counts.
    tries INTEGER NOT NULL DEFAULT 0,
    -- Attempts that a worker gave back before anything ran.
    unstarted INTEGER NOT NULL DEFAULT 0,
    requirement_key TEXT NOT NULL,
    -- From when on it may be assigned; orders the queue.
    available_at INTEGER NOT NULL,
    -- Worker of the newest attempt.
    worker_id INTEGER,
    cancel_by TEXT,
    outcome TEXT,
    result TEXT,
    requested_by TEXT,
    idempotency_key TEXT UNIQUE,
    retry_of INTEGER,
    requested_at INTEGER NOT NULL,
    started_at INTEGER,
    ended_at INTEGER
) STRICT;
CREATE INDEX execution_waiting ON execution (requirement_key, available_at, id)
    WHERE status IN ('requested', 'retrying');
CREATE INDEX execution_by_action ON execution (action, id);

-- What was asked, written once.
CREATE TABLE execution_request (
    id INTEGER PRIMARY KEY,
    spec TEXT NOT NULL,
    requirement TEXT NOT NULL,
    parameters TEXT NOT NULL,
    secret_parameters TEXT,
    labels TEXT NOT NULL,
    trace TEXT,
    retry TEXT,
    idempotent INTEGER NOT NULL
) STRICT;

CREATE TABLE execution_attempt (
    execution_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'assigned' CHECK (state IN (
        'assigned', 'claimed', 'running', 'succeeded', 'failed', 'timed_out', 'cancelled', 'interrupted', 'lost',
        'handed_back', 'rejected', 'superseded')),
    live INTEGER GENERATED ALWAYS AS (state IN ('assigned', 'claimed', 'running')) STORED,
    worker_id INTEGER NOT NULL,
    incarnation BLOB NOT NULL,
    -- SHA-256 of the lease token. The token itself is never stored.
    token_hash BLOB,
    assigned_at INTEGER NOT NULL,
    dispatch_deadline INTEGER NOT NULL,
    claimed_at INTEGER,
    -- Evidence that user code may have run: set exactly when the start barrier was opened.
    started_at INTEGER,
    ended_at INTEGER,
    lease_ends_at INTEGER,
    outcome TEXT,
    reason TEXT,
    resources TEXT,
    late_outcome TEXT,
    PRIMARY KEY (execution_id, attempt)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX execution_attempt_one_live ON execution_attempt (execution_id)
    WHERE live;
CREATE INDEX execution_attempt_live ON execution_attempt (worker_id)
    WHERE live;

-- What happened; written by the triggers below alone.
CREATE TABLE execution_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    execution_id INTEGER NOT NULL,
    attempt INTEGER,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX execution_event_of_execution ON execution_event (execution_id, id);

CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    payload TEXT NOT NULL,
    trace TEXT,
    occurred_at INTEGER NOT NULL,
    -- Until when somebody has it in hand.
    held_until INTEGER NOT NULL
) STRICT;

CREATE TABLE log_chunk (
    execution_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    stream INTEGER NOT NULL,
    byte_offset INTEGER NOT NULL,
    at INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (execution_id, attempt, sequence)
) STRICT, WITHOUT ROWID;

-- When the reaper ticked last, and until when it spares leases after a gap.
CREATE TABLE reaper (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    last_tick_at INTEGER,
    spare_until INTEGER
) STRICT;
INSERT INTO reaper (one) VALUES (1);

-- Around executions --------------------------------------------------------------------------------------------------

CREATE TABLE secret (
    name TEXT PRIMARY KEY,
    ciphertext BLOB NOT NULL,
    key_id TEXT NOT NULL,
    stored_at INTEGER NOT NULL
) STRICT;

CREATE TABLE artifact (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    execution_id INTEGER NOT NULL,
    attempt INTEGER NOT NULL,
    path TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    stored_at INTEGER NOT NULL,
    UNIQUE (execution_id, attempt, path)
) STRICT;

CREATE TABLE environment (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    worker_id INTEGER NOT NULL REFERENCES worker (id) ON DELETE CASCADE,
    pack_ref TEXT NOT NULL,
    runtime TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    state TEXT NOT NULL,
    log TEXT NOT NULL DEFAULT '',
    changed_at INTEGER NOT NULL,
    UNIQUE (worker_id, pack_ref, runtime, fingerprint)
) STRICT;

CREATE TABLE api_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    -- SHA-256 of the token. The token itself is never stored.
    token_hash BLOB NOT NULL UNIQUE,
    scopes TEXT NOT NULL DEFAULT '[]',
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;

-- Moves --------------------------------------------------------------------------------------------------------------
-- The tables of legal moves are those of ExecutionStatus::may_become and AttemptState::may_become; a test compares
-- every pair.

CREATE TRIGGER execution_starts_requested BEFORE INSERT ON execution
WHEN NEW.status <> 'requested'
BEGIN
    SELECT RAISE(ABORT, 'a new execution is requested');
END;

CREATE TRIGGER execution_terminal BEFORE UPDATE ON execution
WHEN OLD.status IN ('completed', 'failed', 'timeout', 'cancelled', 'abandoned')
BEGIN
    SELECT RAISE(ABORT, 'a terminal execution never changes');
END;

CREATE TRIGGER execution_moves BEFORE UPDATE OF status ON execution
WHEN OLD.status <> NEW.status AND NOT (
    (OLD.status IN ('requested', 'retrying') AND NEW.status IN ('scheduled', 'cancelled', 'failed'))
    OR (OLD.status = 'scheduled'
        AND NEW.status IN ('running', 'requested', 'retrying', 'canceling', 'cancelled', 'failed'))
    OR (OLD.status = 'running' AND NEW.status IN
        ('retrying', 'canceling', 'completed', 'failed', 'timeout', 'cancelled', 'abandoned'))
    OR (OLD.status = 'canceling' AND NEW.status IN ('completed', 'failed', 'timeout', 'cancelled', 'abandoned')))
BEGIN
    SELECT RAISE(ABORT, 'not a legal move of an execution');
END;

CREATE TRIGGER execution_attempt_starts_assigned BEFORE INSERT ON execution_attempt
WHEN NEW.state <> 'assigned'
BEGIN
    SELECT RAISE(ABORT, 'a new attempt is assigned');
END;

CREATE TRIGGER execution_attempt_moves BEFORE UPDATE OF state ON execution_attempt
WHEN OLD.state <> NEW.state AND NOT (
    (OLD.state = 'assigned' AND NEW.state IN ('claimed', 'running', 'handed_back', 'rejected', 'superseded'))
    OR (OLD.state = 'claimed' AND NEW.state IN ('running', 'failed', 'handed_back', 'rejected', 'superseded'))
    OR (OLD.state = 'running'
        AND NEW.state IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'interrupted', 'lost')))
BEGIN
    SELECT RAISE(ABORT, 'not a legal move of an attempt');
END;

-- Only what came too late may still be noted on an attempt that has ended.
CREATE TRIGGER execution_attempt_ended BEFORE UPDATE OF outcome, resources, reason, token_hash, worker_id, incarnation,
    assigned_at, started_at, ended_at ON execution_attempt
WHEN OLD.state NOT IN ('assigned', 'claimed', 'running')
BEGIN
    SELECT RAISE(ABORT, 'an attempt that has ended never changes');
END;

CREATE TRIGGER execution_request_fixed BEFORE UPDATE ON execution_request
BEGIN
    SELECT RAISE(ABORT, 'what was asked never changes');
END;

CREATE TRIGGER execution_event_fixed BEFORE UPDATE ON execution_event
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

-- Retention may remove the events of an execution that was removed itself.
CREATE TRIGGER execution_event_kept BEFORE DELETE ON execution_event
WHEN EXISTS (SELECT 1 FROM execution WHERE id = OLD.execution_id)
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

-- History ------------------------------------------------------------------------------------------------------------

CREATE TRIGGER execution_requested AFTER INSERT ON execution
BEGIN
    INSERT INTO execution_event (execution_id, kind, detail, at)
    VALUES (NEW.id, 'execution.requested', '{}', (SELECT now FROM clock));
END;

CREATE TRIGGER execution_moved AFTER UPDATE OF status ON execution
WHEN OLD.status <> NEW.status
BEGIN
    INSERT INTO execution_event (execution_id, attempt, kind, detail, at)
    VALUES (
        NEW.id, nullif(NEW.attempts, 0), 'execution.' || NEW.status,
        CASE
            WHEN NEW.outcome IS NOT NULL THEN '{"outcome":' || NEW.outcome || '}'
            WHEN NEW.status = 'scheduled' AND NEW.worker_id IS NOT NULL THEN '{"worker":' || NEW.worker_id || '}'
            WHEN NEW.status = 'retrying' THEN '{"available_at_us":' || NEW.available_at || '}'
            WHEN NEW.cancel_by IS NOT NULL THEN json_object('by', NEW.cancel_by)
            ELSE '{}'
        END,
        (SELECT now FROM clock));
END;

-- The moves of an attempt that its execution's own moves do not tell.
CREATE TRIGGER execution_attempt_moved AFTER UPDATE OF state ON execution_attempt
WHEN OLD.state <> NEW.state AND NEW.state NOT IN ('running', 'succeeded')
BEGIN
    INSERT INTO execution_event (execution_id, attempt, kind, detail, at)
    VALUES (
        NEW.execution_id, NEW.attempt, 'attempt.' || NEW.state,
        CASE
            WHEN NEW.outcome IS NOT NULL THEN '{"outcome":' || NEW.outcome || '}'
            WHEN NEW.reason IS NOT NULL THEN json_object('reason', NEW.reason)
            ELSE '{}'
        END,
        (SELECT now FROM clock));
END;
