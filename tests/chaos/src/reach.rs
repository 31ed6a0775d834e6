//! Rare points: whether a run went where it is hard to get to.

use std::collections::BTreeMap;
use std::path::Path;

use crate::fault::Fault;
use crate::history::History;
use crate::inflict::Struck;

/// Points that the programs' own logs tell of, and what they say there.
const TOLD: &[(&str, &[&str])] = &[
    ("earlier-life", &["this worker takes over from an earlier life"]),
    ("swept", &["killed what an earlier life of this worker left running"]),
    ("lease-ended", &["a lease ran out: the worker vanished"]),
    ("not-claimed-in-time", &["nobody claimed an assignment in time"]),
    ("drained", &["draining: no new work"]),
    ("fenced", &["leases could not be renewed in time"]),
    ("beats-missed", &["heartbeat failed"]),
    ("consumer-rebuilt", &["connection to the broker lost", "not consuming, rebuilding"]),
    ("publisher-rebuilt", &["rebuilding the connection for publishing"]),
    ("not-confirmed", &["the broker did not confirm"]),
    ("not-routed", &["the queue of a worker is missing"]),
    ("claim-refused", &["claim refused: stale or repeated"]),
    ("message-refused", &["message refused: not for this life of this worker"]),
    ("claim-impossible", &["work cannot be claimed; it stays with the broker"]),
    ("parked", &["parked a message that cannot be read"]),
    ("spooled", &["the end lies on disk and is offered until it is taken"]),
    ("end-of-earlier-life", &["an end from an earlier life was reported"]),
    ("reaper-gap", &["the reaper was away for a while"]),
    ("silent-worker", &["a worker fell silent"]),
    ("replaced", &["another worker registered under this name"]),
    (
        "store-away",
        &[
            "heartbeat failed",
            "database does not answer",
            "the store is away",
            "wake-ups from other processes are interrupted",
            "wake-ups ended",
        ],
    ),
    ("actor-restarted", &["child ended, restarting it"]),
    ("disk-full", &["the disk is nearly full"]),
    ("executor-crashed", &["executor crashed"]),
];

/// Points that the history tells of.
const EVENTS: &[(&str, &str)] = &[
    ("attempt-lost", "attempt.lost"),
    ("attempt-interrupted", "attempt.interrupted"),
    ("attempt-handed-back", "attempt.handed_back"),
    ("attempt-superseded", "attempt.superseded"),
    ("attempt-rejected", "attempt.rejected"),
    ("retrying", "execution.retrying"),
    ("abandoned", "execution.abandoned"),
    ("canceling", "execution.canceling"),
    ("cancelled", "execution.cancelled"),
];

/// How often each point was reached.
pub(crate) fn count(folder: &Path, history: &History) -> BTreeMap<&'static str, u64> {
    let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().extension().is_some_and(|extension| extension == "log") {
            let text = String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap_or_default()).into_owned();
            for (point, words) in TOLD {
                let said = words.iter().map(|word| text.matches(word).count() as u64).sum::<u64>();
                *counts.entry(point).or_default() += said;
            }
        }
    }
    for (point, kind) in EVENTS {
        *counts.entry(point).or_default() +=
            u64::try_from(history.events.get(*kind).copied().unwrap_or(0)).unwrap_or(0);
    }
    let late = history.executions.values().flat_map(|known| &known.attempts).filter(|attempt| attempt.late).count();
    counts.insert("late-outcome", late as u64);
    counts
}

/// A lease does not run out while nobody may judge it: a database or a scheduler that is away gives every lease its whole
/// time again, and so does what it was away for just before.
fn is_masked(struck: &Struck, strikes: &[Struck]) -> bool {
    const LEASE_US: i64 = 60_000_000;
    let judged_by = |fault: &str| ["database-", "server", "more-servers"].iter().any(|start| fault.starts_with(start));
    let waits_for_a_lease = Fault::named(struck.fault).is_some_and(|fault| fault.reach == "lease-ended");
    let overlaps = |other: &Struck| other.from_us < struck.to_us && other.to_us > struck.from_us - LEASE_US;
    waits_for_a_lease && strikes.iter().any(|other| judged_by(other.fault) && overlaps(other))
}

/// What a run in which all this struck must have reached, and did not.
pub(crate) fn missing(counts: &BTreeMap<&'static str, u64>, strikes: &[Struck]) -> Vec<&'static str> {
    let done = strikes.iter().filter(|struck| struck.failed.is_none() && !is_masked(struck, strikes));
    let mut required: Vec<&'static str> =
        done.filter_map(|struck| Fault::named(struck.fault)).map(|fault| fault.reach).collect();
    // Fewer faults than these may all strike where nothing runs that they could end.
    if strikes.len() >= 20 {
        required.extend(["attempt-lost", "retrying", "abandoned", "canceling"]);
    }
    required.sort_unstable();
    required.dedup();
    required.retain(|point| !point.is_empty() && counts.get(point).copied().unwrap_or(0) == 0);
    required
}
