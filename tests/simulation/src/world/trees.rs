//! Process trees and the guards that watch over them. The guard's decisions are the product's; what the kernel does with
//! processes is modelled.

use std::time::Duration;

use attune_process::How;
use attune_process::protocol::{Effect, Event as GuardEvent, FenceTimes, State, StoppedBy, may_read, reading_time};
use attune_worker::protocol::Key;

use super::event::Event;
use super::worker::WorkerEvent;
use super::{MILLI, World};
use crate::reach::Point;
use crate::truth::{Ran, may_start_again};
use crate::work::Behaviour;

/// A process tree.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) worker: usize,
    pub(crate) life: u64,
    pub(crate) key: Key,
    guard: State,
    root: Option<How>,
    has_others: bool,
    pub(crate) behaviour: Behaviour,
    wake: u64,
}

/// What happens to a process tree.
#[derive(Debug)]
pub(crate) enum TreeEvent {
    /// Its root ends.
    RootEnds(How),
    /// What was killed is gone.
    Dies,
    /// Its worker is gone.
    Abandoned,
    /// Its worker wants it to stop.
    Stop,
    /// Its worker wants it dead.
    Kill,
    /// Its worker has read enough.
    Finish,
    /// The guard looks at its clock.
    Tick(u64),
}

impl World {
    /// A worker starts a process; the number of its tree.
    pub(crate) fn spawn(&mut self, worker: usize, key: Key, behaviour: Behaviour, timeout: Duration) -> u64 {
        let kind = self.database.execution(key.execution).map(|row| row.spec.clone());
        let story = &mut self.stories[key.execution.0 as usize - 1];
        let (alive, before) = (story.alive(), story.ran.len());
        let is_allowed = kind.is_some_and(|spec| may_start_again(&spec, story));
        story.ran.push(Ran { attempt: key.attempt, how: None, is_gone: false });
        if alive > 0 {
            self.violations.note("overlap", || format!("{key} starts while another tree of it lives"));
        }
        if before > 0 && !is_allowed {
            let story = self.stories[key.execution.0 as usize - 1].clone();
            self.violations.note("started_twice", || format!("{key} starts again, after {story:?}"));
        }
        self.last_tree += 1;
        let (tree, life) = (self.last_tree, self.workers[worker].life);
        let grace = Duration::from_secs(5);
        let (guard, _) =
            State::Idle.decide(GuardEvent::Started { run: tree, timeout: Some(timeout), grace }, self.boot(worker));
        let has_others = behaviour.leaves;
        self.trees.insert(tree, Tree { worker, life, key, guard, root: None, has_others, behaviour, wake: 0 });
        self.say(|| format!("worker {worker} starts {key}: {behaviour:?}"));
        // Who talks before it reads, and is not heard, waits for its worker, and its worker for it.
        if !behaviour.talks_first || may_read(false) {
            self.after(behaviour.runs_for, Event::Tree(tree, TreeEvent::RootEnds(How::Exited(behaviour.code))));
        }
        self.set_alarm(tree);
        tree
    }

    /// A worker's clock that counts suspend, which may be a little fast or slow.
    pub(crate) fn boot(&self, worker: usize) -> Duration {
        let now = i128::from(self.now) + 1_000_000_000;
        let read = now * i128::from(1_000_000 + self.workers[worker].drift_ppm) / 1_000_000;
        Duration::from_micros(u64::try_from(read).unwrap_or(0))
    }

    /// When such a clock shows a moment.
    pub(crate) fn when(&self, worker: usize, moment: Duration) -> i64 {
        let shown = i128::try_from(moment.as_micros()).unwrap_or(i128::MAX / 2_000_000);
        let rate = i128::from(1_000_000 + self.workers[worker].drift_ppm);
        // Rounded up: who looks early looks in vain.
        let real = (shown * 1_000_000 + rate - 1) / rate;
        i64::try_from(real - 1_000_000_000).unwrap_or(i64::MAX / 2)
    }

    fn fence(&self, tree: &Tree) -> FenceTimes {
        let worker = &self.workers[tree.worker];
        if worker.life == tree.life { worker.fence_times } else { FenceTimes::default() }
    }

    fn set_alarm(&mut self, number: u64) {
        let Some(tree) = self.trees.get(&number) else { return };
        let (worker, now) = (tree.worker, self.boot(tree.worker));
        let at = tree.guard.wake_at(self.fence(tree), now);
        if let Some(at) = at {
            let real = self.when(worker, at);
            if let Some(tree) = self.trees.get_mut(&number) {
                tree.wake += 1;
                let wake = tree.wake;
                self.at(real, Event::Tree(number, TreeEvent::Tick(wake)));
            }
        }
    }

    pub(super) fn tree_event(&mut self, number: u64, event: TreeEvent) {
        let Some(tree) = self.trees.get_mut(&number) else { return };
        let event = match event {
            TreeEvent::RootEnds(how) => {
                if tree.root.is_some() {
                    return;
                }
                tree.root = Some(how);
                let (key, is_empty) = (tree.key, !tree.has_others);
                self.note_end(key, Some(how), is_empty);
                GuardEvent::RootEnded { how, is_empty }
            }
            TreeEvent::Dies => {
                let was_alive = tree.root.is_none();
                // A descendant that left the group of processes is hit all the same.
                let had_others = tree.has_others;
                let is_empty = !(had_others && crate::mutant::is("killpg_only"));
                tree.has_others = !is_empty;
                let how = *tree.root.get_or_insert(How::Signaled(9));
                let key = tree.key;
                self.note_end(key, was_alive.then_some(how), is_empty);
                if was_alive {
                    GuardEvent::RootEnded { how, is_empty }
                } else if !is_empty {
                    return;
                } else {
                    if had_others {
                        self.reach(Point::DescendantKilled);
                    }
                    GuardEvent::Empty
                }
            }
            TreeEvent::Abandoned => GuardEvent::Abandoned,
            TreeEvent::Stop => GuardEvent::Stop { run: number },
            TreeEvent::Kill => GuardEvent::Kill { run: number },
            TreeEvent::Finish => GuardEvent::Finish { run: number },
            TreeEvent::Tick(wake) if wake != tree.wake => return,
            TreeEvent::Tick(_) => {
                let fence = self.trees.get(&number).map(|tree| self.fence(tree)).unwrap_or_default();
                GuardEvent::Tick { fence }
            }
        };
        self.guard_decides(number, event);
    }

    fn guard_decides(&mut self, number: u64, event: GuardEvent) {
        let Some(tree) = self.trees.get(&number) else { return };
        let now = self.boot(tree.worker);
        let (guard, effects) = tree.guard.decide(event, now);
        if let Some(tree) = self.trees.get_mut(&number) {
            tree.guard = guard;
        }
        for effect in effects {
            self.guard_acts(number, effect);
        }
        if guard == State::Over || guard == State::Idle {
            self.trees.remove(&number);
        } else {
            self.set_alarm(number);
        }
    }

    fn guard_acts(&mut self, number: u64, effect: Effect) {
        let Some(tree) = self.trees.get(&number) else { return };
        let (worker, life, key) = (tree.worker, tree.life, tree.key);
        match effect {
            Effect::Terminate if tree.behaviour.obeys && tree.root.is_none() => {
                let pause = self.random.between(MILLI, 300 * MILLI);
                self.after(pause, Event::Tree(number, TreeEvent::RootEnds(How::Signaled(15))));
            }
            Effect::Kill => {
                if tree.root.is_none() && !tree.behaviour.obeys {
                    self.reach(Point::StubbornKilled);
                }
                let pause = self.random.between(200, 4 * MILLI);
                self.after(pause, Event::Tree(number, TreeEvent::Dies));
            }
            Effect::TellRootEnded { .. } => {
                self.after(500, Event::Worker(worker, life, WorkerEvent::RootEnded(number)));
            }
            Effect::TellEnded { stopped, .. } => {
                let (how, behaviour) = (tree.root.unwrap_or(How::Unknown), tree.behaviour);
                if stopped == Some(StoppedBy::Fence) {
                    self.reach(Point::GuardFenced);
                }
                self.after(500, Event::Worker(worker, life, WorkerEvent::TreeEnded { key, how, stopped, behaviour }));
            }
            Effect::Terminate | Effect::NameSurvivors | Effect::TellKilling { .. } | Effect::Leave => {}
        }
    }

    fn note_end(&mut self, key: Key, how: Option<How>, is_gone: bool) {
        let story = &mut self.stories[key.execution.0 as usize - 1];
        if let Some(ran) = story.ran.iter_mut().rfind(|ran| ran.attempt == key.attempt && !ran.is_gone) {
            ran.how = how.or(ran.how);
            ran.is_gone = is_gone;
        }
        self.say(|| format!("process of {key}: {how:?}, gone: {is_gone}"));
    }

    /// A worker is killed: its guards hear it.
    pub(crate) fn abandon_trees(&mut self, worker: usize) {
        for tree in self.trees_of(worker) {
            let pause = self.random.between(200, 3 * MILLI);
            self.after(pause, Event::Tree(tree, TreeEvent::Abandoned));
        }
    }

    /// All trees on the machine of a worker, of whichever life.
    pub(crate) fn trees_of(&self, worker: usize) -> Vec<u64> {
        let mut trees: Vec<u64> =
            self.trees.iter().filter(|(_, tree)| tree.worker == worker).map(|(number, _)| *number).collect();
        trees.sort_unstable();
        trees
    }

    /// The tree of an attempt in the present life of a worker.
    pub(crate) fn tree_of(&self, worker: usize, key: Key) -> Option<u64> {
        let life = self.workers[worker].life;
        let own = |tree: &Tree| tree.worker == worker && tree.life == life && tree.key == key;
        self.trees.iter().find(|(_, tree)| own(tree)).map(|(number, _)| *number)
    }

    /// Tells the guard of an attempt something.
    pub(crate) fn tell_guard(&mut self, tree: u64, event: TreeEvent) {
        self.after(300, Event::Tree(tree, event));
    }

    /// The root of a tree has ended and a descendant holds its output open: its worker reads on for a while.
    pub(super) fn root_ended(&mut self, tree: u64) {
        if let Some(time) = reading_time() {
            self.after(time.as_micros() as i64, Event::Tree(tree, TreeEvent::Finish));
        }
    }
}
