//! What follows an ended attempt.

use attune_store::rules::{self, Circumstances, Next};
use attune_types::{
    AttemptNumber, AttemptState, ExecutionId, ExecutionStatus, NearestMiss, Outcome, Payload, Timestamp, WorkerId,
};

use super::rows::{Buried, Database, OutboxRow, Refusal, index};

const VANISHED: &str = "its worker is gone and nothing of it ran";

impl Database {
    /// Decides what follows an attempt that ended with `outcome`, and does it.
    pub(super) fn settle(&mut self, now: i64, id: ExecutionId, outcome: &Outcome) -> Result<ExecutionStatus, Refusal> {
        let Some(row) = self.row(id) else { return Err(Refusal(format!("there is no execution {id}"))) };
        let tries = row.tries + 1;
        let circumstances = Circumstances {
            policy: row.spec.retry.as_ref(),
            idempotent: row.spec.idempotent,
            tries,
            cancel_requested: row.cancel_by.is_some(),
        };
        let next = rules::next(outcome, circumstances);
        let standing = row.status;
        match next {
            Next::Retry { pause_ms } => {
                row.tries = tries;
                row.available_at = now.saturating_add(pause_ms.saturating_mul(1000));
                self.move_execution(id, ExecutionStatus::Retrying)?;
                self.touched.schedule = true;
                Ok(ExecutionStatus::Retrying)
            }
            Next::End(wanted) => {
                let status = if standing.may_become(wanted) { wanted } else { ExecutionStatus::Failed };
                row.tries = tries;
                self.end(now, id, status, outcome)?;
                Ok(status)
            }
        }
    }

    /// Ends an execution and writes the one message that says so.
    pub(super) fn end(
        &mut self,
        now: i64,
        id: ExecutionId,
        status: ExecutionStatus,
        outcome: &Outcome,
    ) -> Result<(), Refusal> {
        self.move_execution(id, status)?;
        if let Some(row) = self.row(id) {
            row.outcome = Some(outcome.clone());
        }
        self.touched.schedule = true;
        self.send(now, 0, Payload::Completed { execution: id, status, outcome: Some(outcome.clone()) });
        Ok(())
    }

    /// Writes a message that somebody must publish.
    pub(super) fn send(&mut self, now: i64, held_until: i64, payload: Payload) -> i64 {
        self.last_outbox += 1;
        self.outbox.insert(self.last_outbox, OutboxRow { payload, occurred_at: now, held_until });
        if held_until == 0 {
            self.touched.outbox = true;
        }
        self.last_outbox
    }

    /// Puts an execution of which nothing ran back into the queue, at its old place.
    pub(super) fn requeue(&mut self, id: ExecutionId) -> Result<(), Refusal> {
        self.move_execution(id, ExecutionStatus::Requested)?;
        self.touched.schedule = true;
        Ok(())
    }

    /// Takes an attempt away of which nothing ran.
    pub(super) fn supersede(&mut self, id: ExecutionId, number: AttemptNumber, reason: &str) -> Result<(), Refusal> {
        self.end_attempt(id, number, AttemptState::Superseded, None, Some(reason))?;
        self.requeue(id)
    }

    /// Ends an attempt whose worker is gone.
    pub(super) fn bury(
        &mut self,
        now: i64,
        id: ExecutionId,
        number: AttemptNumber,
    ) -> Result<ExecutionStatus, Refusal> {
        let Some(attempt) = self.attempt(id, number) else {
            return Err(Refusal(format!("there is no attempt {id}.{number}")));
        };
        let (state, worker) = (attempt.state, attempt.worker);
        let may_have_run = state == AttemptState::Running;
        self.buried.push(Buried { execution: id, attempt: number, may_have_run });
        if may_have_run {
            let last_seen =
                self.workers.get(index(worker.0).unwrap_or(usize::MAX)).map(|row| Timestamp(row.last_beat_at));
            let outcome = Outcome::WorkerLost { last_seen };
            self.end_attempt(id, number, AttemptState::Lost, Some(&outcome), None)?;
            return self.settle(now, id, &outcome);
        }
        let vanished = 1 + self.execution(id).map_or(0, |row| {
            let under = |attempt: &&super::AttemptRow| {
                attempt.state == AttemptState::Superseded
                    && attempt.was_claimed
                    && attempt.reason.as_deref() == Some(VANISHED)
            };
            row.attempts.iter().filter(under).count() as i64
        });
        if state == AttemptState::Claimed && rules::is_poison(vanished) {
            self.end_attempt(id, number, AttemptState::Superseded, None, Some(VANISHED))?;
            let why = format!("{vanished} workers vanished while they prepared it; nothing of it ran");
            self.end_undeliverable(now, id, worker, &why)?;
            return Ok(ExecutionStatus::Failed);
        }
        self.supersede(id, number, VANISHED)?;
        Ok(ExecutionStatus::Requested)
    }

    /// Ends what somebody cancelled while a worker held it that had let nothing of it run.
    pub(super) fn end_unstarted(&mut self, now: i64, id: ExecutionId, number: AttemptNumber) -> Result<(), Refusal> {
        let by = self.execution(id).and_then(|row| row.cancel_by.clone()).unwrap_or_default();
        let outcome = Outcome::Cancelled { by };
        let reason = Some("cancelled before anything ran");
        self.end_attempt(id, number, AttemptState::Cancelled, Some(&outcome), reason)?;
        self.settle(now, id, &outcome)?;
        Ok(())
    }

    /// Takes back an attempt whose start was allowed and not made use of.
    pub(super) fn take_unstarted(
        &mut self,
        now: i64,
        id: ExecutionId,
        number: AttemptNumber,
        reason: &str,
        most_unstarted: i32,
    ) -> Result<(), Refusal> {
        let worker = self.attempt(id, number).map_or(WorkerId(0), |attempt| attempt.worker);
        if let Some(attempt) = self.try_row(id, number) {
            attempt.was_started = false;
        }
        self.end_attempt(id, number, AttemptState::HandedBack, None, Some(reason))?;
        let Some(row) = self.row(id) else { return Ok(()) };
        let unstarted = row.unstarted + 1;
        if unstarted >= most_unstarted {
            return self.end_undeliverable(now, id, worker, reason);
        }
        row.unstarted = unstarted;
        row.available_at = now;
        self.move_execution(id, ExecutionStatus::Retrying)?;
        self.touched.schedule = true;
        Ok(())
    }

    /// Counts an attempt that a worker gave back.
    pub(super) fn give_back(
        &mut self,
        now: i64,
        id: ExecutionId,
        number: AttemptNumber,
        reason: &str,
        most_unstarted: i32,
    ) -> Result<(), Refusal> {
        let worker = self.attempt(id, number).map_or(WorkerId(0), |attempt| attempt.worker);
        self.end_attempt(id, number, AttemptState::HandedBack, None, Some(reason))?;
        let Some(row) = self.row(id) else { return Ok(()) };
        let unstarted = row.unstarted + 1;
        if unstarted < most_unstarted {
            row.unstarted = unstarted;
            return self.requeue(id);
        }
        self.end_undeliverable(now, id, worker, reason)
    }

    fn end_undeliverable(&mut self, now: i64, id: ExecutionId, worker: WorkerId, why: &str) -> Result<(), Refusal> {
        let name =
            self.workers.get(index(worker.0).unwrap_or(usize::MAX)).map_or_else(String::new, |row| row.name.clone());
        let miss = NearestMiss { worker: name, lacks: vec![why.to_owned()] };
        self.end(now, id, ExecutionStatus::Failed, &Outcome::Undeliverable { nearest_misses: vec![miss] })
    }
}
