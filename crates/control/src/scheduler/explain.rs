//! Why an execution waits: what it requires, what each worker lacks, and who is nearest to fitting.

use attune_store::PlacementView;
use attune_types::{Execution, NearestMiss, Requirement, WorkerStatus};
use serde::Serialize;

/// One worker, seen by an execution that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkerFit {
    /// Its name.
    pub worker: String,
    /// What it is doing.
    pub status: WorkerStatus,
    /// Everything that keeps the execution from it, except that it may be busy.
    pub lacks: Vec<String>,
    /// How many slots it has.
    pub slots: u32,
    /// How many of them are free.
    pub free: u32,
}

/// The answer to "why does it wait?".
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// One or two sentences for people.
    pub summary: String,
    /// What its worker must offer.
    pub requirement: Requirement,
    /// Workers that fit, whether busy or not.
    pub fitting: Vec<WorkerFit>,
    /// Workers that do not, the one that lacks least first.
    pub nearest_misses: Vec<WorkerFit>,
    /// How many executions with an older claim wait for the same workers; at least that many when `ahead_is_more`.
    pub ahead: usize,
    /// Whether more may wait before it than were looked at.
    pub ahead_is_more: bool,
}

impl Explanation {
    /// The misses in the words of an outcome.
    #[must_use]
    pub fn misses(&self) -> Vec<NearestMiss> {
        let miss = |fit: &WorkerFit| NearestMiss { worker: fit.worker.clone(), lacks: fit.lacks.clone() };
        self.nearest_misses.iter().map(miss).collect()
    }
}

/// Explains `execution` by `view`.
#[must_use]
pub fn explain(execution: &Execution, view: &PlacementView) -> Explanation {
    let requirement = &execution.requirement;
    let (mut fitting, mut misses) = (Vec::new(), Vec::new());
    for worker in &view.workers {
        let mut lacks = worker.capabilities.lacks(requirement);
        if worker.status != WorkerStatus::Active {
            lacks.push(format!("status active (is {})", worker.status));
        }
        let slots = worker.capabilities.max_concurrent_executions;
        let free = slots.saturating_sub(worker.live);
        let list = if lacks.is_empty() { &mut fitting } else { &mut misses };
        list.push(WorkerFit { worker: worker.name.clone(), status: worker.status, lacks, slots, free });
    }
    misses.sort_by(|left, right| (left.lacks.len(), &left.worker).cmp(&(right.lacks.len(), &right.worker)));
    let fits_too = |other: &Requirement| {
        let same = |worker: &&attune_store::Placeable| {
            worker.capabilities.lacks(requirement).is_empty() && worker.capabilities.lacks(other).is_empty()
        };
        view.workers.iter().any(|worker| same(&worker))
    };
    let before = view.waiting.iter().take_while(|waiting| waiting.execution != execution.id);
    let ahead = before.filter(|waiting| fits_too(&waiting.requirement)).count();
    let ahead_is_more = !view.waiting.iter().any(|waiting| waiting.execution == execution.id);
    let summary = summarise(execution, &fitting, &misses, ahead, ahead_is_more, view.workers.is_empty());
    Explanation { summary, requirement: requirement.clone(), fitting, nearest_misses: misses, ahead, ahead_is_more }
}

fn summarise(
    execution: &Execution,
    fitting: &[WorkerFit],
    misses: &[WorkerFit],
    ahead: usize,
    ahead_is_more: bool,
    nobody: bool,
) -> String {
    if execution.status.is_terminal() {
        let why = execution.outcome.as_ref().map(|outcome| format!(", {}", outcome.summary())).unwrap_or_default();
        return format!("it has ended: {}{why}", execution.status);
    }
    if !execution.status.is_waiting() {
        let worker = execution.worker.as_deref().unwrap_or("a worker");
        return format!("it does not wait: it is {} on {worker}", execution.status);
    }
    if let Some(retry_at) = execution.retry_at {
        return format!("it waits for its next attempt at {retry_at}");
    }
    if nobody {
        return "no worker is registered; start one with `attune-worker`".to_owned();
    }
    if fitting.is_empty() {
        let nearest = misses
            .first()
            .map_or_else(String::new, |miss| format!("; nearest: {} lacks {}", miss.worker, miss.lacks.join(", ")));
        return format!("no worker fits{nearest}");
    }
    let slots: u32 = fitting.iter().map(|fit| fit.slots).sum();
    let free: u32 = fitting.iter().map(|fit| fit.free).sum();
    let more = if ahead_is_more { " or more" } else { "" };
    if free == 0 {
        let plural = if slots == 1 { "" } else { "s" };
        format!("all fitting workers are busy: {slots} slot{plural}, {ahead}{more} waiting before")
    } else {
        format!("{free} of {slots} fitting slots are free, {ahead}{more} waiting before: it is about to be placed")
    }
}
