//! What can happen next.

use std::collections::HashSet;

use attune_process::How;
use attune_process::protocol::StoppedBy;
use attune_store::{Answered, Assignment, Beat, ClaimAnswer, ClaimRequest, HandBack, Hold, ReaperPolicy};
use attune_types::{AttemptNumber, AttemptState, Outcome, WorkerId};
use attune_worker::protocol::{Command, Event, State, Stop, StopCause, commands};

use super::small::{Entry, Kind, LATER, NOW, ONLY, Phase, Said, Small, Wish, incarnation, registration};
use crate::database::Refusal;
use crate::truth::judge_end;

/// One thing that can happen. Numbers are places: of a scheduler, a worker, a question, a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Move {
    /// A scheduler looks, and decides for this worker.
    Look(usize, usize),
    /// It writes down what it decided.
    Assign(usize),
    /// An order for this attempt reaches a worker.
    Order(usize, AttemptNumber),
    /// A worker beats, and hears what it must know.
    Beat(usize),
    /// A worker claims what it waits for.
    Claim(usize, AttemptNumber),
    /// A question is answered by the store.
    Serve(usize),
    /// The answer arrives.
    Hear(usize),
    /// The question, or its answer, is lost.
    Lose(usize),
    /// Whoever asked gives up, and the question travels on.
    GiveUp(usize),
    /// An environment is there, or never will be.
    Prepared(usize, AttemptNumber, bool),
    /// A process is there.
    Begin(usize, AttemptNumber),
    /// A process ends with this code.
    Exit(usize, i32),
    /// A process that somebody ended is gone.
    Die(usize),
    /// A worker asks an attempt to end, because it leaves.
    Interrupt(usize, AttemptNumber),
    /// A client cancels.
    Cancel,
    /// A worker is killed.
    Kill(usize),
    /// It comes back, and ends what its earlier life left running.
    Return(usize),
    /// It offers an end of its earlier life.
    Offer(usize),
    /// It registers, with evidence or without.
    Register(usize, bool),
    /// The time of an attempt runs out.
    Silence(AttemptNumber),
}

impl Small {
    /// Everything that can happen now.
    #[must_use]
    pub fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        let Some(row) = self.database.execution(ONLY) else { return moves };
        for (scheduler, plan) in self.schedulers.iter().enumerate() {
            match plan {
                Some(_) => moves.push(Move::Assign(scheduler)),
                // Who is gone is soon not looked at any more; what was decided for it before may still be written down.
                None if row.status.is_waiting() => {
                    let is_there =
                        |worker: &usize| self.machines[*worker].is_up && self.machines[*worker].is_registered;
                    // The first decision is for the first worker: they are alike until then.
                    let is_first = row.attempts.is_empty() && self.schedulers.iter().all(Option::is_none);
                    let workers = if is_first { 0..1 } else { 0..2 };
                    moves.extend(workers.filter(is_there).map(|worker| Move::Look(scheduler, worker)));
                }
                None => {}
            }
        }
        for (place, call) in self.calls.iter().enumerate() {
            match call.said {
                None => moves.push(Move::Serve(place)),
                Some(_) => moves.push(Move::Hear(place)),
            }
            if self.faults.losses > 0 && !call.is_forgotten {
                moves.push(Move::Lose(place));
                if call.said.is_none() {
                    moves.push(Move::GiveUp(place));
                }
            }
        }
        for (place, tree) in self.trees.iter().enumerate() {
            moves.push(Move::Exit(place, 0));
            if row.spec.retry.is_some() {
                moves.push(Move::Exit(place, 3));
            }
            if tree.is_doomed {
                moves.push(Move::Die(place));
            }
        }
        if self.faults.cancels > 0 && !row.status.is_terminal() {
            moves.push(Move::Cancel);
        }
        for (place, attempt) in row.attempts.iter().enumerate() {
            let number = AttemptNumber(place as i32 + 1);
            let machine = (attempt.worker.0 - 1) as usize;
            let is_due = !self.machines[machine].is_up || self.faults.silences > 0;
            if attempt.state.is_live() && is_due {
                moves.push(Move::Silence(number));
            }
            let one = &self.machines[machine];
            let is_own = one.is_up && one.is_registered && attempt.incarnation == incarnation(machine, one.life);
            let is_known = one.entries.iter().any(|entry| entry.attempt == number);
            if is_own && !is_known && (attempt.state == AttemptState::Assigned || self.faults.repeats > 0) {
                moves.push(Move::Order(machine, number));
            }
        }
        for machine in 0..2 {
            self.machine_moves(machine, &mut moves);
        }
        moves
    }

    fn machine_moves(&self, machine: usize, moves: &mut Vec<Move>) {
        let one = &self.machines[machine];
        if !one.is_up {
            return moves.push(Move::Return(machine));
        }
        if !one.is_registered {
            if !one.spool.is_empty() {
                moves.push(Move::Offer(machine));
            }
            // Evidence is that nothing lives and that nothing is still to be said.
            return moves.push(Move::Register(machine, one.spool.is_empty()));
        }
        if !one.spool.is_empty() {
            moves.push(Move::Offer(machine));
        }
        moves.push(Move::Beat(machine));
        if self.faults.kills > 0 {
            moves.push(Move::Kill(machine));
        }
        for entry in &one.entries {
            let attempt = entry.attempt;
            match &entry.phase {
                Phase::Waiting => moves.push(Move::Claim(machine, attempt)),
                Phase::Executing(State::Preparing { held: true }) => {
                    moves.push(Move::Prepared(machine, attempt, true));
                    if self.faults.silences > 0 {
                        moves.extend([Move::Prepared(machine, attempt, false), Move::Interrupt(machine, attempt)]);
                    }
                }
                Phase::Executing(State::Starting { .. }) => moves.push(Move::Begin(machine, attempt)),
                _ => {}
            }
        }
    }

    /// What is after that happened.
    #[must_use]
    pub fn after(&self, one: Move, kind: Kind) -> Self {
        let mut next = self.clone();
        if let Err(refusal) = next.happen(one, kind) {
            next.violations.note("schema_refused", || refusal.0);
        }
        next.judge();
        next
    }

    fn happen(&mut self, one: Move, kind: Kind) -> Result<(), Refusal> {
        let policy = ReaperPolicy::default();
        match one {
            Move::Look(scheduler, machine) => {
                let worker = WorkerId(machine as i64 + 1);
                let Some(row) = self.database.workers().get(machine) else { return Ok(()) };
                let incarnation = row.incarnation;
                self.schedulers[scheduler] = Some(Assignment { execution: ONLY, worker, incarnation, most_live: 4 });
            }
            Move::Assign(scheduler) => {
                let plan = self.schedulers[scheduler].take();
                self.database.assign(LATER, plan.as_slice(), &policy)?;
            }
            Move::Order(machine, attempt) => {
                let row = self.database.attempt(ONLY, attempt);
                if row.is_some_and(|row| row.state != AttemptState::Assigned) {
                    self.faults.repeats -= 1;
                }
                self.offer(machine, attempt);
            }
            Move::Beat(machine) => self.beat(machine),
            Move::Claim(machine, attempt) => self.claim(machine, attempt),
            Move::Serve(place) => self.serve(place, kind)?,
            Move::Hear(place) => {
                let call = self.calls.remove(place);
                if !call.is_forgotten {
                    self.hear(&call, call.said);
                }
            }
            Move::Lose(place) => {
                self.faults.losses -= 1;
                let call = self.calls.remove(place);
                self.hear(&call, None);
            }
            Move::GiveUp(place) => {
                self.faults.losses -= 1;
                self.calls[place].is_forgotten = true;
                let call = self.calls[place].clone();
                self.hear(&call, None);
            }
            Move::Prepared(machine, attempt, is_ready) => {
                let failed = || Outcome::EnvironmentFailed { step: String::new(), log: String::new() };
                if !is_ready {
                    self.faults.silences -= 1;
                }
                self.step(machine, attempt, Event::Prepared(if is_ready { Ok(()) } else { Err(failed()) }));
            }
            Move::Begin(machine, attempt) => self.begin(machine, attempt),
            Move::Exit(place, code) => self.end_tree(place, How::Exited(code), None),
            Move::Die(place) => self.end_tree(place, How::Signaled(9), Some(StoppedBy::Worker)),
            Move::Interrupt(machine, attempt) => {
                self.faults.silences -= 1;
                let cause = StopCause::Draining { by: String::new() };
                self.step(machine, attempt, Event::Stop(Stop { cause, kill: false }));
            }
            Move::Cancel => {
                self.faults.cancels -= 1;
                self.story.cancelled = true;
                self.database.cancel(NOW, ONLY, "ada")?;
            }
            Move::Kill(machine) => self.kill(machine),
            Move::Return(machine) => {
                self.end_trees(machine, None);
                let one = &mut self.machines[machine];
                (one.is_up, one.is_registered, one.is_fenced, one.serial) = (true, false, false, 0);
                one.life += 1;
            }
            Move::Offer(machine) => {
                // Where losses are left, one may be the answer to this; the product asks for ever.
                if let Some(completion) = self.machines[machine].spool.pop() {
                    self.database.complete(NOW, &[completion])?;
                }
            }
            Move::Register(machine, evidence) => {
                let life = self.machines[machine].life;
                self.database.register(NOW, &registration(machine, life, evidence))?;
                self.machines[machine].is_registered = true;
            }
            Move::Silence(attempt) => self.silence(attempt)?,
        }
        Ok(())
    }

    fn kill(&mut self, machine: usize) {
        self.faults.kills -= 1;
        let one = &mut self.machines[machine];
        one.is_up = false;
        for entry in std::mem::take(&mut one.entries) {
            if let Phase::Reporting { completion, is_spooled: true } = entry.phase {
                one.spool.push(*completion);
            }
        }
        for tree in self.trees.iter_mut().filter(|tree| tree.machine == machine) {
            tree.is_doomed = true;
        }
        // What was asked may still arrive; what was answered nobody hears.
        self.calls.retain(|call| call.machine != machine || call.said.is_none());
        self.calls.iter_mut().filter(|call| call.machine == machine).for_each(|call| call.is_forgotten = true);
    }

    /// Nothing was heard of the worker of an attempt until its time was over. Whatever it runs its fence has ended by then,
    /// a grant that is still on its way to it is too old to be made use of, and so is what its guards were asked to start.
    fn silence(&mut self, attempt: AttemptNumber) -> Result<(), Refusal> {
        let Some(row) = self.database.attempt(ONLY, attempt) else { return Ok(()) };
        let (machine, state) = ((row.worker.0 - 1) as usize, row.state);
        let is_own = row.incarnation == incarnation(machine, self.machines[machine].life);
        if self.machines[machine].is_up {
            self.faults.silences -= 1;
        }
        let is_assigned = state == AttemptState::Assigned;
        if !is_assigned {
            let is_held = self.entry(machine, attempt).is_some_and(|entry| {
                matches!(entry.phase, Phase::Executing(_) | Phase::Reporting { .. } | Phase::GivingBack)
            });
            if is_own && is_held {
                self.machines[machine].is_fenced = true;
                self.end_trees(machine, None);
                let starting = |entry: &&mut Entry| matches!(entry.phase, Phase::Executing(State::Starting { .. }));
                self.machines[machine].entries.iter_mut().filter(starting).for_each(|entry| entry.is_late = true);
            }
            self.end_trees_of_the_dead(machine);
            self.calls
                .iter_mut()
                .filter(|call| (call.machine, call.attempt) == (machine, attempt))
                .for_each(|call| call.is_old = true);
        }
        let overdue =
            if is_assigned { attune_store::rules::Overdue::Unclaimed } else { attune_store::rules::Overdue::Lost };
        self.database.end_overdue(NOW, ONLY, attempt, overdue)?;
        Ok(())
    }

    /// The guards of a life that is over have ended everything long before its leases run out.
    fn end_trees_of_the_dead(&mut self, machine: usize) {
        let (is_up, life) = (self.machines[machine].is_up, self.machines[machine].life);
        for earlier in 0..=life {
            if earlier < life || !is_up {
                self.end_trees(machine, Some(earlier));
            }
        }
    }

    fn beat(&mut self, machine: usize) {
        let one = &mut self.machines[machine];
        one.is_fenced = false;
        let is_held = |entry: &&Entry| !matches!(entry.phase, Phase::Waiting | Phase::Claiming);
        let beat = Beat {
            worker: WorkerId(machine as i64 + 1),
            incarnation: incarnation(machine, one.life),
            holding: one.entries.iter().filter(is_held).map(|entry| (ONLY, entry.attempt)).collect(),
            lease_ms: 45_000,
            refuses_work: false,
        };
        let reply = self.database.beat(NOW, &beat, NOW);
        for command in commands(reply, false) {
            match command {
                Command::Leave | Command::Accept(_) => {}
                Command::Kill(keys) => {
                    for key in keys {
                        let stop = Stop { cause: StopCause::TakenAway, kill: true };
                        self.step(machine, key.attempt, Event::Stop(stop));
                    }
                }
                Command::Cancel { by, .. } => {
                    let attempts: Vec<AttemptNumber> =
                        self.machines[machine].entries.iter().map(|entry| entry.attempt).collect();
                    for attempt in attempts {
                        let cause = StopCause::Cancelled { by: by.clone() };
                        self.step(machine, attempt, Event::Stop(Stop { cause, kill: false }));
                    }
                }
                Command::Offer(key) => self.offer(machine, key.attempt),
            }
        }
    }

    fn serve(&mut self, place: usize, kind: Kind) -> Result<(), Refusal> {
        let call = self.calls[place].clone();
        let incarnation = incarnation(call.machine, call.life);
        let hand_back = |outcome: Option<Outcome>| HandBack {
            execution: ONLY,
            attempt: call.attempt,
            token: Some(call.token),
            never_started: false,
            reason: String::new(),
            outcome,
        };
        let said = match &call.wish {
            Wish::Claim { again } => {
                let hold = if kind.is_held { Hold::Everything } else { Hold::Nothing };
                let (execution, attempt, token) = (ONLY, call.attempt, call.token);
                let request = ClaimRequest { execution, attempt, hold, lease_ms: 45_000, token, again: *again };
                match self.database.claim(NOW, incarnation, &[request])?.pop() {
                    Some(ClaimAnswer::Granted(work)) => Said::Granted { held: work.held },
                    _ => Said::Refused,
                }
            }
            Wish::Start => accepted(&self.database.start(incarnation, &[hand_back(None)])?),
            Wish::Complete(completion) => accepted(&self.database.complete(NOW, std::slice::from_ref(completion))?),
            Wish::HandBack { outcome } => {
                let most = ReaperPolicy::default().most_unstarted;
                accepted(&self.database.hand_back(NOW, incarnation, &[hand_back(outcome.clone())], most)?)
            }
        };
        if call.is_forgotten {
            self.calls.remove(place);
        } else {
            self.calls[place].said = Some(said);
        }
        Ok(())
    }

    /// What must be true of every state.
    fn judge(&mut self) {
        self.database.settle_for_comparison();
        for buried in self.database.take_buried() {
            if self.story.lives(buried.attempt) {
                self.violations.note("buried_alive", || format!("attempt {}", buried.attempt));
            }
            if !buried.may_have_run && self.story.ran.iter().any(|ran| ran.attempt == buried.attempt) {
                self.violations.note("ran_unstarted", || format!("attempt {}", buried.attempt));
            }
        }
        let ended: HashSet<_> = self.database.take_ended().into_iter().collect();
        if !ended.is_empty() && self.story.alive() > 0 {
            self.violations.note("ended_alive", || format!("{:?}", self.story.ran));
        }
        let Some(row) = self.database.execution(ONLY) else { return };
        if row.status.is_terminal() {
            judge_end(ONLY, row, &self.story, &mut self.violations);
        }
    }
}

fn accepted(answers: &[Answered]) -> Said {
    Said::Answered(answers.first() == Some(&Answered::Accepted))
}
