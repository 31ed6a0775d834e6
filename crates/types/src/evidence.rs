//! What a worker saw of an attempt while it ran: stored with its end, and told as its timeline.

use serde::{Deserialize, Serialize};

use crate::execution::LogStream;
use crate::timestamp::Timestamp;

/// What a worker saw of an attempt. Reported once, with the end; everything is absent that is not known.
///
/// Spans count from moments that the database knows too ([`crate::Attempt::claimed_at`] and
/// [`crate::Attempt::started_at`]), so that a timeline needs no clock of the worker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// How long its environment took to become ready, from the grant of the claim on, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_ms: Option<u64>,
    /// How long it took from the opening of the start barrier to the first instruction of the action, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_ms: Option<u64>,
    /// The action's process, in the worker's own process namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<i32>,
    /// When it was started by the worker's clock: together with the pid it names the process in the host's own logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// How well it was locked in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sandbox: Option<SandboxEvidence>,
    /// Every limit that was asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitEvidence>,
    /// What it wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputEvidence>,
    /// Processes that it left behind and that were killed, at most [`Evidence::MOST_SURVIVORS`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub survivors: Vec<SurvivorEvidence>,
    /// How many it left behind besides those that are listed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub more_survivors: u64,
    /// How many files of it were stored as artifacts.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub artifacts: u64,
    /// Secrets that it wrote, and that were masked: at most [`Evidence::MOST_LEAKS`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leaks: Vec<LeakEvidence>,
}

impl Evidence {
    /// The most leaks that are listed.
    pub const MOST_LEAKS: usize = 64;

    /// The most survivors that are named.
    pub const MOST_SURVIVORS: usize = 16;
}

/// How well an attempt was locked in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxEvidence {
    /// The level reached: 1 base hygiene, 2 Landlock with its scopes, 3 seccomp as well.
    pub level: u8,
    /// What stood between this level and a higher one, each with its reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// How its process tree was, or would have been, killed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kill_way: Option<String>,
}

/// A limit that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitEvidence {
    /// Which one: `memory` and `file_size` (bytes), `cpu` (seconds), `processes` and `open_files` (how many).
    pub limit: String,
    /// How much was allowed.
    pub asked: u64,
    /// What held it: `cgroup`, `rlimit` or `nothing`.
    pub by: String,
    /// Why nothing held it, or what is weaker than it sounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What an attempt wrote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputEvidence {
    /// Bytes of standard output, kept or not.
    pub stdout_bytes: u64,
    /// Bytes of standard error, kept or not.
    pub stderr_bytes: u64,
    /// What was left out between the head and the tail of a stream.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<GapEvidence>,
    /// Whether a background process still held a stream when reading ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub closed_early: bool,
}

/// Bytes of a stream that were not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapEvidence {
    /// Which stream.
    pub stream: LogStream,
    /// Offset of the first byte that is missing.
    pub from: u64,
    /// Offset of the first byte after them.
    pub to: u64,
}

/// A secret that an attempt wrote where others read. It was masked there; the program that writes it is to be mended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeakEvidence {
    /// The name of the secret, never its value.
    pub secret: String,
    /// Where: `stdout`, `stderr`, `log`, `result`, `outcome`, `artifact name`, `artifact` or `process name`. The contents
    /// of an artifact are kept as they are.
    pub place: String,
    /// In which form: `raw`, `part`, `base64`, `base64url`, `hex`, `HEX`, `percent`, `json`, `shell`, `xml`, `debug` or
    /// `decimal`.
    pub encoding: String,
    /// How often.
    pub times: u64,
    /// The line of a stream in which it was first, from 1 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

/// A process that an attempt left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurvivorEvidence {
    /// Its number.
    pub pid: i32,
    /// Its name as the kernel shows it.
    pub name: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands references")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_takes_no_room_and_older_documents_read_back() {
        assert_eq!(serde_json::to_string(&Evidence::default()).expect("serialises"), "{}");
        let read: Evidence = serde_json::from_str(r#"{"pid":7,"sandbox":{"level":2},"later":1}"#).expect("reads");
        assert_eq!(read.pid, Some(7));
        assert_eq!(read.sandbox, Some(SandboxEvidence { level: 2, ..SandboxEvidence::default() }));
    }
}
