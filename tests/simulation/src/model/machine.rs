//! A worker's side: the shell around the product's steps of an attempt.

use attune_process::How;
use attune_process::protocol::StoppedBy;
use attune_store::Completion;
use attune_types::{AttemptNumber, LeaseToken, Outcome};
use attune_worker::protocol::{Effect, EndedChild, Event, Ran as RanChild, State};

use super::small::{Call, Entry, ONLY, Phase, Said, Small, Tree, Wish};
use crate::truth::{Ran, may_start_again};

impl Small {
    pub(super) fn entry(&mut self, machine: usize, attempt: AttemptNumber) -> Option<&mut Entry> {
        self.machines[machine].entries.iter_mut().find(|entry| entry.attempt == attempt)
    }

    pub(super) fn forget(&mut self, machine: usize, attempt: AttemptNumber) {
        self.machines[machine].entries.retain(|entry| entry.attempt != attempt);
    }

    /// An order, or a beat, names an attempt.
    pub(super) fn offer(&mut self, machine: usize, attempt: AttemptNumber) {
        if self.entry(machine, attempt).is_some() {
            return;
        }
        let one = &mut self.machines[machine];
        let mut bytes = [0; 16];
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (machine as u8 + 1, one.life, one.serial, attempt.0 as u8);
        one.serial += 1;
        one.entries.push(Entry {
            attempt,
            token: LeaseToken(bytes),
            was_asked: false,
            is_late: false,
            phase: Phase::Waiting,
        });
    }

    pub(super) fn ask(&mut self, machine: usize, attempt: AttemptNumber, wish: Wish) {
        let life = self.machines[machine].life;
        let Some(token) = self.entry(machine, attempt).map(|entry| entry.token) else { return };
        let (is_forgotten, is_old) = (false, false);
        self.calls.push(Call { machine, life, attempt, token, wish, is_forgotten, is_old, said: None });
    }

    pub(super) fn claim(&mut self, machine: usize, attempt: AttemptNumber) {
        let Some(entry) = self.entry(machine, attempt) else { return };
        let again = std::mem::replace(&mut entry.was_asked, true);
        entry.phase = Phase::Claiming;
        self.ask(machine, attempt, Wish::Claim { again });
    }

    /// An answer has come; `None`: it never will.
    pub(super) fn hear(&mut self, call: &Call, said: Option<Said>) {
        let (machine, attempt) = (call.machine, call.attempt);
        match (&call.wish, said) {
            (Wish::Claim { .. }, Some(Said::Granted { held })) if !call.is_old => {
                if let Some(entry) = self.entry(machine, attempt) {
                    entry.phase = Phase::Executing(State::Preparing { held });
                }
                if !held {
                    self.step(machine, attempt, Event::Prepared(Ok(())));
                }
            }
            (Wish::Claim { .. }, Some(Said::Refused)) => self.forget(machine, attempt),
            (Wish::Claim { .. }, _) => {
                if let Some(entry) = self.entry(machine, attempt) {
                    entry.phase = Phase::Waiting;
                }
            }
            (Wish::Start, Some(said)) => {
                if let Some(entry) = self.entry(machine, attempt) {
                    entry.is_late = call.is_old;
                }
                self.step(machine, attempt, Event::Opened(said == Said::Answered(true)));
            }
            (Wish::Start, None) => self.ask(machine, attempt, Wish::Start),
            (Wish::Complete(completion), None) => {
                let wish = Wish::Complete(completion.clone());
                if let Some(Entry { phase: Phase::Reporting { is_spooled, .. }, .. }) = self.entry(machine, attempt) {
                    *is_spooled = true;
                    self.ask(machine, attempt, wish);
                }
            }
            (Wish::HandBack { .. }, None) => self.ask(machine, attempt, call.wish.clone()),
            (Wish::Complete(_) | Wish::HandBack { .. }, Some(_)) => self.forget(machine, attempt),
        }
    }

    /// One step of an attempt's life, as the product decides it.
    pub(super) fn step(&mut self, machine: usize, attempt: AttemptNumber, event: Event) {
        let Some(Entry { phase: Phase::Executing(state), .. }) = self.entry(machine, attempt) else { return };
        let before = std::mem::replace(state, State::Over);
        let (after, effects) = before.step(event);
        *state = after;
        for effect in effects {
            self.act(machine, attempt, effect);
        }
    }

    fn act(&mut self, machine: usize, attempt: AttemptNumber, effect: Effect) {
        match effect {
            Effect::Open => self.ask(machine, attempt, Wish::Start),
            // Its guard is on its way; `Move::Begin` is when it is there.
            Effect::Start => {}
            Effect::Terminate(_) | Effect::Kill => {
                let life = self.machines[machine].life;
                let own = |tree: &&mut Tree| (tree.machine, tree.life, tree.attempt) == (machine, life, attempt);
                self.trees.iter_mut().filter(own).for_each(|tree| tree.is_doomed = true);
            }
            Effect::Complete(outcome) => {
                let Some(entry) = self.entry(machine, attempt) else { return };
                let completion = Box::new(completion(attempt, entry.token, outcome));
                entry.phase = Phase::Reporting { completion: completion.clone(), is_spooled: false };
                self.ask(machine, attempt, Wish::Complete(completion));
            }
            Effect::HandBack { outcome, .. } => {
                if let Some(entry) = self.entry(machine, attempt) {
                    entry.phase = Phase::GivingBack;
                }
                self.ask(machine, attempt, Wish::HandBack { outcome });
            }
            Effect::Leave => self.forget(machine, attempt),
        }
    }

    /// The process of an attempt is there, unless its guard's fence is past: then it never gets to run.
    pub(super) fn begin(&mut self, machine: usize, attempt: AttemptNumber) {
        if self.entry(machine, attempt).is_some_and(|entry| entry.is_late) {
            let refused = Outcome::NotExecutable { reason: "too late".to_owned() };
            return self.step(machine, attempt, Event::Ended(EndedChild::NotStarted(refused)));
        }
        let Some(row) = self.database.execution(ONLY) else { return };
        if row.status.is_terminal() {
            self.violations
                .note("started_after_end", || format!("attempt {attempt} starts, and its execution has ended"));
        }
        if !self.story.ran.is_empty() && !may_start_again(&row.spec, &self.story) {
            let story = self.story.clone();
            self.violations.note("started_twice", || format!("attempt {attempt} starts after {story:?}"));
        }
        if self.story.alive() > 0 {
            self.violations.note("overlap", || format!("attempt {attempt} starts while another runs"));
        }
        let life = self.machines[machine].life;
        self.story.ran.push(Ran { attempt, how: None, is_gone: false });
        self.trees.push(Tree { machine, life, attempt, is_doomed: false });
        self.step(machine, attempt, Event::Started);
        if self.machines[machine].is_fenced {
            self.end_trees(machine, None);
        }
    }

    /// A tree ends by itself, or because somebody ended it.
    pub(super) fn end_tree(&mut self, place: usize, how: How, stopped: Option<StoppedBy>) {
        let Tree { machine, life, attempt, .. } = self.trees.remove(place);
        if let Some(ran) = self.story.ran.iter_mut().rfind(|ran| ran.attempt == attempt && !ran.is_gone) {
            (ran.how, ran.is_gone) = (Some(how), true);
        }
        if self.machines[machine].is_up && self.machines[machine].life == life {
            let stopped = stopped.map(|by| match by {
                StoppedBy::Fence => attune_process::StopReason::Fenced,
                StoppedBy::Timeout => attune_process::StopReason::TimedOut,
                StoppedBy::Worker => attune_process::StopReason::Requested("the worker".to_owned()),
            });
            let ran = RanChild { how, stopped, limit_ms: 0, invalid: None, oom: None, sent_by: None };
            self.step(machine, attempt, Event::Ended(EndedChild::Ran(ran)));
        }
    }

    /// The guards of a worker end everything; of one life, or of all.
    pub(super) fn end_trees(&mut self, machine: usize, life: Option<u8>) {
        while let Some(place) =
            self.trees.iter().position(|tree| tree.machine == machine && life.is_none_or(|life| tree.life == life))
        {
            self.end_tree(place, How::Signaled(9), Some(StoppedBy::Fence));
        }
    }
}

pub(super) fn completion(attempt: AttemptNumber, token: LeaseToken, outcome: Outcome) -> Completion {
    Completion {
        execution: ONLY,
        attempt,
        token,
        outcome,
        result: None,
        outputs: None,
        resources: None,
        evidence: None,
        logs: Vec::new(),
    }
}
