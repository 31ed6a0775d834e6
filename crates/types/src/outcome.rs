//! Why an attempt ended, with evidence: the same words in database, API, command line and dashboard.

use serde::{Deserialize, Serialize};

use crate::status::{AttemptState, ExecutionStatus};
use crate::timestamp::Timestamp;
use crate::words;

/// The cause of an attempt's end. Exactly one, and every one says what to do next ([`Outcome::hint`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum Outcome {
    /// The process ended by itself.
    Exited {
        /// Its exit code; 0 is success.
        code: i32,
    },
    /// A signal that the worker did not send ended it.
    Signaled {
        /// The signal's number.
        signal: i32,
        /// Who sent it, when that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sent_by: Option<String>,
    },
    /// It ran longer than it was allowed.
    TimedOut {
        /// The limit in milliseconds.
        limit_ms: u64,
    },
    /// Somebody cancelled it.
    Cancelled {
        /// Who asked.
        by: String,
    },
    /// The kernel killed it for memory.
    OomKilled {
        /// The limit in bytes, when one was set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit_bytes: Option<u64>,
        /// The most it used, in bytes, when that is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        peak_bytes: Option<u64>,
        /// Whose limit it was. Absent on the wire: its own.
        #[serde(default, skip_serializing_if = "MemoryOf::is_execution")]
        of: MemoryOf,
    },
    /// It exited 0 but its result is not what it promised.
    OutputInvalid {
        /// Where in the output, or which field, and why.
        position: String,
    },
    /// It wrote more than it was allowed and the policy was to fail.
    OutputLimit {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// Its environment could not be prepared.
    EnvironmentFailed {
        /// Which step.
        step: String,
        /// The tool's last output.
        log: String,
    },
    /// The worker has no interpreter for it.
    InterpreterMissing {
        /// The runtime that was asked for.
        name: String,
    },
    /// It could not be started.
    NotExecutable {
        /// Why.
        reason: String,
    },
    /// A secret that it needs could not be had.
    SecretUnavailable {
        /// The secret's name, never its value.
        name: String,
        /// Why, when it is not simply missing.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// A disk it needs is full.
    DiskFull {
        /// Where.
        path: String,
    },
    /// The worker shut down before it ended.
    Interrupted {
        /// What shut it down.
        by: String,
    },
    /// Its worker vanished; whether it took effect is unknown.
    WorkerLost {
        /// When the worker was last heard of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last_seen: Option<Timestamp>,
    },
    /// No worker could take it.
    Undeliverable {
        /// The workers that came closest, and what each lacked.
        nearest_misses: Vec<NearestMiss>,
    },
    /// A fault inside the worker ended it; its process tree was killed.
    WorkerFault {
        /// What went wrong.
        message: String,
    },
}

/// A worker that could almost take an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NearestMiss {
    /// The worker's name.
    pub worker: String,
    /// Everything it lacks, in words.
    pub lacks: Vec<String>,
}

/// Whose memory limit was reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemoryOf {
    /// The execution's own.
    #[default]
    Execution,
    /// That of the container or service unit that the worker is in, or the machine's.
    Worker,
}

impl MemoryOf {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
    const fn is_execution(&self) -> bool {
        matches!(self, Self::Execution)
    }
}

/// What an attempt used, as far as the kernel tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Wall time from start to end, in milliseconds.
    pub wall_ms: u64,
    /// Processor time in user mode, in milliseconds, of the child and the descendants it waited for.
    pub user_ms: u64,
    /// Processor time in the kernel, in milliseconds.
    pub system_ms: u64,
    /// Largest resident set of any one of its processes, in bytes.
    pub peak_rss_bytes: u64,
    /// The most memory that the whole process tree had at once, in bytes: known when a control group limited it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_memory_bytes: Option<u64>,
}

impl Outcome {
    /// Whether the attempt did what it was asked.
    #[must_use]
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Exited { code: 0 })
    }

    /// The state an attempt with this outcome ends in.
    #[must_use]
    pub const fn attempt_state(&self) -> AttemptState {
        match self {
            Self::Exited { code: 0 } => AttemptState::Succeeded,
            Self::TimedOut { .. } => AttemptState::TimedOut,
            Self::Cancelled { .. } => AttemptState::Cancelled,
            Self::Interrupted { .. } => AttemptState::Interrupted,
            Self::WorkerLost { .. } => AttemptState::Lost,
            _ => AttemptState::Failed,
        }
    }

    /// The status of an execution whose last attempt ended like this and will not be repeated.
    #[must_use]
    pub const fn execution_status(&self) -> ExecutionStatus {
        match self {
            Self::Exited { code: 0 } => ExecutionStatus::Completed,
            Self::TimedOut { .. } => ExecutionStatus::Timeout,
            Self::Cancelled { .. } => ExecutionStatus::Cancelled,
            // We ended it ourselves half-way, so what it did before is as unknown as with a vanished worker.
            Self::Interrupted { .. } | Self::WorkerLost { .. } => ExecutionStatus::Abandoned,
            _ => ExecutionStatus::Failed,
        }
    }

    /// The exit code of a command line that reports this outcome: the script's own, 124 for a timeout, 128+n for a
    /// signal, 130 for a cancel, 75 for unknown, 69 for something the worker lacked, 65 for a result that is not valid,
    /// 126 for what cannot be executed, 70 for a fault of the worker.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Exited { code } => u8::try_from(*code & 0xff).unwrap_or(1),
            Self::Signaled { signal, .. } => u8::try_from(128 + signal).unwrap_or(255),
            Self::TimedOut { .. } => 124,
            Self::Cancelled { .. } => 130,
            Self::OomKilled { .. } => 137,
            Self::OutputInvalid { .. } | Self::OutputLimit { .. } => 65,
            Self::EnvironmentFailed { .. }
            | Self::InterpreterMissing { .. }
            | Self::SecretUnavailable { .. }
            | Self::DiskFull { .. }
            | Self::Undeliverable { .. } => 69,
            Self::NotExecutable { .. } => 126,
            Self::Interrupted { .. } | Self::WorkerLost { .. } => 75,
            Self::WorkerFault { .. } => 70,
        }
    }

    /// One line for people: what happened.
    #[must_use]
    pub fn summary(&self) -> String {
        match self {
            Self::Exited { code } => format!("exit {code}"),
            Self::Signaled { signal, sent_by } => {
                let name = signal_name(*signal).map(|name| format!(" ({name})")).unwrap_or_default();
                match sent_by {
                    Some(sender) => format!("killed by signal {signal}{name} from {sender}"),
                    None => format!("killed by signal {signal}{name}"),
                }
            }
            Self::TimedOut { limit_ms } => format!("timed out after {}", human_millis(*limit_ms)),
            Self::Cancelled { by } => format!("cancelled by {by}"),
            Self::OomKilled { limit_bytes, peak_bytes, of } => {
                let what = match of {
                    MemoryOf::Execution => "killed by the kernel: out of memory",
                    MemoryOf::Worker => "killed by the kernel: the worker's own container is out of memory",
                };
                let known: Vec<String> = [("limit", limit_bytes), ("peak", peak_bytes)]
                    .into_iter()
                    .filter_map(|(word, bytes)| bytes.map(|bytes| format!("{word} {}", words::size(bytes))))
                    .collect();
                match known.is_empty() {
                    true => what.to_owned(),
                    false => format!("{what} ({})", known.join(", ")),
                }
            }
            Self::OutputInvalid { position } => format!("result not valid: {position}"),
            Self::OutputLimit { limit_bytes } => format!("wrote more than {}", words::size(*limit_bytes)),
            Self::EnvironmentFailed { step, .. } => format!("environment could not be prepared: {step}"),
            Self::InterpreterMissing { name } => format!("no interpreter for {name}"),
            Self::NotExecutable { reason } => format!("could not be started: {reason}"),
            Self::SecretUnavailable { name, reason: None } => format!("secret {name} is not available"),
            Self::SecretUnavailable { reason: Some(reason), .. } => reason.clone(),
            Self::DiskFull { path } => format!("disk full: {path}"),
            Self::Interrupted { by } => format!("interrupted by {by}; what it did before is unknown"),
            Self::WorkerLost { last_seen: Some(seen) } => {
                format!("outcome unknown: its worker vanished while it ran (last seen {seen})")
            }
            Self::WorkerLost { last_seen: None } => "outcome unknown: its worker vanished while it ran".to_owned(),
            Self::Undeliverable { .. } => "no worker could take it".to_owned(),
            Self::WorkerFault { message } => format!("fault inside the worker: {message}"),
        }
    }

    /// What to do next, for everything that is not a success.
    #[must_use]
    pub const fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Exited { code: 0 } => return None,
            Self::Exited { .. } => "the script's own output says why: `attune execution logs ID`",
            // SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV: what a program does to itself.
            Self::Signaled { signal: 4..=8 | 11, .. } => {
                "it crashed by itself: its own output may say why, and a run outside Attune with a debugger will"
            }
            Self::Signaled { signal: 13, .. } => {
                "it wrote to a pipe that nobody read: a program it started ended early"
            }
            Self::Signaled { signal: 24, .. } => {
                "it used up its processor time: raise `resources.cpu_seconds` of the action"
            }
            Self::Signaled { signal: 25, .. } => "a file that it wrote grew beyond the limit for one file",
            Self::Signaled { signal: 31, .. } => {
                "it made a system call that its sandbox refuses: run it at a lower `sandbox` level if you trust it"
            }
            Self::Signaled { .. } => "something outside Attune killed it: look at the host's kernel log",
            Self::TimedOut { .. } => "raise `timeout_seconds` of the action or pass `--timeout`",
            Self::Cancelled { .. } => "run it again with `attune execution retry ID`",
            Self::OomKilled { of: MemoryOf::Worker, .. } => {
                "give the worker more memory or fewer slots, and its actions a `resources.memory_bytes`"
            }
            Self::OomKilled { .. } => "raise `resources.memory_bytes` of the action, or let it use less",
            Self::OutputInvalid { .. } => {
                "let the result be what the action declares; with a stdout format, print everything else to stderr"
            }
            Self::OutputLimit { .. } => "write less, or raise `max_stdout_bytes` or `max_stderr_bytes` of the worker",
            Self::EnvironmentFailed { .. } => "mend the pack's dependency files; the log above is the tool's own",
            Self::InterpreterMissing { .. } => "run it on a worker that has the interpreter: `attune worker list`",
            Self::NotExecutable { .. } => "check that the entry point exists in the pack and may be executed",
            Self::SecretUnavailable { .. } => "store it with `attune key set` and name it in the action's `secrets`",
            Self::DiskFull { .. } => "free space on the worker",
            Self::Interrupted { .. } | Self::WorkerLost { .. } => {
                "it may or may not have taken effect; `attune execution retry ID --may-run-twice` runs it again"
            }
            Self::Undeliverable { .. } => "`attune execution explain ID` names what each worker lacks",
            Self::WorkerFault { .. } => "this is a bug in Attune: please report it with the worker's log",
        })
    }
}

/// The name of a signal as Linux numbers them on the machines Attune runs on.
#[must_use]
pub const fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        26 => "SIGVTALRM",
        27 => "SIGPROF",
        29 => "SIGIO",
        30 => "SIGPWR",
        31 => "SIGSYS",
        _ => return None,
    })
}

fn human_millis(millis: u64) -> String {
    if millis.is_multiple_of(1000) { format!("{} s", millis / 1000) } else { format!("{millis} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exit_zero_is_success() {
        assert!(Outcome::Exited { code: 0 }.is_success());
        assert!(!Outcome::Exited { code: 1 }.is_success());
        assert_eq!(Outcome::Exited { code: 0 }.execution_status(), ExecutionStatus::Completed);
        assert_eq!(Outcome::OutputInvalid { position: "line 1".into() }.execution_status(), ExecutionStatus::Failed);
    }

    #[test]
    fn unknown_is_never_called_failed() {
        for outcome in [Outcome::WorkerLost { last_seen: None }, Outcome::Interrupted { by: "drain".into() }] {
            assert_eq!(outcome.execution_status(), ExecutionStatus::Abandoned);
            assert_eq!(outcome.exit_code(), 75);
        }
    }

    #[test]
    fn exit_codes_are_the_documented_ones() {
        assert_eq!(Outcome::Exited { code: 7 }.exit_code(), 7);
        assert_eq!(Outcome::TimedOut { limit_ms: 1 }.exit_code(), 124);
        assert_eq!(Outcome::Signaled { signal: 9, sent_by: None }.exit_code(), 137);
        assert_eq!(Outcome::Cancelled { by: "ada".into() }.exit_code(), 130);
    }

    /// One of each, with what everybody is told about it. The match in `name` makes the compiler ask for a new one.
    #[test]
    fn every_cause_has_its_state_its_code_its_words_and_its_next_step() {
        use AttemptState as A;
        use ExecutionStatus as E;
        let miss = NearestMiss { worker: "w".into(), lacks: vec!["runtime r".into()] };
        let text = String::from;
        #[rustfmt::skip]
        let table = [
            (Outcome::Exited { code: 0 }, "exited", A::Succeeded, E::Completed, 0),
            (Outcome::Exited { code: 3 }, "exited", A::Failed, E::Failed, 3),
            (Outcome::Signaled { signal: 9, sent_by: None }, "signaled", A::Failed, E::Failed, 137),
            (Outcome::Signaled { signal: 11, sent_by: Some(text("x")) }, "signaled", A::Failed, E::Failed, 139),
            (Outcome::TimedOut { limit_ms: 5 }, "timed_out", A::TimedOut, E::Timeout, 124),
            (Outcome::Cancelled { by: text("ada") }, "cancelled", A::Cancelled, E::Cancelled, 130),
            (
                Outcome::OomKilled { limit_bytes: Some(64), peak_bytes: Some(65), of: MemoryOf::Execution },
                "oom_killed",
                A::Failed,
                E::Failed,
                137,
            ),
            (
                Outcome::OomKilled { limit_bytes: None, peak_bytes: None, of: MemoryOf::Worker },
                "oom_killed",
                A::Failed,
                E::Failed,
                137,
            ),
            (Outcome::OutputInvalid { position: text("line 1") }, "output_invalid", A::Failed, E::Failed, 65),
            (Outcome::OutputLimit { limit_bytes: 9 }, "output_limit", A::Failed, E::Failed, 65),
            (Outcome::EnvironmentFailed { step: text("pip"), log: text("l") }, "environment_failed", A::Failed, E::Failed, 69),
            (Outcome::InterpreterMissing { name: text("r") }, "interpreter_missing", A::Failed, E::Failed, 69),
            (Outcome::NotExecutable { reason: text("y") }, "not_executable", A::Failed, E::Failed, 126),
            (Outcome::SecretUnavailable { name: text("s"), reason: None }, "secret_unavailable", A::Failed, E::Failed, 69),
            (Outcome::DiskFull { path: text("/d") }, "disk_full", A::Failed, E::Failed, 69),
            (Outcome::Interrupted { by: text("drain") }, "interrupted", A::Interrupted, E::Abandoned, 75),
            (Outcome::WorkerLost { last_seen: Some(Timestamp(0)) }, "worker_lost", A::Lost, E::Abandoned, 75),
            (Outcome::WorkerLost { last_seen: None }, "worker_lost", A::Lost, E::Abandoned, 75),
            (Outcome::Undeliverable { nearest_misses: vec![miss] }, "undeliverable", A::Failed, E::Failed, 69),
            (Outcome::WorkerFault { message: text("m") }, "worker_fault", A::Failed, E::Failed, 70),
        ];
        const fn name(outcome: &Outcome) -> &'static str {
            match outcome {
                Outcome::Exited { .. } => "exited",
                Outcome::Signaled { .. } => "signaled",
                Outcome::TimedOut { .. } => "timed_out",
                Outcome::Cancelled { .. } => "cancelled",
                Outcome::OomKilled { .. } => "oom_killed",
                Outcome::OutputInvalid { .. } => "output_invalid",
                Outcome::OutputLimit { .. } => "output_limit",
                Outcome::EnvironmentFailed { .. } => "environment_failed",
                Outcome::InterpreterMissing { .. } => "interpreter_missing",
                Outcome::NotExecutable { .. } => "not_executable",
                Outcome::SecretUnavailable { .. } => "secret_unavailable",
                Outcome::DiskFull { .. } => "disk_full",
                Outcome::Interrupted { .. } => "interrupted",
                Outcome::WorkerLost { .. } => "worker_lost",
                Outcome::Undeliverable { .. } => "undeliverable",
                Outcome::WorkerFault { .. } => "worker_fault",
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for (outcome, cause, state, status, code) in table {
            assert_eq!(name(&outcome), cause);
            seen.insert(cause);
            assert_eq!((outcome.attempt_state(), outcome.execution_status()), (state, status), "{outcome:?}");
            assert_eq!(outcome.exit_code(), code, "{outcome:?}");
            assert_eq!(outcome.is_success(), code == 0, "{outcome:?}");
            assert_eq!(outcome.hint().is_none(), outcome.is_success(), "{outcome:?}");
            let summary = outcome.summary();
            assert!(!summary.is_empty() && !summary.contains('\n') && !summary.ends_with('.'), "{summary:?}");
            let json = serde_json::to_value(&outcome).expect("serialises");
            assert_eq!(json.get("cause").and_then(|cause| cause.as_str()), Some(cause));
            assert_eq!(serde_json::from_value::<Outcome>(json).expect("reads"), outcome);
        }
        assert_eq!(seen.len(), 16, "every cause is in the table");
    }

    #[test]
    fn a_crash_is_not_blamed_on_somebody_else() {
        let hint = |signal| Outcome::Signaled { signal, sent_by: None }.hint().expect("a next step");
        assert!(hint(11).contains("crashed") && hint(6).contains("crashed"));
        assert!(hint(9).contains("outside") && hint(15).contains("outside"));
        assert_eq!(Outcome::Signaled { signal: 11, sent_by: None }.summary(), "killed by signal 11 (SIGSEGV)");
        assert_eq!(Outcome::Signaled { signal: 40, sent_by: None }.summary(), "killed by signal 40");
    }

    #[test]
    fn the_wire_form_names_the_cause() {
        let json = serde_json::to_value(Outcome::TimedOut { limit_ms: 2000 }).expect("serialises");
        assert_eq!(json, serde_json::json!({"cause": "timed_out", "limit_ms": 2000}));
        assert_eq!(Outcome::TimedOut { limit_ms: 2000 }.summary(), "timed out after 2 s");
    }
}
