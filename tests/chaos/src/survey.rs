//! What a deployment holds, so that what it keeps too long can be told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::census::{self, Holding};
use crate::checker::Counters;
use crate::stage::Stage;

/// Descriptors that may be more than before: connections of pools that grow when they are used.
const SOME: usize = 12;

/// Descriptors of a worker for each guard that it keeps for the next work, of which there are never more than ran at once:
/// the line to it, and the directory that its next attempt gets.
const PER_GUARD: usize = 2;

/// What is there at a quiet moment.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    holdings: BTreeMap<String, Holding>,
    files: BTreeSet<PathBuf>,
}

impl Survey {
    pub(crate) fn take(stage: &Stage) -> Self {
        let holdings = stage.hosts().filter_map(|host| Some((host.name.clone(), census::holding(host.keeper.pid()?))));
        let mut files = BTreeSet::new();
        for host in stage.hosts() {
            list(&host.state, &mut files);
        }
        list(&stage.folder.join("tmp"), &mut files);
        Self { holdings: holdings.collect(), files }
    }

    /// Sums of all programs.
    pub(crate) fn total(&self) -> Holding {
        let mut total = Holding::default();
        for holding in self.holdings.values() {
            total.descriptors += holding.descriptors;
            total.threads += holding.threads;
            total.resident_kib += holding.resident_kib;
        }
        total
    }

    /// What a later quiet moment has too much of.
    pub(crate) fn compare(&self, later: &Self, counters: &mut Counters) {
        for (name, after) in &later.holdings {
            let Some(before) = self.holdings.get(name) else { continue };
            let more_guards = after.guards.saturating_sub(before.guards);
            if after.descriptors > before.descriptors + SOME + PER_GUARD * more_guards {
                counters.add(
                    "leaked_descriptors",
                    format!(
                        "{name}: {} descriptors with {} guards after {} with {}",
                        after.descriptors, after.guards, before.descriptors, before.guards
                    ),
                );
            }
        }
        for file in later.files.difference(&self.files).filter(|file| is_left_behind(file)) {
            counters.add("leaked_files", file.display().to_string());
        }
    }
}

/// Whether a file is one that an execution, or a spool, should have taken with it: everything below the folder of work
/// directories, and everything that waits to be reported.
fn is_left_behind(file: &Path) -> bool {
    let text = file.display().to_string();
    !(text.contains("attune.db")
        || text.contains("/artifacts")
        || text.contains("/runtime_envs")
        || text.ends_with("/incarnation"))
}

fn list(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            list(&entry.path(), found);
        } else {
            found.insert(entry.path());
        }
    }
}

/// Asks again until nothing is found or the time is over; what is still found then.
pub(crate) async fn patiently<F, A>(within: Duration, mut look: F) -> Vec<String>
where
    F: FnMut() -> A,
    A: Future<Output = Vec<String>>,
{
    let begun = Instant::now();
    loop {
        let found = look().await;
        if found.is_empty() || begun.elapsed() > within {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Queues and messages that should not be there. A worker has one queue, somebody consumes from it, and it is empty.
pub(crate) async fn queues(stage: &Stage, counters: &mut Counters, parked_is_right: bool) {
    let Some(broker) = &stage.broker else { return };
    let Ok(rows) = stage.query.rows("SELECT id FROM worker").await else { return };
    let known: BTreeSet<String> =
        rows.iter().filter_map(|row| row.first()).map(|id| format!("worker.{id}.executions")).collect();
    let odd = |queues: &[attune_testkit::rabbitmq::QueueCounts]| {
        let mut odd = Vec::new();
        for queue in queues {
            let is_worker = known.contains(&queue.name);
            // Queues of facts are exclusive and live with their connection.
            let is_facts = queue.name.starts_with("amq.gen");
            if !is_worker && !is_facts && queue.name != "attune.parking" {
                odd.push(format!("queue {} is nobody's", queue.name));
            }
            if is_worker && queue.ready + queue.unacknowledged > 0 {
                odd.push(format!("{} holds {} and {}", queue.name, queue.ready, queue.unacknowledged));
            }
            if queue.name == "attune.parking" && queue.ready > 0 && !parked_is_right {
                odd.push(format!("{} messages are parked", queue.ready));
            }
        }
        odd
    };
    let left = patiently(Duration::from_secs(15), || async { odd(&broker.list_queues().await) }).await;
    left.into_iter().for_each(|what| counters.add("leaked_queues", what));
    let deaf = patiently(Duration::from_secs(1), || async {
        let queues = broker.list_queues().await;
        let consumed = |name: &&String| queues.iter().any(|queue| queue.name == **name && queue.consumers == 1);
        known.iter().filter(|name| !consumed(name)).cloned().collect()
    })
    .await;
    deaf.into_iter()
        .for_each(|name| counters.add("deaf_workers", format!("nobody, or more than one, consumes from {name}")));
}

/// Rows that should have gone with what they belong to.
pub(crate) async fn rows(stage: &Stage, counters: &mut Counters) {
    let checks = [
        ("messages in the outbox", "SELECT count(*) FROM outbox"),
        ("live attempts", "SELECT count(*) FROM execution_attempt WHERE live"),
        (
            "pieces of output of nothing",
            "SELECT count(*) FROM log_chunk WHERE execution_id NOT IN (SELECT id FROM execution)",
        ),
        ("requests of nothing", "SELECT count(*) FROM execution_request WHERE id NOT IN (SELECT id FROM execution)"),
    ];
    for (what, statement) in checks {
        let left = patiently(Duration::from_secs(10), || async {
            match stage.query.number(statement).await {
                Ok(0) => Vec::new(),
                Ok(count) => vec![format!("{count} {what}")],
                Err(error) => vec![error],
            }
        })
        .await;
        left.into_iter().for_each(|left| counters.add("leaked_rows", left));
    }
}
