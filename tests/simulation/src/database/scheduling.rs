//! Submit, look, assign, take back, outbox, cancel.

use std::sync::Arc;

use attune_store::{
    Assigned, Assignment, CancelAnswer, OutboxMessage, Placeable, PlacementView, ReaperPolicy, Submitted, Waiting,
};
use attune_types::{
    AttemptNumber, AttemptState, Envelope, ExecutionId, ExecutionSpec, ExecutionStatus, Outcome, Payload, Timestamp,
    WorkerId, WorkerStatus,
};

use super::rows::{AttemptRow, Database, ExecutionRow, Refusal};

impl Database {
    /// Accepts an execution; a key that was used before answers with the execution it made then.
    pub fn submit(
        &mut self,
        now: i64,
        spec: Arc<ExecutionSpec>,
        requirement_key: Arc<str>,
        key: Option<String>,
    ) -> Submitted {
        if let Some(id) = key.as_ref().and_then(|key| self.keys.get(key)) {
            return Submitted { id: *id, repeated: true };
        }
        self.executions.push(ExecutionRow {
            spec,
            requirement_key,
            status: ExecutionStatus::Requested,
            tries: 0,
            unstarted: 0,
            available_at: now,
            cancel_by: None,
            outcome: None,
            ends: 0,
            attempts: Vec::new(),
        });
        let id = ExecutionId(self.executions.len() as i64);
        self.waiting.insert((now, id.0));
        if let Some(key) = key {
            self.keys.insert(key, id);
        }
        self.touched.schedule = true;
        Submitted { id, repeated: false }
    }

    /// What waits and who is there.
    #[must_use]
    pub fn placement_view(&self, now: i64, limit: u32, skip: &[String]) -> PlacementView {
        let due = self.waiting.range(..=(now, i64::MAX)).filter_map(|(_, id)| {
            let execution = ExecutionId(*id);
            let row = self.execution(execution)?;
            if skip.iter().any(|key| **key == *row.requirement_key) {
                return None;
            }
            let (requirement, requirement_key) = (row.spec.requirement.clone(), row.requirement_key.to_string());
            Some(Waiting { execution, requirement, requirement_key })
        });
        let waiting = due.take(limit as usize).collect();
        let mut workers: Vec<Placeable> = Vec::with_capacity(self.workers.len());
        for (place, row) in self.workers.iter().enumerate() {
            if row.status == WorkerStatus::Inactive {
                continue;
            }
            let worker = WorkerId(place as i64 + 1);
            let live = self.live.get(&worker);
            let is_unclaimed = |key: &&(ExecutionId, AttemptNumber)| {
                self.attempt(key.0, key.1).is_some_and(|attempt| attempt.state == AttemptState::Assigned)
            };
            workers.push(Placeable {
                worker,
                name: row.name.clone(),
                incarnation: row.incarnation,
                capabilities: row.capabilities.clone(),
                status: row.status,
                live: live.map_or(0, |live| live.len() as u32),
                unclaimed: live.map_or(0, |live| live.iter().filter(is_unclaimed).count() as u32),
            });
        }
        workers.sort_by(|left, right| left.name.cmp(&right.name));
        PlacementView { waiting, workers }
    }

    /// Assigns what still waits to workers that still have room.
    pub fn assign(
        &mut self,
        now: i64,
        assignments: &[Assignment],
        policy: &ReaperPolicy,
    ) -> Result<Vec<Assigned>, Refusal> {
        let mut made = Vec::with_capacity(assignments.len());
        for assignment in assignments {
            let (id, worker, incarnation) = (assignment.execution, assignment.worker, assignment.incarnation);
            let live = self.live.get(&worker).map_or(0, |live| live.len() as u32);
            let Some(row) = self.worker_row(worker) else { continue };
            if row.status != WorkerStatus::Active || row.incarnation != incarnation || live >= assignment.most_live {
                continue;
            }
            let Some(row) = self.row(id) else { continue };
            if !row.status.is_waiting() || row.available_at > now {
                continue;
            }
            let attempt = AttemptNumber(row.attempts.len() as i32 + 1);
            row.attempts.push(AttemptRow {
                state: AttemptState::Assigned,
                worker,
                incarnation,
                token: None,
                assigned_at: now,
                dispatch_deadline: now.saturating_add(policy.dispatch_ms.saturating_mul(1000)),
                lease_ends_at: None,
                was_claimed: false,
                was_started: false,
                outcome: None,
                reason: None,
                late: None,
            });
            if row.attempts.iter().filter(|attempt| attempt.state.is_live()).count() > 1 {
                return Err(Refusal(format!("execution {id} may not have two live attempts")));
            }
            self.move_execution(id, ExecutionStatus::Scheduled)?;
            self.live.entry(worker).or_default().insert((id, attempt));
            let payload = Payload::Scheduled { execution: id, attempt, worker, incarnation };
            let held = now.saturating_add(policy.outbox_hold_ms.saturating_mul(1000));
            let row = self.send(now, held, payload.clone());
            made.push(Assigned { execution: id, attempt, worker, message: message(row, now, payload) });
        }
        Ok(made)
    }

    /// Takes back up to `at_most` attempts that a worker has not claimed, newest first.
    pub fn take_back(&mut self, worker: WorkerId, at_most: u32) -> Result<Vec<ExecutionId>, Refusal> {
        let mut unclaimed = self.unclaimed(worker);
        unclaimed.sort_by_key(|(id, number)| {
            let assigned_at = self.attempt(*id, *number).map_or(0, |attempt| attempt.assigned_at);
            (std::cmp::Reverse(assigned_at), std::cmp::Reverse(*id))
        });
        unclaimed.truncate(at_most as usize);
        self.supersede_all(unclaimed, "taken back for a worker with free slots")
    }

    pub(super) fn unclaimed(&self, worker: WorkerId) -> Vec<(ExecutionId, AttemptNumber)> {
        let live = self.live.get(&worker).into_iter().flatten().copied();
        live.filter(|(id, number)| {
            self.attempt(*id, *number).is_some_and(|attempt| attempt.state == AttemptState::Assigned)
        })
        .collect()
    }

    pub(super) fn supersede_all(
        &mut self,
        mut attempts: Vec<(ExecutionId, AttemptNumber)>,
        reason: &str,
    ) -> Result<Vec<ExecutionId>, Refusal> {
        attempts.sort_unstable();
        for (id, number) in &attempts {
            self.supersede(*id, *number, reason)?;
        }
        Ok(attempts.into_iter().map(|(id, _)| id).collect())
    }

    /// Takes messages that nobody holds, oldest first.
    pub fn take_outbox(&mut self, now: i64, limit: u32, hold_ms: i64) -> Vec<OutboxMessage> {
        let until = now.saturating_add(hold_ms.saturating_mul(1000));
        let free = self.outbox.iter_mut().filter(|(_, row)| row.held_until <= now).take(limit as usize);
        free.map(|(id, row)| {
            row.held_until = until;
            message(*id, row.occurred_at, row.payload.clone())
        })
        .collect()
    }

    /// Deletes what was confirmed.
    pub fn delete_outbox(&mut self, ids: &[i64]) {
        for id in ids {
            self.outbox.remove(id);
        }
    }

    /// What has not started ends at once; what runs becomes `canceling` and its worker is told.
    pub fn cancel(&mut self, now: i64, id: ExecutionId, by: &str) -> Result<CancelAnswer, Refusal> {
        let Some(row) = self.row(id) else { return Ok(CancelAnswer::Unknown) };
        let number = AttemptNumber(row.attempts.len() as i32);
        let attempt = row.attempts.last().map(|attempt| (attempt.worker, attempt.state));
        match row.status {
            ExecutionStatus::Canceling => Ok(CancelAnswer::Canceling),
            status if status.is_terminal() => Ok(CancelAnswer::AlreadyEnded(status)),
            ExecutionStatus::Running => {
                row.cancel_by = Some(by.to_owned());
                self.move_execution(id, ExecutionStatus::Canceling)?;
                if let Some((worker, _)) = attempt {
                    self.send(now, 0, Payload::Cancel { execution: id, worker });
                }
                Ok(CancelAnswer::Canceling)
            }
            _ => {
                row.cancel_by = Some(by.to_owned());
                if let Some((worker, state)) = attempt.filter(|(_, state)| state.is_live()) {
                    let reason = Some("cancelled before anything ran");
                    self.end_attempt(id, number, AttemptState::Superseded, None, reason)?;
                    if state == AttemptState::Claimed {
                        self.send(now, 0, Payload::Cancel { execution: id, worker });
                    }
                }
                self.end(now, id, ExecutionStatus::Cancelled, &Outcome::Cancelled { by: by.to_owned() })?;
                Ok(CancelAnswer::Cancelled)
            }
        }
    }
}

fn message(id: i64, occurred_at: i64, payload: Payload) -> OutboxMessage {
    let message_id = id.to_string();
    let occurred_at = Timestamp(occurred_at);
    OutboxMessage {
        id,
        envelope: Envelope { version: Envelope::VERSION, message_id, occurred_at, trace: None, payload },
    }
}
