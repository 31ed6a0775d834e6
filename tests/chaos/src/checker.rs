//! What must hold when everything is over.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::{History, Known};
use crate::kind::Kind;
use crate::load::Account;
use crate::truth::{Line, Ran, Said, Truth};

/// Within this time of the announcement of its end, the tree of an action is gone.
const TREE_GONE_US: i64 = 1_000_000;

/// A time in which a machine was suspended with everything on it, in microseconds of the clock that counts suspend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Suspended {
    pub(crate) worker: String,
    pub(crate) from_us: i64,
    pub(crate) to_us: i64,
}

impl Suspended {
    /// Whether what began at this place of what is known of an execution met a tree that was suspended, and no other: the
    /// kernel lets a suspended tree keep its lock, and nobody can kill it before its machine resumes.
    fn explains(&self, ran: &Ran, place: usize) -> bool {
        let Some((line, before)) = ran.lines.get(place).zip(ran.lines.get(..place)) else { return false };
        // Who announces an end is still there, and so is what it left behind, until its guard has seen to it.
        let gone_us = self.from_us - TREE_GONE_US;
        let is_end = |other: &&Line| other.said == Said::End && other.boot_us < gone_us;
        let ended = |start: &Line| before.iter().filter(is_end).any(|end| end.attempt == start.attempt);
        let mut open = before.iter().filter(|start| start.said == Said::Start && !ended(start));
        (self.from_us..=self.to_us).contains(&line.boot_us)
            && open.any(|start| start.worker == self.worker && start.attempt != line.attempt)
    }
}

/// What the faults of a run themselves bring about.
#[derive(Debug, Default)]
pub(crate) struct Excuses {
    /// Causes of ends.
    pub(crate) causes: Vec<&'static str>,
    pub(crate) suspended: Vec<Suspended>,
}

/// Counters by name, each with what was counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) found: BTreeMap<&'static str, Vec<String>>,
}

impl Counters {
    /// Counters that must be zero.
    pub(crate) const ZERO: &'static [&'static str] = &[
        "lost",
        "late",
        "unexpected",
        "confused",
        "unanswered",
        "double_completed",
        "overlap",
        "started_twice_without_optin",
        "false_success",
        "wrong_outcome",
        "orphans",
        "zombies",
        "leaked_descriptors",
        "leaked_queues",
        "leaked_rows",
        "leaked_files",
        "leaked_processes",
        "log_gaps",
        "deaf_workers",
        "crashes",
        "torn_truth",
    ];

    pub(crate) fn add(&mut self, name: &'static str, what: impl Into<String>) {
        self.found.entry(name).or_default().push(what.into());
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.found.get(name).map_or(0, Vec::len)
    }

    /// Those that must be zero and are not.
    pub(crate) fn broken(&self) -> Vec<&'static str> {
        Self::ZERO.iter().copied().filter(|name| self.count(name) > 0).collect()
    }

    /// What the faults themselves bring about, counted beside the zeros.
    pub(crate) fn beside(&self) -> impl Iterator<Item = (&'static str, usize)> {
        let excused = self.found.iter().filter(|(name, _)| !Self::ZERO.contains(name) && **name != "recovered");
        excused.map(|(name, all)| (*name, all.len()))
    }

    /// Judges what the database says by what the actions said and what was accepted.
    pub(crate) fn judge(&mut self, history: &History, truth: &Truth, account: &Account, excuses: &Excuses) {
        for (id, accepted) in &account.accepted {
            match history.executions.get(id) {
                None if account.forgiven.contains(id) => {}
                None => self.add("lost", format!("execution {id} ({}) is nowhere", accepted.order.key)),
                Some(known) if !known.is_terminal() => {
                    self.add("lost", format!("execution {id} ({}) is still {}", known.action, known.status));
                }
                Some(_) if account.forgiven.contains(id) => {}
                Some(known) => self.judge_one(known, truth, accepted.order.kind, accepted.order.again, &excuses.causes),
            }
            if accepted.asked > 1 {
                self.add("recovered", format!("execution {id} was asked for {} times", accepted.asked));
            }
        }
        let keys: BTreeSet<&str> = account.accepted.values().map(|accepted| accepted.order.key.as_str()).collect();
        for known in history.executions.values() {
            let ours = account.accepted.contains_key(&known.id) || account.forgiven.contains(&known.id);
            // What a client never got an answer for may be there; whoever submits without asking again accepts that.
            let unanswered = account.unanswered.iter().any(|(order, _)| order.key == known.key);
            if !ours && !unanswered {
                let twice = if keys.contains(known.key.as_str()) { ", a second one of its key" } else { "" };
                self.add("unexpected", format!("execution {} ({}){twice}", known.id, known.key));
            }
        }
        account.confused.iter().for_each(|id| self.add("confused", format!("execution {id} answered two orders")));
        for (order, said) in &account.unanswered {
            self.add("unanswered", format!("{} ({}): {said}", order.key, order.action()));
        }
        for (id, ran) in &truth.by_execution {
            for (place, _) in ran.lines.iter().enumerate().filter(|(_, line)| line.said == Said::Overlap) {
                let name = if account.forgiven.contains(id) {
                    "overlap_forgotten"
                } else if excuses.suspended.iter().any(|times| times.explains(ran, place)) {
                    "overlap_suspended"
                } else {
                    "overlap"
                };
                self.add(name, format!("execution {id} began while an earlier tree of it lived"));
            }
        }
        for _ in 0..truth.damaged {
            self.add("torn_truth", "a line of the ground truth makes no sense");
        }
    }

    fn judge_one(&mut self, known: &Known, truth: &Truth, kind: Kind, again: bool, excused: &[&'static str]) {
        let id = known.id;
        if known.told != 1 {
            self.add("double_completed", format!("execution {id}: {} events tell of its end", known.told));
        }
        let ended = known.attempts.iter().filter(|attempt| attempt.state == "succeeded").count();
        if ended > 1 {
            self.add("double_completed", format!("execution {id}: {ended} attempts succeeded"));
        }
        let starts = truth.of(id).map_or(0, |ran| ran.count(Said::Start));
        let opened = known.attempts.iter().filter(|attempt| attempt.may_have_run()).count();
        if !again && (starts > 1 || opened > 1) {
            let said = format!("execution {id} ({}) began {starts} times, {opened} starts are stored", known.action);
            self.add("started_twice_without_optin", said);
        }
        if starts > opened {
            self.add("wrong_outcome", format!("execution {id} began {starts} times, but {opened} starts are stored"));
        }
        let announced = truth.of(id).is_some_and(|ran| ran.ended_with(0));
        if known.status == "completed" && (!announced || kind.exits != 0) {
            self.add(
                "false_success",
                format!("execution {id} ({}) is completed and never said that it ends", known.action),
            );
        }
        if let Some(why) = wrong(known, kind, excused) {
            self.add("wrong_outcome", format!("execution {id} ({}): {why}", known.action));
        }
        if known.attempts.len() > 1 && known.status == "completed" {
            self.add("recovered", format!("execution {id} completed at attempt {}", known.attempts.len()));
        }
    }
}

/// Why an end is not one that this kind of work can have had. Unknown ends are always possible where something was
/// killed; what nobody asked for is not.
fn wrong(known: &Known, kind: Kind, excused: &[&'static str]) -> Option<String> {
    let cause = known.cause();
    let word = cause.split(' ').next().unwrap_or_default();
    if excused.contains(&word) {
        return None;
    }
    let right = match known.status.as_str() {
        "completed" => kind.exits == 0,
        "failed" => kind.exits != 0 && cause == format!("exited {}", kind.exits),
        "cancelled" => kind.cancelled || word == "interrupted",
        "abandoned" => matches!(word, "worker_lost" | "interrupted" | ""),
        _ => false,
    };
    (!right).then(|| format!("{} by {cause}: {}", known.status, known.outcome.chars().take(160).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Attempt;
    use crate::kind::Order;
    use crate::load::Accepted;

    fn attempt(number: i64, state: &str) -> Attempt {
        Attempt {
            number,
            state: state.to_owned(),
            worker: "w".to_owned(),
            assigned_at: 1,
            claimed_at: 2,
            started_at: 2,
            ended_at: 3,
            late: false,
        }
    }

    /// One quick execution that may not run twice, completed as it should be.
    fn sound() -> (History, Truth, Account) {
        let known = Known {
            id: 1,
            action: "chaos.quick".to_owned(),
            status: "completed".to_owned(),
            requested_at: 0,
            ended_at: 3,
            key: "chaos-0".to_owned(),
            outcome: r#"{"cause":"exited","code":0}"#.to_owned(),
            attempts: vec![attempt(1, "succeeded")],
            told: 1,
        };
        let mut truth = Truth::default();
        let lines = crate::truth::Truth::parsed("start 1 1 9 1.00 w 0\nend 1 1 9 1.10 w 0\n");
        truth.by_execution = lines.by_execution;
        let kind = Kind::named("quick").expect("it is there");
        let order = Order {
            key: "chaos-0".to_owned(),
            kind,
            again: false,
            parameters: serde_json::json!({}),
            cancel_after: None,
        };
        let mut account = Account::default();
        account.accepted.insert(1, Accepted { order, asked: 1, at_us: 0 });
        let mut history = History::default();
        history.executions.insert(1, known);
        (history, truth, account)
    }

    fn broken(change: impl FnOnce(&mut Known, &mut Truth, &mut Account)) -> Vec<&'static str> {
        let (mut history, mut truth, mut account) = sound();
        change(history.executions.get_mut(&1).expect("it is there"), &mut truth, &mut account);
        let mut counters = Counters::default();
        counters.judge(&history, &truth, &account, &Excuses::default());
        counters.broken()
    }

    #[test]
    fn only_a_suspended_tree_of_an_earlier_attempt_excuses_an_overlap() {
        let count = |text: &str, forgiven: bool, name: &str| {
            let (history, _, mut account) = sound();
            account.forgiven.extend(forgiven.then_some(1));
            let suspended = Suspended { worker: "w1".to_owned(), from_us: 2_000_000, to_us: 9_000_000 };
            let excuses = Excuses { suspended: vec![suspended], ..Excuses::default() };
            let mut counters = Counters::default();
            counters.judge(&history, &Truth::parsed(text), &account, &excuses);
            counters.count(name)
        };
        let met = "start 1 1 9 0.50 w1 0\noverlap 1 2 8 5.00 w2 0\nstart 1 2 8 5.00 w2 0\nend 1 2 8 5.10 w2 0\n";
        assert_eq!((count(met, false, "overlap"), count(met, false, "overlap_suspended")), (0, 1));
        assert_eq!((count(met, true, "overlap"), count(met, true, "overlap_forgotten")), (0, 1));
        let announced = |at: &str| met.replace("overlap", &format!("end 1 1 9 {at} w1 0\noverlap"));
        assert_eq!(count(&announced("1.90"), false, "overlap"), 0, "stopped before it could exit");
        assert_eq!(count(&announced("0.90"), false, "overlap"), 1, "it had all the time to exit");
        for other in [met.replace("5.00", "9.50"), met.replace("w1", "w3"), met.replace("overlap 1 2", "overlap 1 1")] {
            assert_eq!(count(&other, false, "overlap"), 1, "{other}");
        }
    }

    #[test]
    fn what_is_sound_breaks_nothing_and_every_flaw_has_its_counter() {
        let said = |text: &str| Truth::parsed(text).by_execution;
        assert_eq!(broken(|_, _, _| {}), [""; 0]);
        assert_eq!(broken(|known, _, _| known.status = "running".to_owned()), ["lost"]);
        assert_eq!(broken(|known, _, _| known.told = 2), ["double_completed"]);
        assert_eq!(broken(|_, truth, _| truth.by_execution = said("start 1 1 9 1.00 w 0\n")), ["false_success"]);
        let overlap = "start 1 1 9 1.00 w 0\nend 1 1 9 1.10 w 0\noverlap 1 2 9 1.00 w 0\n";
        assert_eq!(broken(|_, truth, _| truth.by_execution = said(overlap)), ["overlap"]);
        assert_eq!(broken(|known, _, _| known.attempts.push(attempt(2, "lost"))), ["started_twice_without_optin"]);
        let failed = |known: &mut Known| {
            known.status = "failed".to_owned();
            known.outcome = r#"{"cause":"worker_fault"}"#.to_owned();
        };
        assert_eq!(broken(|known, _, _| failed(known)), ["wrong_outcome"]);
        assert_eq!(broken(|_, _, account| account.accepted.clear()), ["unexpected"]);
    }
}
