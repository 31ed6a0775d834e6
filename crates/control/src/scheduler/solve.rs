//! Who runs what: a pure function from what waits and who is there to assignments.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

use attune_store::{Assignment, Placeable, PlacementView, Waiting};
use attune_types::{WorkerId, WorkerStatus};

/// How many executions each worker may be given beyond its slots; a worker that is missing gets none.
pub type Advances = BTreeMap<WorkerId, u32>;

/// What a look at the store led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Who gets what.
    pub assignments: Vec<Assignment>,
    /// Keys of the requirements that nobody can be given now, each once, in order of first appearance: the next look
    /// leaves them out, so that placeable work is never starved by unplaceable work in front of it.
    pub exhausted: Vec<String>,
}

/// Places what waits, oldest first.
///
/// First the free slots of all fitting workers are filled, each execution going to the worker with the most of them.
/// Only what still waits then is given in advance, up to `advances`, to the worker with the most room left: a worker's
/// own queue never takes what another worker could start now.
#[must_use]
pub fn solve(view: &PlacementView, advances: &Advances) -> Plan {
    let workers: Vec<&Placeable> = view.workers.iter().filter(|worker| worker.status == WorkerStatus::Active).collect();
    let fitting = fitting_workers(&view.waiting, &workers);
    let slots = |worker: &Placeable| worker.capabilities.max_concurrent_executions;
    let advance = |worker: &Placeable| advances.get(&worker.worker).copied().unwrap_or(0);

    let mut room: Vec<u32> = workers.iter().map(|worker| slots(worker).saturating_sub(worker.live)).collect();
    let mut plan = Plan::default();
    let waiting: Vec<&Waiting> = view.waiting.iter().collect();
    let left = fill(&mut plan, &waiting, &workers, &fitting, &mut room, slots);

    let most = |worker: &Placeable| slots(worker).saturating_add(advance(worker));
    let mut given: HashMap<WorkerId, u32> = HashMap::new();
    for assignment in &plan.assignments {
        *given.entry(assignment.worker).or_default() += 1;
    }
    for (index, worker) in workers.iter().enumerate() {
        let live = worker.live + given.get(&worker.worker).copied().unwrap_or(0);
        room[index] = most(worker).saturating_sub(live);
    }
    for waiting in fill(&mut plan, &left, &workers, &fitting, &mut room, most) {
        if !plan.exhausted.contains(&waiting.requirement_key) {
            plan.exhausted.push(waiting.requirement_key.clone());
        }
    }
    plan
}

/// For every requirement that waits, the positions of the workers that lack nothing of it.
fn fitting_workers<'view>(waiting: &'view [Waiting], workers: &[&Placeable]) -> HashMap<&'view str, Vec<usize>> {
    let mut fitting = HashMap::new();
    for waiting in waiting {
        fitting.entry(waiting.requirement_key.as_str()).or_insert_with(|| {
            (0..workers.len())
                .filter(|index| workers[*index].capabilities.lacks(&waiting.requirement).is_empty())
                .collect()
        });
    }
    fitting
}

/// Hands out `room`, and returns what found none, oldest first.
///
/// Each requirement keeps a heap of its workers by room. Workers are shared between requirements, so an entry may be out
/// of date; room only shrinks, so an entry that is too high is corrected when it comes up.
fn fill<'view>(
    plan: &mut Plan,
    waiting: &[&'view Waiting],
    workers: &[&Placeable],
    fitting: &HashMap<&str, Vec<usize>>,
    room: &mut [u32],
    most_live: impl Fn(&Placeable) -> u32,
) -> Vec<&'view Waiting> {
    let mut heaps: HashMap<&str, BinaryHeap<(u32, Reverse<usize>)>> = HashMap::new();
    let mut left = Vec::new();
    for waiting in waiting {
        let key = waiting.requirement_key.as_str();
        let heap = heaps.entry(key).or_insert_with(|| {
            let indices = fitting.get(key).map_or(&[][..], Vec::as_slice);
            indices.iter().filter(|index| room[**index] > 0).map(|index| (room[*index], Reverse(*index))).collect()
        });
        let chosen = loop {
            let Some((believed, Reverse(index))) = heap.pop() else { break None };
            if room[index] == believed {
                break Some(index);
            }
            if room[index] > 0 {
                heap.push((room[index], Reverse(index)));
            }
        };
        let Some(index) = chosen else {
            left.push(*waiting);
            continue;
        };
        room[index] -= 1;
        if room[index] > 0 {
            heap.push((room[index], Reverse(index)));
        }
        plan.assignments.push(Assignment {
            execution: waiting.execution,
            worker: workers[index].worker,
            incarnation: workers[index].incarnation,
            most_live: most_live(workers[index]),
        });
    }
    left
}
