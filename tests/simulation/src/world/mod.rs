//! The modelled world: one clock, one line of events, and everybody in it.
//!
//! | file | holds |
//! |---|---|
//! | `event` | what can happen, and to whom |
//! | `store` | the way to the database and back, and everything that goes wrong on it |
//! | `broker` | the messenger |
//! | `clients` | who submits and cancels |
//! | `server`, `placing`, `relaying` | schedulers, relays and reapers |
//! | `worker`, `linking`, `beating`, `working`, `ending` | workers |
//! | `trees` | process trees and their guards |
//! | `output` | what becomes of what processes write |
//! | `faults` | what goes wrong, and when it stops |
//! | `settled` | what must be true when everything has come to rest |

mod beating;
mod broker;
mod clients;
mod ending;
mod event;
pub mod faults;
mod linking;
mod output;
mod placing;
mod relaying;
mod server;
mod settled;
mod store;
mod trees;
mod worker;
mod working;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use attune_secret::redact::Needles;
use attune_store::ReaperPolicy;

use self::broker::Broker;
use self::event::Event;
pub use self::event::Part;
use self::event::Queued;
use self::faults::Fault;
use self::server::Server;
use self::store::Way;
use self::trees::Tree;
use self::worker::Worker;
use crate::database::{Database, Refusal};
use crate::random::Random;
use crate::reach::{Point, Reached};
use crate::trace::Trace;
use crate::truth::{Story, Violations};
use crate::work::{Kind, kinds};

/// A millisecond and a second in the unit of everything here, microseconds.
pub(crate) const MILLI: i64 = 1_000;
pub(crate) const SECOND: i64 = 1_000_000;

/// How long a worker's lease lasts.
pub(crate) const LEASE: Duration = Duration::from_secs(45);

/// What a run is made of.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Every random number comes from it.
    pub seed: u64,
    /// How many executions are submitted.
    pub executions: u32,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// Whether lines are kept.
    pub is_traced: bool,
}

/// How a run ended.
#[derive(Debug)]
pub struct Ended {
    /// What should never have happened.
    pub violations: Violations,
    /// Which rare paths were taken.
    pub reached: Reached,
    /// What happened.
    pub trace: Trace,
    /// How long it took in the world, in microseconds.
    pub took: i64,
    /// How many executions were submitted.
    pub submitted: u64,
}

/// The world.
pub struct World {
    pub(crate) now: i64,
    line: BinaryHeap<Reverse<Queued>>,
    sequence: u64,
    pub(crate) random: Random,
    pub(crate) plan: Plan,
    pub(crate) kinds: Vec<Kind>,
    pub(crate) database: Database,
    pub(crate) way: Way,
    pub(crate) broker: Broker,
    pub(crate) servers: Vec<Server>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) trees: HashMap<u64, Tree>,
    pub(crate) last_tree: u64,
    pub(crate) stories: Vec<Story>,
    pub(crate) policy: ReaperPolicy,
    pub(crate) needles: Needles,
    pub(crate) violations: Violations,
    pub(crate) reached: Reached,
    pub(crate) trace: Trace,
    /// How many clients still want something.
    pub(crate) asking: u32,
    /// When the last fault is over.
    pub(crate) healed_at: i64,
}

impl World {
    /// A world at its beginning: nobody has started.
    #[must_use]
    pub fn new(plan: Plan) -> Self {
        let healed_at = plan.faults.iter().map(|fault| fault.until).max().unwrap_or(0);
        let mut world = Self {
            now: 0,
            line: BinaryHeap::new(),
            sequence: 0,
            random: Random::new(plan.seed, 1),
            kinds: kinds(),
            database: Database::default(),
            way: Way::default(),
            broker: Broker::default(),
            servers: (0..2).map(|_| Server::new()).collect(),
            workers: worker::all(),
            trees: HashMap::new(),
            last_tree: 0,
            stories: Vec::new(),
            policy: ReaperPolicy::default(),
            needles: Needles::new([("word", output::SECRET)]),
            violations: Violations::default(),
            reached: Reached::default(),
            trace: if plan.is_traced { Trace::kept() } else { Trace::default() },
            asking: 0,
            healed_at,
            plan,
        };
        for server in 0..world.servers.len() {
            world.start_server(server);
        }
        for worker in 0..world.workers.len() {
            if !world.workers[worker].is_rival {
                world.start_worker(worker);
            }
        }
        world.submit_everything();
        for (number, fault) in world.plan.faults.clone().iter().enumerate() {
            world.at(fault.at, Event::Fault(number));
            world.at(fault.until, Event::Heal(number));
        }
        world
    }

    /// Lets everything happen until nothing is left to do, and judges.
    #[must_use]
    pub fn run(mut self) -> Ended {
        let patience = 600 * SECOND;
        while let Some(Reverse(next)) = self.line.pop() {
            self.now = next.at;
            self.trace.event(self.now, next.event.kind());
            self.happen(next.event);
            if !self.violations.is_empty() && crate::mutant::can_choose() {
                return self.ended();
            }
            if self.sequence.is_multiple_of(64) && self.is_settled() {
                break;
            }
            if self.now > self.healed_at.max(i64::from(self.plan.executions) * 150 * MILLI) + patience {
                break;
            }
        }
        self.judge();
        self.ended()
    }

    fn ended(self) -> Ended {
        let submitted = self.database.executions().len() as u64;
        Ended { violations: self.violations, reached: self.reached, trace: self.trace, took: self.now, submitted }
    }

    /// Something will happen at a time.
    pub(crate) fn at(&mut self, at: i64, event: Event) {
        self.sequence += 1;
        self.line.push(Reverse(Queued { at: at.max(self.now), sequence: self.sequence, event }));
    }

    /// Something will happen after a while.
    pub(crate) fn after(&mut self, micros: i64, event: Event) {
        self.at(self.now + micros.max(0), event);
    }

    pub(crate) fn reach(&mut self, point: Point) {
        self.reached.reach(point);
    }

    pub(crate) fn say(&mut self, line: impl FnOnce() -> String) {
        self.trace.say(self.now, line);
    }

    /// The schema refused something.
    pub(crate) fn refused(&mut self, refusal: &Refusal) {
        let (now, seed) = (self.now, self.plan.seed);
        self.violations.note("schema_refused", || format!("seed {seed} at {now}: {}", refusal.0));
    }

    /// What the clock of the database says.
    pub(crate) fn database_now(&self) -> i64 {
        self.now + self.way.clock_offset + 1_000_000_000_000
    }
}
