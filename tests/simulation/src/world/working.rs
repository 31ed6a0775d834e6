//! From an offer to a process: slots, claims, environments, starts.

use std::sync::Arc;
use std::time::Duration;

use attune_process::protocol::StoppedBy;
use attune_process::{How, StopReason};
use attune_queue::DeliveryTag;
use attune_store::{ClaimAnswer, ClaimRequest, HandBack, Hold};
use attune_types::{LeaseToken, Outcome};
use attune_worker::protocol::{Effect, EndedChild, Event as Step, Grant, Key, Ran, Room, State};

use super::store::Request;
use super::trees::TreeEvent;
use super::worker::{Runner, Wanted, WorkerEvent};
use super::{LEASE, MILLI, SECOND, World};
use crate::random::Random;
use crate::reach::Point;
use crate::work::behaviour;

impl World {
    /// Something may be claimed.
    pub(super) fn offer(&mut self, number: usize, key: Key, tag: Option<DeliveryTag>) {
        let worker = &mut self.workers[number];
        let offered = worker.ledger.offer(key, tag);
        let after = worker.desk.offered(offered);
        if let Some(tag) = tag.filter(|_| after.settle) {
            self.settle(number, tag, false);
        }
        if after.hand_back {
            self.hand_back_waiting(number);
        }
        if after.proceed {
            self.proceed(number);
        }
    }

    /// Does everything that the ledger allows now.
    pub(super) fn proceed(&mut self, number: usize) {
        let now = self.boot(number);
        // Any number is safe; which one is good is no matter of the protocol.
        let ahead = if self.random.percent(25) { self.random.between(1, 4) as usize } else { 0 };
        let worker = &mut self.workers[number];
        let todo = worker.desk.todo(&mut worker.ledger, Room { slots: worker.slots, ahead }, now);
        for key in todo.execute {
            self.execute_grant(number, key);
        }
        for key in todo.hand_back {
            if !self.workers[number].desk.is_draining() {
                self.reach(Point::AheadGivenBack);
            }
            if let Some(grant) = self.workers[number].ledger.unreported(key) {
                self.hand_back_one(number, unstarted(key, Some(grant.work.token)), super::worker::Then::Forget);
            }
        }
        if !todo.claim.is_empty() {
            self.claim(number, todo.claim);
        }
        if todo.is_ahead {
            self.reach(Point::ClaimedAhead);
            self.worker_later(number, SECOND, WorkerEvent::PatienceOver);
        }
        if todo.is_over {
            self.drained(number);
        }
    }

    fn claim(&mut self, number: usize, keys: Vec<Key>) {
        let asked_at = self.boot(number);
        let mut requests = Vec::with_capacity(keys.len());
        for key in &keys {
            let fresh = LeaseToken(self.random.bytes());
            let worker = &mut self.workers[number];
            let (token, again) = worker.ledger.ask(*key, fresh);
            if again {
                self.reach(Point::ClaimAskedAgain);
            }
            // Environments of these actions are not ready when they are claimed.
            let hold = Hold::Actions(Arc::new(["made.plain".to_owned(), "made.twice".to_owned()].into()));
            let Key { execution, attempt } = *key;
            let lease_ms = LEASE.as_millis() as i64;
            requests.push(ClaimRequest { execution, attempt, hold, lease_ms, token, again });
        }
        let incarnation = self.workers[number].incarnation;
        self.worker_ask(number, Wanted::Claim { keys, asked_at }, Request::Claim(incarnation, requests));
    }

    pub(super) fn claimed(
        &mut self,
        number: usize,
        keys: Vec<Key>,
        asked_at: Duration,
        answers: Option<Vec<ClaimAnswer>>,
    ) {
        let age = self.boot(number).saturating_sub(asked_at);
        let mut settled = Vec::new();
        let is_answered = answers.is_some();
        for (key, answer) in keys.iter().zip(answers.into_iter().flatten()) {
            let worker = &mut self.workers[number];
            match answer {
                ClaimAnswer::Granted(_) if !worker.policy.trusts(age, LEASE) => self.reach(Point::GrantTooOld),
                ClaimAnswer::Granted(work) => {
                    let held = work.held;
                    let start_before = asked_at.saturating_add(worker.policy.kill);
                    settled.extend(worker.ledger.granted(
                        *key,
                        Grant { work: Arc::from(work), held, granted_at: asked_at.saturating_add(age), start_before },
                    ));
                    if held {
                        self.reach(Point::Held);
                    }
                }
                ClaimAnswer::Refused => settled.extend(worker.ledger.forget(*key)),
            }
        }
        self.workers[number].ledger.unclaimed(&keys);
        for tag in settled {
            self.settle(number, tag, false);
        }
        if is_answered {
            self.workers[number].desk.answered();
        } else if let Some(pause) = self.workers[number].desk.failed() {
            self.worker_later(number, pause.as_micros() as i64, WorkerEvent::PauseOver);
        }
        self.proceed(number);
    }

    fn execute_grant(&mut self, number: usize, key: Key) {
        let presence = Arc::new(());
        let worker = &mut self.workers[number];
        let Some(grant) = worker.ledger.execute(key, &presence) else { return };
        let held = grant.held;
        let state = State::Preparing { held };
        worker.runners.insert(key, Runner { state, grant, tree: None, presence });
        if held {
            let pause = self.random.between(50 * MILLI, 6 * SECOND);
            let is_ready = !self.random.percent(5);
            self.worker_later(number, pause, WorkerEvent::Prepared(key, is_ready));
        } else {
            self.prepared(number, key, true);
        }
    }

    pub(super) fn prepared(&mut self, number: usize, key: Key, is_ready: bool) {
        let answer = if is_ready {
            Ok(())
        } else {
            self.reach(Point::EnvironmentFailed);
            Err(Outcome::EnvironmentFailed { step: "install".to_owned(), log: String::new() })
        };
        self.step(number, key, Step::Prepared(answer));
    }

    /// One step of an attempt's life.
    pub(super) fn step(&mut self, number: usize, key: Key, event: Step) {
        let Some(runner) = self.workers[number].runners.get_mut(&key) else { return };
        let state = std::mem::replace(&mut runner.state, State::Over);
        let (state, effects) = state.step(event);
        runner.state = state;
        for effect in effects {
            self.act(number, key, effect);
        }
    }

    fn act(&mut self, number: usize, key: Key, effect: Effect) {
        match effect {
            Effect::Open => self.open(number, key),
            Effect::Start => self.start(number, key),
            Effect::Terminate(_) => self.tell_tree(number, key, TreeEvent::Stop),
            Effect::Kill => self.tell_tree(number, key, TreeEvent::Kill),
            Effect::Complete(outcome) => {
                let Some(runner) = self.workers[number].runners.remove(&key) else { return };
                self.complete(number, key, &runner.grant, outcome);
                drop(runner.presence);
            }
            Effect::HandBack { reason, outcome } => {
                let Some(runner) = self.workers[number].runners.remove(&key) else { return };
                let Key { execution, attempt } = key;
                let token = Some(runner.grant.work.token);
                let request = HandBack { execution, attempt, token, never_started: false, reason, outcome };
                self.hand_back_one(number, request, super::worker::Then::Forget);
            }
            Effect::Leave => {
                let worker = &mut self.workers[number];
                worker.runners.remove(&key);
                if worker.ledger.report(key) {
                    worker.ledger.forget(key);
                }
                self.proceed_after_end(number);
            }
        }
    }

    fn tell_tree(&mut self, number: usize, key: Key, event: TreeEvent) {
        if let Some(tree) = self.workers[number].runners.get(&key).and_then(|runner| runner.tree) {
            self.tell_guard(tree, event);
        }
    }

    pub(super) fn open(&mut self, number: usize, key: Key) {
        let worker = &self.workers[number];
        let Some(runner) = worker.runners.get(&key) else { return };
        let Key { execution, attempt } = key;
        let token = Some(runner.grant.work.token);
        let (reason, never_started) = (String::new(), false);
        let request = HandBack { execution, attempt, token, never_started, reason, outcome: None };
        let incarnation = worker.incarnation;
        self.worker_ask(number, Wanted::Start(key), Request::Start(incarnation, request));
    }

    fn start(&mut self, number: usize, key: Key) {
        let pause = self.random.between(300, 8 * MILLI);
        let event = if self.random.below(500) == 0 { WorkerEvent::NotStarted(key) } else { WorkerEvent::Started(key) };
        self.worker_later(number, pause, event);
    }

    pub(super) fn started(&mut self, number: usize, key: Key) {
        let Some(runner) = self.workers[number].runners.get(&key) else { return };
        let timeout = Duration::from_millis(runner.grant.work.spec.timeout_ms);
        // How an attempt behaves depends on nothing but its name.
        let purpose = 5 + key.execution.0.unsigned_abs() * 64 + u64::from(key.attempt.0.unsigned_abs());
        let behaviour = behaviour(&mut Random::new(self.plan.seed, purpose));
        let tree = self.spawn(number, key, behaviour, timeout);
        if let Some(runner) = self.workers[number].runners.get_mut(&key) {
            runner.tree = Some(tree);
        }
        self.step(number, key, Step::Started);
    }

    pub(super) fn not_started(&mut self, number: usize, key: Key) {
        let outcome = Outcome::NotExecutable { reason: "there is no room for another process".to_owned() };
        self.step(number, key, Step::Ended(EndedChild::NotStarted(outcome)));
    }

    pub(super) fn tree_ended(&mut self, number: usize, key: Key, how: How, stopped: Option<StoppedBy>) {
        let Some(runner) = self.workers[number].runners.get(&key) else { return };
        let limit_ms = runner.grant.work.spec.timeout_ms;
        let stopped = stopped.map(|by| match by {
            StoppedBy::Timeout => StopReason::TimedOut,
            StoppedBy::Worker => StopReason::Requested("the worker".to_owned()),
            StoppedBy::Fence => StopReason::Fenced,
        });
        let ran = Ran { how, stopped, limit_ms, invalid: None, oom: None, sent_by: None };
        self.step(number, key, Step::Ended(EndedChild::Ran(ran)));
    }
}

/// Gives back what nothing was started of.
pub(super) fn unstarted(key: Key, token: Option<LeaseToken>) -> HandBack {
    let Key { execution, attempt } = key;
    let reason = "the worker takes no more work".to_owned();
    HandBack { execution, attempt, token, never_started: true, reason, outcome: None }
}
