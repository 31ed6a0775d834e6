//! How the child of an attempt ended, as far as the outcome depends on it.

use std::time::Duration;

use attune_process::{Ended, How, LimitName, OomEvidence, OomScope, StopReason};
use attune_types::{MemoryOf, Outcome};

use super::stop_cause::StopCause;

/// `SIGKILL`, `SIGXCPU`, `SIGXFSZ` and `SIGSYS`, as Linux numbers them on every machine it runs on today but MIPS.
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;
const SIGSYS: i32 = 31;
/// From this sandbox level on there is a filter of system calls.
const FILTERED: u8 = 3;

/// How the child of an attempt ended, as far as the outcome depends on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndedChild {
    /// It never ran, for this reason.
    NotStarted(Outcome),
    /// It ran.
    Ran(Ran),
}

/// The end of a child that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// How the process ended.
    pub how: How,
    /// Whether this side ended it.
    pub stopped: Option<StopReason>,
    /// Its time limit in milliseconds.
    pub limit_ms: u64,
    /// What is wrong with its result, if anything.
    pub invalid: Option<String>,
    /// Whether the kernel killed for memory.
    pub oom: Option<OomEvidence>,
    /// Who sent the signal that ended it, where there is only one who can have done so.
    pub sent_by: Option<String>,
}

impl Ran {
    /// The end that `ended` tells of.
    pub fn of(ended: &Ended, limit_ms: u64, invalid: Option<String>) -> Self {
        Self {
            how: ended.how,
            stopped: ended.stopped_because.clone(),
            limit_ms,
            invalid,
            oom: ended.oom,
            sent_by: sender(ended),
        }
    }
}

impl EndedChild {
    /// The outcome, given the cause for which it had been asked to stop.
    pub fn outcome(self, cause: Option<&StopCause>) -> Outcome {
        let ran = match self {
            Self::NotStarted(outcome) => return outcome,
            Self::Ran(ran) => ran,
        };
        match ran.stopped {
            Some(StopReason::TimedOut) => return Outcome::TimedOut { limit_ms: ran.limit_ms },
            Some(StopReason::OutputLimit { max_bytes, .. }) => return Outcome::OutputLimit { limit_bytes: max_bytes },
            Some(StopReason::Fenced) => {
                let by = || Outcome::Interrupted { by: "the worker: its lease could not be renewed".to_owned() };
                return cause.map_or_else(by, StopCause::outcome);
            }
            Some(StopReason::Requested(words)) => {
                return cause.map_or(Outcome::Interrupted { by: words }, StopCause::outcome);
            }
            None => {}
        }
        if let Some(oom) = ran.oom.filter(|oom| is_proven(*oom, ran.how)) {
            let of = match oom.scope {
                OomScope::Execution => MemoryOf::Execution,
                OomScope::Surroundings => MemoryOf::Worker,
            };
            return Outcome::OomKilled { limit_bytes: oom.limit_bytes, peak_bytes: oom.peak_bytes, of };
        }
        match (ran.how, ran.invalid) {
            // How it ended is unknown in both cases, and unknown is not called failed.
            (How::GuardLost(loss), _) => Outcome::Interrupted { by: format!("the loss of its guard: {loss}") },
            (How::Unknown, _) => Outcome::Interrupted { by: "something that took its end from the worker".to_owned() },
            (How::Signaled(signal), _) => Outcome::Signaled { signal, sent_by: ran.sent_by },
            (How::Exited(0), Some(position)) => Outcome::OutputInvalid { position },
            (How::Exited(code), _) => Outcome::Exited { code },
        }
    }
}

/// Whether the kernel's killing for memory is why this child ended. A script whose helper was killed at the script's own
/// limit fails because of it, whatever code it then chose; one that exits 0 got over it. Where the memory of others ran
/// out, only a kill of the child itself that nobody asked for counts.
fn is_proven(oom: OomEvidence, how: How) -> bool {
    match oom.scope {
        OomScope::Execution => !matches!(how, How::Exited(0)),
        OomScope::Surroundings => how == How::Signaled(SIGKILL),
    }
}

/// Who sent the signal that ended a child, where its limits and its sandbox leave no doubt.
fn sender(ended: &Ended) -> Option<String> {
    let How::Signaled(signal) = ended.how else { return None };
    let asked = |name| ended.limits.entries.iter().find(|entry| entry.name == name).map(|entry| entry.asked);
    let used = ended.usage.user + ended.usage.system;
    match signal {
        SIGXCPU => asked(LimitName::Cpu).map(cpu_words),
        // Who goes on after SIGXCPU is killed.
        SIGKILL => asked(LimitName::Cpu).filter(|seconds| used >= Duration::from_secs(*seconds)).map(cpu_words),
        SIGXFSZ => {
            asked(LimitName::FileBytes).map(|bytes| format!("the kernel: its limit of {bytes} bytes for one file"))
        }
        SIGSYS if ended.sandbox.level.number() >= FILTERED => {
            Some("the kernel: a system call that its sandbox refuses".to_owned())
        }
        _ => None,
    }
}

fn cpu_words(seconds: u64) -> String {
    format!("the kernel: its limit of {seconds} s of processor time")
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_process::{GuardLoss, Stream};

    fn ran(how: How, stopped: Option<StopReason>, invalid: Option<&str>) -> Ran {
        Ran { how, stopped, limit_ms: 7, invalid: invalid.map(str::to_owned), oom: None, sent_by: None }
    }

    #[test]
    fn every_end_has_its_outcome() {
        let asked = || Some(StopReason::Requested("words".into()));
        let ada = StopCause::Cancelled { by: "ada".into() };
        let too_much = StopReason::OutputLimit { stream: Stream::Stderr, max_bytes: 9 };
        for (end, cause, expected) in [
            (ran(How::Exited(0), None, None), None, Outcome::Exited { code: 0 }),
            // It ended by itself before it heard of the cancel: what it did stands.
            (ran(How::Exited(0), None, None), Some(&ada), Outcome::Exited { code: 0 }),
            (ran(How::Exited(3), None, Some("line 1")), None, Outcome::Exited { code: 3 }),
            (ran(How::Exited(0), None, Some("line 1")), None, Outcome::OutputInvalid { position: "line 1".into() }),
            (ran(How::Signaled(9), None, None), None, Outcome::Signaled { signal: 9, sent_by: None }),
            (ran(How::Signaled(15), Some(StopReason::TimedOut), None), None, Outcome::TimedOut { limit_ms: 7 }),
            (ran(How::Signaled(9), Some(too_much), None), None, Outcome::OutputLimit { limit_bytes: 9 }),
            (ran(How::Signaled(15), asked(), None), Some(&ada), Outcome::Cancelled { by: "ada".into() }),
            (ran(How::Exited(0), asked(), None), Some(&ada), Outcome::Cancelled { by: "ada".into() }),
            (ran(How::Signaled(9), asked(), None), None, Outcome::Interrupted { by: "words".into() }),
            // We killed the tree, and its guard did not live to tell: what we did it for stands.
            (
                ran(How::GuardLost(GuardLoss::Unresponsive), asked(), None),
                Some(&ada),
                Outcome::Cancelled { by: "ada".into() },
            ),
            (
                ran(How::GuardLost(GuardLoss::Killed(9)), None, None),
                Some(&ada),
                Outcome::Interrupted { by: "the loss of its guard: its guard was killed by signal 9".into() },
            ),
            (
                ran(How::Unknown, None, Some("line 1")),
                None,
                Outcome::Interrupted { by: "something that took its end from the worker".into() },
            ),
        ] {
            let described = format!("{end:?} {cause:?}");
            assert_eq!(EndedChild::Ran(end).outcome(cause), expected, "{described}");
        }
        let missing = Outcome::InterpreterMissing { name: "r".into() };
        assert_eq!(EndedChild::NotStarted(missing.clone()).outcome(Some(&ada)), missing);
    }

    #[test]
    fn memory_is_blamed_only_when_it_is_proven() {
        let oom = |scope| OomEvidence { limit_bytes: Some(64), peak_bytes: Some(63), scope };
        let killed = |of| Outcome::OomKilled { limit_bytes: Some(64), peak_bytes: Some(63), of };
        for (how, scope, is_blamed) in [
            (How::Signaled(9), OomScope::Execution, true),
            // A shell whose child was killed.
            (How::Exited(137), OomScope::Execution, true),
            (How::Exited(0), OomScope::Execution, false),
            (How::Signaled(9), OomScope::Surroundings, true),
            (How::Exited(137), OomScope::Surroundings, false),
            (How::Signaled(11), OomScope::Surroundings, false),
        ] {
            let end = EndedChild::Ran(Ran { oom: Some(oom(scope)), ..ran(how, None, None) });
            let of = if scope == OomScope::Execution { MemoryOf::Execution } else { MemoryOf::Worker };
            assert_eq!(end.outcome(None) == killed(of), is_blamed, "{how:?} {scope:?}");
        }
        let stopped =
            Ran { oom: Some(oom(OomScope::Execution)), ..ran(How::Signaled(9), Some(StopReason::TimedOut), None) };
        assert_eq!(EndedChild::Ran(stopped).outcome(None), Outcome::TimedOut { limit_ms: 7 });
    }
}
