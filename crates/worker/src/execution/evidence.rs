//! What this worker saw of an attempt, in the words that are stored.

use std::time::Duration;

use attune_process::{By, Ended, Gap, KillWay, LimitEntry, SandboxReached, clock};
use attune_types::{
    Evidence, GapEvidence, LimitEvidence, LogStream, OutputEvidence, SandboxEvidence, SurvivorEvidence, Timestamp,
};

/// A process was started: which, and how long after `allowed_at` (on [`clock::boot`]).
pub(crate) fn of_start(pid: i32, allowed_at: Duration) -> Evidence {
    Evidence {
        pid: Some(pid),
        start_ms: Some(millis(clock::boot().saturating_sub(allowed_at))),
        started_at: Some(Timestamp(clock::wall())),
        ..Evidence::default()
    }
}

/// Adds what the end tells.
pub(crate) fn with_end(evidence: Evidence, ended: &Ended) -> Evidence {
    let named = ended.survivors.iter().take(Evidence::MOST_SURVIVORS);
    Evidence {
        sandbox: Some(sandbox(&ended.sandbox)),
        limits: ended.limits.entries.iter().map(limit).collect(),
        output: Some(OutputEvidence {
            stdout_bytes: ended.stdout_bytes,
            stderr_bytes: ended.stderr_bytes,
            gaps: [(LogStream::Stdout, ended.stdout_dropped), (LogStream::Stderr, ended.stderr_dropped)]
                .into_iter()
                .filter_map(|(stream, gap)| gap.map(|Gap { from, to }| GapEvidence { stream, from, to }))
                .collect(),
            closed_early: ended.output_closed_early,
        }),
        survivors: named
            .map(|survivor| SurvivorEvidence { pid: survivor.identity.pid, name: survivor.name.clone() })
            .collect(),
        more_survivors: ended.survivors.len().saturating_sub(Evidence::MOST_SURVIVORS) as u64,
        ..evidence
    }
}

fn sandbox(reached: &SandboxReached) -> SandboxEvidence {
    let kill_way = match reached.kill_way {
        KillWay::Cgroup => "cgroup",
        KillWay::Scope => "scope",
        KillWay::Scan => "scan",
    };
    SandboxEvidence { level: reached.level.number(), missing: reached.missing.clone(), kill_way: Some(kill_way.into()) }
}

fn limit(entry: &LimitEntry) -> LimitEvidence {
    let (by, why) = match &entry.enforced {
        By::Cgroup => ("cgroup", None),
        By::Rlimit => ("rlimit", entry.weakness().map(str::to_owned)),
        By::Nothing(why) => ("nothing", Some(why.clone())),
    };
    LimitEvidence { limit: entry.name.word().to_owned(), asked: entry.asked, by: by.to_owned(), why }
}

/// Whole milliseconds.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
