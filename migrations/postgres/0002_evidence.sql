-- What the worker saw of an attempt: written once, together with its outcome.
ALTER TABLE execution_attempt ADD COLUMN evidence TEXT;

DROP TRIGGER execution_attempt_ended ON execution_attempt;
-- Only what came too late may still be noted on an attempt that has ended.
CREATE TRIGGER execution_attempt_ended BEFORE UPDATE OF outcome, resources, evidence, reason, token_hash, worker_id,
    incarnation, assigned_at, started_at, ended_at ON execution_attempt FOR EACH ROW
WHEN (OLD.state NOT IN ('assigned', 'claimed', 'running'))
EXECUTE FUNCTION attune_refuse('an attempt that has ended never changes');
