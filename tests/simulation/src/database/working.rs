//! Register, beat, claim, start, complete, hand back, leave.

use std::collections::HashSet;

use attune_store::rules::{self, ClaimVerdict, CompleteVerdict, Facts, HandBackVerdict, StartVerdict};
use attune_store::{
    Answered, Beat, BeatReply, ClaimAnswer, ClaimRequest, Claimed, Completion, HandBack, Hold, Registered, Registration,
};
use attune_types::{
    AttemptNumber, AttemptState, ExecutionId, ExecutionStatus, Incarnation, LeaseToken, WorkerId, WorkerStatus,
};
use serde_json::Map;

use super::rows::{Database, Refusal, WorkerRow};

impl Database {
    fn facts(
        &self,
        id: ExecutionId,
        number: AttemptNumber,
        incarnation: Option<Incarnation>,
        token: Option<LeaseToken>,
    ) -> Option<Facts> {
        let attempt = self.attempt(id, number)?;
        Some(Facts {
            status: self.execution(id)?.status,
            state: attempt.state,
            is_own: incarnation == Some(attempt.incarnation),
            has_token: token.is_some() && token == attempt.token,
        })
    }

    /// Gives a worker its name, and settles what an earlier life of the name left behind.
    pub fn register(&mut self, now: i64, registration: &Registration) -> Result<Registered, Refusal> {
        let incarnation = registration.incarnation;
        let place = self.workers.iter().position(|row| row.name == registration.name);
        let place = place.unwrap_or_else(|| {
            self.workers.push(WorkerRow {
                name: registration.name.clone(),
                status: WorkerStatus::Active,
                drain: false,
                incarnation,
                capabilities: registration.capabilities.clone(),
                last_beat_at: now,
            });
            self.workers.len() - 1
        });
        let row = &mut self.workers[place];
        let before = row.incarnation;
        // The same life once more goes on as it was; its beats say when that changes.
        if before != incarnation {
            (row.status, row.drain, row.incarnation) = (WorkerStatus::Active, false, incarnation);
        }
        row.last_beat_at = now;
        row.capabilities = registration.capabilities.clone();
        let id = WorkerId(place as i64 + 1);
        let mut settled = Vec::new();
        let live: Vec<_> = self.live.get(&id).into_iter().flatten().copied().collect();
        for (execution, number) in live {
            let Some(attempt) = self.attempt(execution, number) else { continue };
            if attempt.incarnation == incarnation {
                continue;
            }
            if attempt.state == AttemptState::Assigned {
                self.supersede(execution, number, "its worker was replaced before it claimed it")?;
            } else if registration.previous_is_dead {
                self.bury(now, execution, number)?;
            } else {
                continue;
            }
            settled.push((execution, number));
        }
        self.touched.schedule = true;
        Ok(Registered { id, replaced: (before != incarnation).then_some(before), settled })
    }

    /// Renews the leases of what a worker says it holds, and tells it what it must know. `_wall` is what the clock of the
    /// machine of the worker says; the product never looks at it.
    pub fn beat(&mut self, now: i64, beat: &Beat, _wall: i64) -> BeatReply {
        let replaced = || BeatReply { replaced: true, superseded: beat.holding.clone(), ..BeatReply::default() };
        let Some(row) = self.worker_row(beat.worker).filter(|row| row.incarnation == beat.incarnation) else {
            return replaced();
        };
        row.last_beat_at = now;
        row.status = if row.drain || beat.refuses_work { WorkerStatus::Draining } else { WorkerStatus::Active };
        let mut reply = BeatReply { drain: row.drain, ..BeatReply::default() };
        let holding: HashSet<_> = beat.holding.iter().copied().collect();
        let mut held = Vec::new();
        let live: Vec<_> = self.live.get(&beat.worker).into_iter().flatten().copied().collect();
        for key in live {
            let Some(attempt) = self.attempt(key.0, key.1).filter(|attempt| attempt.incarnation == beat.incarnation)
            else {
                continue;
            };
            if attempt.state == AttemptState::Assigned {
                reply.assigned.push(key);
                continue;
            }
            held.push(key);
            if let Some(row) = self.execution(key.0).filter(|row| row.status == ExecutionStatus::Canceling) {
                reply.cancels.push((key.0, key.1, row.cancel_by.clone().unwrap_or_default()));
            }
        }
        reply.superseded = beat.holding.iter().copied().filter(|key| !held.contains(key)).collect();
        let begin = if crate::mutant::is("reap_by_worker_clock") { _wall } else { now };
        let end = begin.saturating_add(beat.lease_ms.saturating_mul(1000));
        for (id, number) in held.into_iter().filter(|key| holding.contains(key)) {
            if let Some(row) = self.try_row(id, number) {
                row.lease_ends_at = Some(end);
            }
        }
        reply
    }

    /// Claims what is assigned to this incarnation and answers everything else with a refusal.
    pub fn claim(
        &mut self,
        now: i64,
        incarnation: Incarnation,
        requests: &[ClaimRequest],
    ) -> Result<Vec<ClaimAnswer>, Refusal> {
        requests.iter().map(|request| self.claim_one(now, incarnation, request)).collect()
    }

    fn claim_one(
        &mut self,
        now: i64,
        incarnation: Incarnation,
        request: &ClaimRequest,
    ) -> Result<ClaimAnswer, Refusal> {
        let (id, number) = (request.execution, request.attempt);
        let Some(facts) = self.facts(id, number, Some(incarnation), Some(request.token)) else {
            return Ok(ClaimAnswer::Refused);
        };
        let spec = match self.execution(id) {
            Some(row) => row.spec.clone(),
            None => return Ok(ClaimAnswer::Refused),
        };
        let lease_ends_at = Some(now.saturating_add(request.lease_ms.saturating_mul(1000)));
        let held = match rules::claim(facts, request.again) {
            ClaimVerdict::Refuse => return Ok(ClaimAnswer::Refused),
            ClaimVerdict::Cancel => {
                self.end_unstarted(now, id, number)?;
                return Ok(ClaimAnswer::Refused);
            }
            ClaimVerdict::GrantAgain { held } => held,
            ClaimVerdict::Grant => {
                let held = match &request.hold {
                    Hold::Nothing => false,
                    Hold::Everything => true,
                    Hold::Actions(actions) => actions.contains(&spec.action.to_string()),
                };
                let state = if held { AttemptState::Claimed } else { AttemptState::Running };
                self.move_attempt(id, number, state)?;
                if let Some(row) = self.try_row(id, number) {
                    (row.token, row.was_claimed, row.was_started) = (Some(request.token), true, !held);
                }
                if !held {
                    self.move_execution(id, ExecutionStatus::Running)?;
                }
                held
            }
        };
        if let Some(row) = self.try_row(id, number) {
            row.lease_ends_at = lease_ends_at;
        }
        Ok(ClaimAnswer::Granted(Box::new(Claimed {
            execution: id,
            attempt: number,
            held,
            token: request.token,
            spec: (*spec).clone(),
            parameters: Map::new(),
            trace: None,
            sealed: None,
        })))
    }

    /// Opens the start barrier of held claims.
    pub fn start(&mut self, incarnation: Incarnation, requests: &[HandBack]) -> Result<Vec<Answered>, Refusal> {
        let mut answers = vec![Answered::Refused; requests.len()];
        for (place, request) in in_order(requests) {
            let (id, number) = (request.execution, request.attempt);
            let Some(facts) = self.facts(id, number, Some(incarnation), request.token) else { continue };
            match rules::start(facts) {
                StartVerdict::Refuse => continue,
                StartVerdict::OpenAlready => {}
                StartVerdict::Open => {
                    self.move_attempt(id, number, AttemptState::Running)?;
                    if let Some(row) = self.try_row(id, number) {
                        row.was_started = true;
                    }
                    self.move_execution(id, ExecutionStatus::Running)?;
                }
            }
            answers[place] = Answered::Accepted;
        }
        Ok(answers)
    }

    /// Ends running attempts. A stale worker is refused, and what it had to say is kept aside.
    pub fn complete(&mut self, now: i64, completions: &[Completion]) -> Result<Vec<Answered>, Refusal> {
        let mut answers = vec![Answered::Refused; completions.len()];
        let mut ordered: Vec<_> = completions.iter().enumerate().collect();
        ordered.sort_by_key(|(_, completion)| completion.execution);
        for (place, completion) in ordered {
            let (id, number) = (completion.execution, completion.attempt);
            let Some(facts) = self.facts(id, number, None, Some(completion.token)) else { continue };
            match rules::complete(facts) {
                CompleteVerdict::Refuse => {}
                CompleteVerdict::Late => {
                    if let Some(row) = self.try_row(id, number)
                        && row.late.is_none()
                        && row.outcome.as_ref() != Some(&completion.outcome)
                    {
                        row.late = Some(completion.outcome.clone());
                    }
                }
                CompleteVerdict::Apply => {
                    let state = completion.outcome.attempt_state();
                    self.end_attempt(id, number, state, Some(&completion.outcome), None)?;
                    self.settle(now, id, &completion.outcome)?;
                    answers[place] = Answered::Accepted;
                }
            }
        }
        Ok(answers)
    }

    /// Gives back attempts that never started.
    pub fn hand_back(
        &mut self,
        now: i64,
        incarnation: Incarnation,
        requests: &[HandBack],
        most_unstarted: i32,
    ) -> Result<Vec<Answered>, Refusal> {
        let mut answers = vec![Answered::Refused; requests.len()];
        for (place, request) in in_order(requests) {
            let (id, number) = (request.execution, request.attempt);
            let Some(facts) = self.facts(id, number, Some(incarnation), request.token) else { continue };
            match (rules::hand_back(facts, request.never_started), &request.outcome) {
                (HandBackVerdict::Refuse, _) => continue,
                (HandBackVerdict::Cancel, _) => self.end_unstarted(now, id, number)?,
                (HandBackVerdict::Retry, _) => {
                    self.take_unstarted(now, id, number, &request.reason, most_unstarted)?;
                }
                (HandBackVerdict::Requeue, None) => {
                    self.give_back(now, id, number, &request.reason, most_unstarted)?;
                }
                (HandBackVerdict::Requeue, Some(outcome)) => {
                    let state = match facts.state {
                        AttemptState::Claimed => AttemptState::Failed,
                        _ => AttemptState::Rejected,
                    };
                    self.end_attempt(id, number, state, Some(outcome), Some(&request.reason))?;
                    self.settle(now, id, outcome)?;
                }
            }
            answers[place] = Answered::Accepted;
        }
        Ok(answers)
    }

    /// Marks a worker as left.
    pub fn deregister(&mut self, id: WorkerId, incarnation: Incarnation) -> Result<(), Refusal> {
        let Some(row) = self.worker_row(id).filter(|row| row.incarnation == incarnation) else { return Ok(()) };
        (row.status, row.drain) = (WorkerStatus::Inactive, false);
        let unclaimed = self.unclaimed(id);
        let own = |key: &(ExecutionId, AttemptNumber)| {
            self.attempt(key.0, key.1).is_some_and(|attempt| attempt.incarnation == incarnation)
        };
        let unclaimed = unclaimed.into_iter().filter(own).collect();
        self.supersede_all(unclaimed, "its worker left")?;
        Ok(())
    }

    /// Asks a worker to drain, or to take work again.
    pub fn set_drain(&mut self, name: &str, drain: bool) -> bool {
        let Some(row) = self.workers.iter_mut().find(|row| row.name == name) else { return false };
        row.drain = drain;
        if matches!(row.status, WorkerStatus::Active | WorkerStatus::Draining) {
            row.status = if drain { WorkerStatus::Draining } else { WorkerStatus::Active };
        }
        self.touched.schedule |= !drain;
        true
    }
}

fn in_order(requests: &[HandBack]) -> Vec<(usize, &HandBack)> {
    let mut ordered: Vec<_> = requests.iter().enumerate().collect();
    ordered.sort_by_key(|(_, request)| request.execution);
    ordered
}
