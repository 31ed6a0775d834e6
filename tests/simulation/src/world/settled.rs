//! What must be true: after every commit, and when everything has come to rest.

use attune_process::protocol::StoppedBy;
use attune_store::{Answered, ClaimRequest, Completion, ReapReport};
use attune_types::{ExecutionId, ExecutionStatus, Outcome};
use attune_worker::protocol::Key;

use super::{MILLI, SECOND, World};
use crate::reach::Point;
use crate::truth::judge_end;
use crate::work::Behaviour;

impl World {
    /// After every commit.
    pub(super) fn judge_commit(&mut self) {
        for buried in self.database.take_buried() {
            let story = &self.stories[buried.execution.0 as usize - 1];
            let (lives, ran) = (story.lives(buried.attempt), story.ran.iter().any(|ran| ran.attempt == buried.attempt));
            let (id, attempt, now) = (buried.execution, buried.attempt, self.now);
            if lives {
                self.violations.note("buried_alive", || format!("{id}.{attempt} at {now}"));
            }
            if ran && !buried.may_have_run {
                self.violations.note("ran_unstarted", || format!("{id}.{attempt} was let run before its start"));
            }
        }
        for id in self.database.take_ended() {
            let story = &self.stories[id.0 as usize - 1];
            if story.alive() > 0 {
                let now = self.now;
                self.violations.note("ended_alive", || format!("execution {id} ended at {now} while it ran"));
            }
            if self.database.execution(id).is_some_and(|row| row.status == ExecutionStatus::Abandoned) {
                self.reach(Point::Abandoned);
            }
        }
    }

    /// Nothing runs out of time that would have ended long before.
    pub(super) fn judge_time(&mut self, key: Key, stopped: Option<StoppedBy>, behaviour: Behaviour) {
        let limit = self.database.execution(key.execution).map_or(0, |row| row.spec.timeout_ms as i64 * MILLI);
        if stopped == Some(StoppedBy::Timeout) && behaviour.runs_for < limit - 5 * SECOND {
            self.violations.note("hung", || format!("{key} ran out of its {limit} us: {behaviour:?}"));
        }
    }

    pub(super) fn judge_reaping(&mut self, report: &ReapReport) {
        if report.spared && self.database.live_attempts() > 0 {
            self.reach(Point::GapSpared);
        }
        if !report.superseded.is_empty() {
            self.reach(Point::Unclaimed);
        }
        for (id, attempt, status) in &report.lost {
            self.say(|| format!("{id}.{attempt} reaped: {status}"));
            self.reach(Point::LeaseReaped);
            if *status == ExecutionStatus::Retrying {
                self.reach(Point::LossRetried);
            }
        }
    }

    pub(super) fn reach_claim(&mut self, _: &ClaimRequest, is_granted: bool) {
        if !is_granted {
            self.reach(Point::ClaimRefused);
        }
    }

    pub(super) fn reach_end(&mut self, completion: &Completion, answer: Answered) {
        let row = self.database.execution(completion.execution);
        let (status, cancelled) = row.map_or((None, false), |row| (Some(row.status), row.cancel_by.is_some()));
        if answer == Answered::Refused {
            return self.reach(Point::LateEnd);
        }
        match (&completion.outcome, status) {
            (Outcome::Exited { code: 0 }, _) if cancelled => self.reach(Point::CancelLost),
            (Outcome::Cancelled { .. }, _) => self.reach(Point::CancelledRunning),
            (Outcome::TimedOut { .. }, _) => self.reach(Point::TimedOut),
            (Outcome::Exited { .. }, Some(ExecutionStatus::Retrying)) => self.reach(Point::FailureRetried),
            _ => {}
        }
    }

    /// Whether everything has come to rest.
    pub(super) fn is_settled(&self) -> bool {
        self.asking == 0 && self.now > self.healed_at + 60 * SECOND && self.restless().is_empty()
    }

    /// Everything that has not come to rest, by name.
    fn restless(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let open: Vec<String> = self
            .database
            .executions()
            .iter()
            .enumerate()
            .filter(|(_, row)| !row.status.is_terminal())
            .map(|(place, row)| format!("{}: {}", place + 1, row.status))
            .collect();
        if !open.is_empty() {
            found.push(("unfinished", open.join(", ")));
        }
        if !self.trees.is_empty() {
            found.push(("orphans", format!("{} trees live", self.trees.len())));
        }
        if !self.database.outbox().is_empty() {
            found.push(("leaked_outbox", format!("{:?}", self.database.outbox())));
        }
        if self.database.live_attempts() > 0 {
            found.push(("leaked_attempts", format!("{}", self.database.live_attempts())));
        }
        if self.undelivered() > 0 {
            found.push(("leaked_messages", format!("{}", self.undelivered())));
        }
        for (number, server) in self.servers.iter().enumerate() {
            if server.is_up && !server.relaying.publishing.is_empty() {
                found.push(("stuck_relay", format!("server {number} waits for a confirm")));
            }
        }
        for (number, worker) in self.workers.iter().enumerate() {
            if worker.is_up && (!worker.ledger.is_empty() || !worker.runners.is_empty()) {
                found.push(("leaked_ledger", format!("worker {number}: {:?}", worker.ledger.census())));
            }
            if worker.is_up && !worker.spool.is_empty() {
                found.push(("leaked_spool", format!("worker {number}: {:?}", worker.spool.keys())));
            }
            if worker.is_up && !worker.is_leaving && !self.is_consuming(number) {
                found.push(("deaf", format!("worker {number}")));
            }
        }
        found
    }

    /// When nothing more happens.
    pub(super) fn judge(&mut self) {
        for (name, case) in self.restless() {
            self.violations.note(name, || case);
        }
        if self.asking > 0 {
            let asking = self.asking;
            self.violations.note("unanswered", || format!("{asking} clients"));
        }
        for place in 0..self.database.executions().len() {
            let id = ExecutionId(place as i64 + 1);
            let row = &self.database.executions()[place];
            let story = &self.stories[place];
            if !row.status.is_terminal() {
                continue;
            }
            judge_end(id, row, story, &mut self.violations);
            if story.announced != Some(row.status) {
                let (announced, status) = (story.announced, row.status);
                self.violations.note("not_announced", || format!("execution {id} is {status}, told {announced:?}"));
            }
        }
    }
}
