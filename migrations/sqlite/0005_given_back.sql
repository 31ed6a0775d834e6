-- An attempt that was let start may be given back after all: by its own worker, with its token, when that vouches that it
-- never made use of the start. Nobody else may say so, and nothing else has changed.

DROP TRIGGER execution_attempt_moves;

CREATE TRIGGER execution_attempt_moves BEFORE UPDATE OF state ON execution_attempt
WHEN OLD.state <> NEW.state AND NOT (
    (OLD.state = 'assigned' AND NEW.state IN ('claimed', 'running', 'handed_back', 'rejected', 'superseded'))
    OR (OLD.state = 'claimed' AND NEW.state IN ('running', 'failed', 'handed_back', 'rejected', 'superseded'))
    OR (OLD.state = 'running'
        AND NEW.state IN ('succeeded', 'failed', 'timed_out', 'cancelled', 'interrupted', 'lost', 'handed_back')))
BEGIN
    SELECT RAISE(ABORT, 'not a legal move of an attempt');
END;
