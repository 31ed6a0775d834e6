//! Workers: shells around the product's decisions, in a life that begins with a start and ends with a kill or a leave.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use attune_process::How;
use attune_process::protocol::{FenceTimes, StoppedBy};
use attune_queue::DeliveryTag;
use attune_queue::protocol::{Heard, Ledger as Link};
use attune_store::{Completion, Registration};
use attune_types::{Capabilities, Incarnation, Payload, WorkerId};
use attune_worker::protocol::{Desk, FencePolicy, Key, Ledger, State, Stop, StopCause};

use super::event::Event;
use super::store::{Answer, Asker, Request};
use super::trees::TreeEvent;
use super::{LEASE, MILLI, SECOND, World};
use crate::reach::Point;
use crate::work::Behaviour;

/// What a worker asked the database for.
#[derive(Debug, Clone)]
pub(crate) enum Wanted {
    WhoIs,
    Register { evidence: bool },
    Leftover(Key),
    Beat(Duration),
    Claim { keys: Vec<Key>, asked_at: Duration },
    Start(Key),
    Complete(Key),
    HandBack { keys: Vec<Key>, tags: Vec<DeliveryTag>, tries: u32, request: Vec<attune_store::HandBack>, then: Then },
    Leave,
}

/// What follows when something was handed back.
#[derive(Debug, Clone)]
pub(crate) enum Then {
    /// Its deliveries are settled.
    Settle,
    /// It is forgotten.
    Forget,
    /// It is forgotten, or, when it had been let start, this end is reported.
    Otherwise(Box<Completion>),
    /// The consumer closes.
    CloseLink,
}

/// What happens at a worker.
#[derive(Debug)]
pub(crate) enum WorkerEvent {
    /// It has swept what its earlier life left.
    Swept,
    /// It asks once more to be registered.
    RegisterAgain {
        /// Whether everything of its earlier life is known to be dead.
        evidence: bool,
    },
    /// It connects to the broker.
    Connect,
    /// It hears from its connection.
    LinkHears(Heard),
    /// A message comes.
    Delivered(DeliveryTag, Payload),
    /// It is time to beat.
    Beat(u64),
    /// It looks whether it could beat.
    FenceLook,
    /// The pause after the store could not be asked is over.
    PauseOver,
    /// What was claimed in advance may have waited too long.
    PatienceOver,
    /// An environment is ready, or never will be.
    Prepared(Key, bool),
    /// A held claim is asked for once more.
    OpenAgain(Key),
    /// The process of an attempt is there.
    Started(Key),
    /// It could not be started.
    NotStarted(Key),
    /// The root of a tree has ended and others have not.
    RootEnded(u64),
    /// A tree is gone.
    TreeEnded {
        /// Of which attempt.
        key: Key,
        /// How its root ended.
        how: How,
        /// Who stopped it.
        stopped: Option<StoppedBy>,
        /// How it behaved.
        behaviour: Behaviour,
    },
    /// An end is offered again.
    OfferAgain(Key),
    /// Something is handed back once more.
    HandBackAgain(Box<Wanted>),
    /// The end of an earlier life is offered again.
    LeftoverAgain(Key),
    /// An executor crashes.
    ExecutorCrashes,
    /// What a crashed executor ran is looked at again.
    Deserted(Key),
    /// The first signal.
    Drain,
    /// The time for what runs is over.
    DrainTimeIsUp,
    /// It has no more time.
    LeaveNow,
}

/// One attempt that is being executed.
#[derive(Debug)]
pub(crate) struct Runner {
    pub(crate) state: State,
    pub(crate) grant: attune_worker::protocol::Grant,
    pub(crate) tree: Option<u64>,
    /// While this lives, the ledger knows that somebody sees to the attempt.
    pub(crate) presence: Arc<()>,
}

/// An end that is being reported.
#[derive(Debug)]
pub(crate) struct Owed {
    pub(crate) completion: Completion,
    pub(crate) pause: i64,
}

/// A worker.
#[derive(Debug)]
pub(crate) struct Worker {
    pub(crate) name: String,
    pub(crate) slots: usize,
    pub(crate) is_rival: bool,
    pub(crate) capabilities: Capabilities,
    pub(crate) drift_ppm: i64,
    pub(crate) wall_offset: i64,
    pub(crate) life: u64,
    pub(crate) is_up: bool,
    pub(crate) is_paused: bool,
    pub(crate) paused_at: i64,
    pub(crate) deferred: Vec<Event>,
    pub(crate) id: WorkerId,
    pub(crate) incarnation: Incarnation,
    /// On its disk: who it was when it registered last, and ends that were not taken.
    pub(crate) was: Option<Incarnation>,
    pub(crate) spool: BTreeMap<Key, Completion>,
    pub(crate) is_disk_full: bool,
    /// Ends of earlier lives that are still offered, when it registers.
    pub(crate) leftovers: BTreeMap<Key, i64>,
    pub(crate) is_registered: bool,
    pub(crate) ledger: Ledger,
    pub(crate) desk: Desk,
    pub(crate) runners: BTreeMap<Key, Runner>,
    pub(crate) owed: BTreeMap<Key, Owed>,
    pub(crate) link: Link,
    pub(crate) link_pause: i64,
    pub(crate) is_link_closed: bool,
    pub(crate) policy: FencePolicy,
    pub(crate) fence_times: FenceTimes,
    pub(crate) last_sent: Duration,
    pub(crate) is_looking: bool,
    pub(crate) is_beating: bool,
    pub(crate) beats_again: bool,
    pub(crate) beat_number: u64,
    pub(crate) is_leaving: bool,
}

/// The workers of the world: three, and a rival of the first on another machine.
pub(crate) fn all() -> Vec<Worker> {
    let drifts = [0, 9_000, -9_000, 3_000];
    let made = drifts.into_iter().enumerate().map(|(place, drift_ppm)| {
        let runtimes =
            if place == 2 { vec!["shell".to_owned()] } else { vec!["shell".to_owned(), "python".to_owned()] };
        let slots = 12;
        let is_rival = place == 3;
        Worker {
            name: format!("w{}", if is_rival { 0 } else { place }),
            slots,
            is_rival,
            capabilities: Capabilities { runtimes, max_concurrent_executions: slots as u32, ..Capabilities::default() },
            drift_ppm,
            wall_offset: 0,
            life: 0,
            is_up: false,
            is_paused: false,
            paused_at: 0,
            deferred: Vec::new(),
            id: WorkerId(0),
            incarnation: Incarnation([0; 16]),
            was: None,
            spool: BTreeMap::new(),
            is_disk_full: false,
            leftovers: BTreeMap::new(),
            is_registered: false,
            ledger: Ledger::default(),
            desk: Desk::default(),
            runners: BTreeMap::new(),
            owed: BTreeMap::new(),
            link: Link::default(),
            link_pause: 0,
            is_link_closed: false,
            policy: FencePolicy::of_lease(LEASE),
            fence_times: FenceTimes::default(),
            last_sent: Duration::ZERO,
            is_looking: false,
            is_beating: false,
            beats_again: false,
            beat_number: 0,
            is_leaving: false,
        }
    });
    made.collect()
}

impl World {
    pub(super) fn wall_offset(&self, asker: &Asker) -> i64 {
        match asker {
            Asker::Worker(number, ..) => self.workers[*number].wall_offset,
            _ => 0,
        }
    }

    pub(super) fn worker_ask(&mut self, number: usize, wanted: Wanted, request: Request) {
        let life = self.workers[number].life;
        self.ask(Asker::Worker(number, life, wanted), request);
    }

    pub(super) fn worker_later(&mut self, number: usize, pause: i64, event: WorkerEvent) {
        let life = self.workers[number].life;
        self.after(pause, Event::Worker(number, life, event));
    }

    /// A worker begins a new life: first it ends what its earlier life left running.
    pub(super) fn start_worker(&mut self, number: usize) {
        let worker = &self.workers[number];
        if worker.is_up {
            // Who drains, or will when it is resumed, leaves later, and whoever runs it starts it again then.
            if worker.desk.is_draining() || worker.is_paused {
                self.after(SECOND, Event::StartWorker(number));
            }
            return;
        }
        let incarnation = Incarnation(self.random.bytes());
        let worker = &mut self.workers[number];
        worker.life += 1;
        worker.is_up = true;
        worker.incarnation = incarnation;
        worker.leftovers = worker.spool.keys().map(|key| (*key, SECOND)).collect();
        worker.is_registered = false;
        worker.ledger = Ledger::default();
        worker.desk = Desk::default();
        worker.link = Link::default();
        (worker.link_pause, worker.is_link_closed) = (0, false);
        worker.fence_times = FenceTimes::default();
        (worker.is_beating, worker.beats_again, worker.is_looking, worker.is_leaving) = (false, false, false, false);
        let life = worker.life;
        self.say(|| format!("worker {number} starts, life {life}"));
        for tree in self.trees_of(number) {
            self.at(self.now, Event::Tree(tree, TreeEvent::Dies));
        }
        self.worker_later(number, 20 * MILLI, WorkerEvent::Swept);
    }

    /// Everything of a worker's process is gone at once.
    pub(super) fn kill_worker(&mut self, number: usize) {
        if !self.workers[number].is_up {
            return;
        }
        if !self.trees_of(number).is_empty() {
            self.reach(Point::KilledRunning);
        }
        self.drop_consumer(number);
        self.abandon_trees(number);
        let worker = &mut self.workers[number];
        (worker.is_up, worker.is_paused) = (false, false);
        worker.deferred.clear();
        worker.runners.clear();
        worker.owed.clear();
        self.say(|| format!("worker {number} is gone"));
    }

    fn who_is(&mut self, number: usize) {
        let name = self.workers[number].name.clone();
        self.worker_ask(number, Wanted::WhoIs, Request::WhoIs(name));
    }

    /// Offers the ends of its earlier lives, once, and then asks who it was.
    fn offer_leftovers(&mut self, number: usize) {
        let keys: Vec<Key> = self.workers[number].leftovers.keys().copied().collect();
        if keys.is_empty() {
            return self.who_is(number);
        }
        for key in keys {
            self.offer_leftover(number, key);
        }
    }

    pub(super) fn offer_leftover(&mut self, number: usize, key: Key) {
        let Some(completion) = self.workers[number].spool.get(&key).cloned() else { return };
        self.reach(Point::SpoolOffered);
        self.worker_ask(number, Wanted::Leftover(key), Request::Complete(vec![completion]));
    }

    pub(super) fn leftover_answered(&mut self, number: usize, key: Key, is_answered: bool) {
        let worker = &mut self.workers[number];
        if is_answered {
            worker.spool.remove(&key);
            worker.leftovers.remove(&key);
        } else if let Some(pause) = worker.leftovers.get_mut(&key) {
            *pause = -(*pause).abs();
        }
        let is_registered = worker.is_registered;
        let all_tried = worker.leftovers.values().all(|pause| *pause < 0);
        if is_registered {
            if !is_answered {
                self.worker_later(number, 5 * SECOND, WorkerEvent::LeftoverAgain(key));
            }
        } else if all_tried {
            self.who_is(number);
        }
    }

    fn register(&mut self, number: usize, evidence: bool) {
        let worker = &self.workers[number];
        let registration = Registration {
            name: worker.name.clone(),
            worker_type: "local".to_owned(),
            host: format!("host {number}"),
            incarnation: worker.incarnation,
            capabilities: worker.capabilities.clone(),
            previous_is_dead: evidence,
            lease_ms: LEASE.as_millis() as i64,
        };
        if !evidence {
            self.reach(Point::NoEvidence);
        }
        self.worker_ask(number, Wanted::Register { evidence }, Request::Register(registration));
    }

    fn registered(&mut self, number: usize, id: WorkerId) {
        let sent = self.boot(number);
        let worker = &mut self.workers[number];
        worker.id = id;
        worker.was = Some(worker.incarnation);
        worker.is_registered = true;
        worker.last_sent = Duration::ZERO;
        self.note_beat(number, sent);
        self.worker_later(number, MILLI, WorkerEvent::Connect);
        self.beat(number);
        let left: Vec<Key> = self.workers[number].leftovers.keys().copied().collect();
        for key in left {
            self.worker_later(number, SECOND, WorkerEvent::LeftoverAgain(key));
        }
    }

    pub(super) fn worker_hears(&mut self, number: usize, wanted: Wanted, answer: Option<Answer>) {
        match (wanted, answer) {
            (Wanted::WhoIs, Some(Answer::Is(found))) => {
                // Its evidence is about whoever it was itself; somebody else may have had the name since.
                let was = self.workers[number].was;
                let is_successor = was.is_some() && found == was;
                let evidence = is_successor && self.workers[number].leftovers.is_empty();
                self.register(number, evidence);
            }
            (Wanted::Register { .. }, Some(Answer::Registered(registered))) => self.registered(number, registered.id),
            (Wanted::WhoIs, _) => self.register(number, false),
            (Wanted::Register { evidence }, _) => {
                self.worker_later(number, SECOND, WorkerEvent::RegisterAgain { evidence });
            }
            (Wanted::Leftover(key), answer) => self.leftover_answered(number, key, answer.is_some()),
            (Wanted::Beat(sent), Some(Answer::Beat(reply))) => self.beaten(number, sent, reply),
            (Wanted::Beat(_), _) => self.beat_failed(number),
            (Wanted::Claim { keys, asked_at }, Some(Answer::Claimed(answers))) => {
                self.claimed(number, keys, asked_at, Some(answers));
            }
            (Wanted::Claim { keys, asked_at }, _) => self.claimed(number, keys, asked_at, None),
            (Wanted::Start(key), Some(Answer::Answered(answers))) => {
                let is_open = answers.first() == Some(&attune_store::Answered::Accepted);
                if !is_open {
                    self.reach(Point::StartRefused);
                }
                self.step(number, key, attune_worker::protocol::Event::Opened(is_open));
            }
            (Wanted::Start(key), _) => self.worker_later(number, 500 * MILLI, WorkerEvent::OpenAgain(key)),
            (Wanted::Complete(key), Some(Answer::Answered(_))) => self.end_taken(number, key),
            (Wanted::Complete(key), _) => self.end_not_taken(number, key),
            (Wanted::HandBack { keys, tags, then, .. }, Some(Answer::Answered(answers))) => {
                self.handed_back(number, &keys, tags, then, answers.first().copied());
            }
            (Wanted::HandBack { keys, tags, tries, request, then }, _) => {
                if tries < 3 {
                    let again = Wanted::HandBack { keys, tags, tries: tries + 1, request, then };
                    self.worker_later(number, 250 * MILLI, WorkerEvent::HandBackAgain(Box::new(again)));
                } else {
                    self.handed_back(number, &keys, tags, then, None);
                }
            }
            (Wanted::Leave, _) => self.worker_left(number),
        }
    }

    pub(super) fn worker_event(&mut self, number: usize, event: WorkerEvent) {
        use attune_worker::protocol::Event as Step;
        match event {
            WorkerEvent::Swept => self.offer_leftovers(number),
            // What it did not hear of may have been done, and the name may be somebody else's by now: it looks once more.
            WorkerEvent::RegisterAgain { evidence: true } => self.who_is(number),
            WorkerEvent::RegisterAgain { evidence: false } => self.register(number, false),
            WorkerEvent::Connect => self.connect(number),
            WorkerEvent::LinkHears(heard) => self.link_hears(number, heard),
            WorkerEvent::Delivered(tag, payload) => self.delivered(number, tag, payload),
            WorkerEvent::Beat(count) => {
                if self.workers[number].beat_number == count {
                    self.beat(number);
                }
            }
            WorkerEvent::FenceLook => self.look_at_fence(number),
            WorkerEvent::PauseOver => {
                self.workers[number].desk.rested();
                self.proceed(number);
            }
            WorkerEvent::PatienceOver => self.proceed(number),
            WorkerEvent::Prepared(key, is_ready) => self.prepared(number, key, is_ready),
            WorkerEvent::OpenAgain(key) => self.open(number, key),
            WorkerEvent::Started(key) => self.started(number, key),
            WorkerEvent::NotStarted(key) => self.not_started(number, key),
            WorkerEvent::RootEnded(tree) => self.root_ended(tree),
            WorkerEvent::TreeEnded { key, how, stopped, behaviour } => {
                self.judge_time(key, stopped, behaviour);
                self.read_output(key, behaviour);
                self.tree_ended(number, key, how, stopped);
            }
            WorkerEvent::OfferAgain(key) => self.offer_end(number, key),
            WorkerEvent::HandBackAgain(wanted) => {
                if let Wanted::HandBack { request, .. } = &*wanted {
                    let incarnation = self.workers[number].incarnation;
                    let request = Request::HandBack(incarnation, request.clone());
                    self.worker_ask(number, *wanted, request);
                }
            }
            WorkerEvent::LeftoverAgain(key) => self.offer_leftover(number, key),
            WorkerEvent::ExecutorCrashes => self.crash_executor(number),
            WorkerEvent::Deserted(key) => self.settle_deserted(number, key),
            WorkerEvent::Drain => self.drain(number),
            WorkerEvent::DrainTimeIsUp => {
                let keys: Vec<Key> = self.workers[number].runners.keys().copied().collect();
                for key in keys {
                    self.reach(Point::DrainInterrupted);
                    let cause = StopCause::Draining { by: "the worker's shutdown".to_owned() };
                    self.step(number, key, Step::Stop(Stop { cause, kill: false }));
                }
            }
            WorkerEvent::LeaveNow => self.worker_left(number),
        }
    }
}
