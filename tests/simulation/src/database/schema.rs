//! What the schema refuses, and the moves of one row: the triggers of `migrations/`, in the words of
//! `ExecutionStatus::may_become` and `AttemptState::may_become`.

use attune_types::{AttemptNumber, AttemptState, ExecutionId, ExecutionStatus, Outcome};

use super::rows::{Database, Refusal};
use crate::mutant;

impl Database {
    /// Moves an execution. `available_at` orders the queue while it waits.
    pub(super) fn move_execution(&mut self, id: ExecutionId, next: ExecutionStatus) -> Result<(), Refusal> {
        let Some(row) = self.row(id) else { return Err(Refusal(format!("there is no execution {id}"))) };
        let before = row.status;
        let overwrites = before.is_terminal() && mutant::is("terminal_overwrite");
        if !before.may_become(next) && !overwrites {
            return Err(Refusal(format!("execution {id} may not go from {before} to {next}")));
        }
        row.status = next;
        let at = row.available_at;
        if next.is_terminal() {
            row.ends += 1;
            self.ended.push(id);
        }
        if before.is_waiting() {
            self.waiting.remove(&(at, id.0));
        }
        if next.is_waiting() {
            self.waiting.insert((at, id.0));
        }
        Ok(())
    }

    /// Somebody who knows no rules writes over an execution that has ended; the schema refuses.
    pub(crate) fn write_over(&mut self, id: ExecutionId) -> Result<(), Refusal> {
        self.move_execution(id, ExecutionStatus::Running)
    }

    /// Moves an execution that waits, or will, in the queue.
    pub(super) fn set_available(&mut self, id: ExecutionId, at: i64) {
        let Some(row) = self.row(id) else { return };
        let (before, waits) = (row.available_at, row.status.is_waiting());
        row.available_at = at;
        if waits {
            self.waiting.remove(&(before, id.0));
            self.waiting.insert((at, id.0));
        }
    }

    /// Moves an attempt.
    pub(super) fn move_attempt(
        &mut self,
        id: ExecutionId,
        number: AttemptNumber,
        next: AttemptState,
    ) -> Result<(), Refusal> {
        let Some(row) = self.try_row(id, number) else {
            return Err(Refusal(format!("there is no attempt {id}.{number}")));
        };
        if !(row.state.may_become(next) || row.state == AttemptState::Lost && mutant::is("terminal_overwrite")) {
            return Err(Refusal(format!("attempt {id}.{number} may not go from {} to {next}", row.state)));
        }
        row.state = next;
        let worker = row.worker;
        if !next.is_live() {
            row.lease_ends_at = None;
            if let Some(live) = self.live.get_mut(&worker) {
                live.remove(&(id, number));
            }
        }
        Ok(())
    }

    /// Ends an attempt.
    pub(super) fn end_attempt(
        &mut self,
        id: ExecutionId,
        number: AttemptNumber,
        state: AttemptState,
        outcome: Option<&Outcome>,
        reason: Option<&str>,
    ) -> Result<(), Refusal> {
        self.move_attempt(id, number, state)?;
        if let Some(row) = self.try_row(id, number) {
            row.outcome = outcome.cloned();
            row.reason = reason.map(str::to_owned);
        }
        Ok(())
    }
}
