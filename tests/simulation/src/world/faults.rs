//! What goes wrong, and when it stops.

use attune_queue::protocol::Heard;
use attune_store::{Answered, Completion};
use attune_types::{AttemptNumber, AttemptState, ExecutionId, LeaseToken, Outcome, Payload};

use super::broker::BrokerMood;
use super::event::{Event, Part};
use super::store::Mood;
use super::worker::WorkerEvent;
use super::{MILLI, SECOND, World};
use crate::random::Random;
use crate::reach::Point;

/// Something that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A worker is killed, and started again when it is over.
    KillWorker(usize),
    /// A worker is stopped for a while.
    PauseWorker(usize),
    /// A worker is asked to leave, and started again later.
    DrainWorker(usize),
    /// A second worker of the name of the first registers on another machine.
    Rival,
    /// An executor of a worker crashes.
    CrashExecutor(usize),
    /// The disk of a worker is full.
    FullDisk(usize),
    /// The clock of a worker's machine is wrong, by so many seconds.
    WallClock(usize, i64),
    /// A server is killed, and started again when it is over.
    KillServer(usize),
    /// A server is stopped for a while.
    PauseServer(usize),
    /// The database behaves like this.
    Database(Mood),
    /// Of a hundred answers of the database, so many get lost.
    LoseAnswers(u64),
    /// The database takes up to so many milliseconds.
    SlowDatabase(i64),
    /// The clock of the database is set, by so many seconds.
    DatabaseClock(i64),
    /// The way of one of them to the database behaves like this.
    Cut(Part, Mood),
    /// The broker behaves like this.
    Broker(BrokerMood),
    /// The broker forgets everything.
    WipeBroker,
    /// The channel of a worker is closed.
    CloseChannel(usize),
    /// The queue of a worker is deleted.
    DeleteQueue(usize),
    /// One of them cannot reach the broker.
    CutBroker(Part),
    /// Of a hundred messages, so many are delivered twice, late, or never.
    Messages(u64, u64, u64),
    /// Somebody forges messages and ends.
    Forge,
}

/// A fault and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// When it begins, in microseconds.
    pub at: i64,
    /// When it is over.
    pub until: i64,
    /// What.
    pub kind: FaultKind,
}

/// The faults of a seed.
#[must_use]
pub fn draw(seed: u64, executions: u32) -> Vec<Fault> {
    let mut random = Random::new(seed, 9);
    let window = (i64::from(executions) * 65 * MILLI).max(40 * SECOND);
    let count = 3 + random.below(4 + u64::from(executions) / 60);
    let mut faults = Vec::new();
    for _ in 0..count {
        let at = random.between(2 * SECOND, window);
        let kind = kind(&mut random);
        let lasts = match random.below(10) {
            0..4 => random.between(100 * MILLI, 5 * SECOND),
            4..8 => random.between(5 * SECOND, 40 * SECOND),
            _ => random.between(40 * SECOND, 110 * SECOND),
        };
        faults.push(Fault { at, until: at + lasts, kind });
    }
    faults.sort_by_key(|fault| fault.at);
    // A clock that goes ahead and comes back between two ticks of every reaper is noticed by none: see docs/proof.md.
    let mut set_at = i64::MIN / 2;
    faults.retain(|fault| {
        let is_set = matches!(fault.kind, FaultKind::DatabaseClock(_));
        let is_kept = !is_set || fault.at - set_at > 120 * SECOND;
        if is_set && is_kept {
            set_at = fault.at;
        }
        is_kept
    });
    faults
}

fn kind(random: &mut Random) -> FaultKind {
    let worker = random.below(3) as usize;
    let server = random.below(2) as usize;
    let part = match random.below(5) {
        number @ 0..3 => Part::Worker(number as usize),
        number => Part::Server(number as usize - 3),
    };
    let mood = [Mood::ReadOnly, Mood::Away, Mood::Silent][random.below(3) as usize];
    let hour = if random.percent(50) { 3600 } else { -3600 };
    match random.below(36) {
        0..5 => FaultKind::KillWorker(worker),
        5..8 => FaultKind::PauseWorker(worker),
        8..10 => FaultKind::DrainWorker(worker),
        10 => FaultKind::Rival,
        11..13 => FaultKind::CrashExecutor(worker),
        13 => FaultKind::FullDisk(worker),
        14 => FaultKind::WallClock(worker, hour),
        15..17 => FaultKind::KillServer(server),
        17 => FaultKind::PauseServer(server),
        18..21 => FaultKind::Database(mood),
        21..23 => FaultKind::LoseAnswers(random.below(30) + 5),
        23 => FaultKind::SlowDatabase(random.between(200, 8_000)),
        24 => FaultKind::DatabaseClock(hour),
        25..27 => FaultKind::Cut(part, mood),
        27..29 => FaultKind::Broker(if random.percent(50) { BrokerMood::Away } else { BrokerMood::Alarmed }),
        29 => FaultKind::WipeBroker,
        30 => FaultKind::CloseChannel(worker),
        31 => FaultKind::DeleteQueue(worker),
        32 => FaultKind::CutBroker(part),
        33..35 => FaultKind::Messages(random.below(40), random.below(20), random.below(20)),
        _ => FaultKind::Forge,
    }
}

impl World {
    pub(super) fn fault(&mut self, number: usize) {
        let fault = self.plan.faults[number];
        self.say(|| format!("fault {number}: {:?} for {:.1} s", fault.kind, (fault.until - fault.at) as f64 / 1e6));
        match fault.kind {
            FaultKind::KillWorker(worker) => self.kill_worker(worker),
            FaultKind::PauseWorker(worker) => {
                let now = self.now;
                let worker = &mut self.workers[worker];
                if worker.is_up && !worker.is_paused {
                    (worker.is_paused, worker.paused_at) = (true, now);
                }
            }
            FaultKind::DrainWorker(worker) => {
                if self.workers[worker].is_registered {
                    self.worker_later(worker, 0, WorkerEvent::Drain);
                }
            }
            FaultKind::Rival => self.start_worker(3),
            FaultKind::CrashExecutor(worker) => self.worker_later(worker, 0, WorkerEvent::ExecutorCrashes),
            FaultKind::FullDisk(worker) => self.workers[worker].is_disk_full = true,
            FaultKind::WallClock(worker, seconds) => self.workers[worker].wall_offset = seconds * SECOND,
            FaultKind::KillServer(server) => self.kill_server(server),
            FaultKind::PauseServer(server) => self.servers[server].is_paused = self.servers[server].is_up,
            FaultKind::Database(mood) => self.way.mood = mood,
            FaultKind::LoseAnswers(percent) => self.way.lost_percent = percent,
            FaultKind::SlowDatabase(millis) => self.way.slowest = millis * MILLI,
            FaultKind::DatabaseClock(seconds) => {
                self.reach(if seconds > 0 { Point::ClockAhead } else { Point::ClockBack });
                self.way.clock_offset += seconds * SECOND;
            }
            FaultKind::Cut(part, mood) => {
                self.way.cuts.insert(part, mood);
            }
            FaultKind::Broker(mood) => {
                self.broker.mood = mood;
                if mood == BrokerMood::Away {
                    self.break_consumers(Heard::Error, false);
                }
            }
            FaultKind::WipeBroker => self.break_consumers(Heard::Error, true),
            FaultKind::CloseChannel(worker) => self.break_consumer(worker, Heard::Error, false),
            FaultKind::DeleteQueue(worker) => self.break_consumer(worker, Heard::End, true),
            FaultKind::CutBroker(part) => {
                self.broker.cuts.insert(part);
                if let Part::Worker(worker) = part {
                    self.break_consumer(worker, Heard::Complaint, false);
                }
            }
            FaultKind::Messages(twice, late, lost) => {
                let broker = &mut self.broker;
                (broker.twice_percent, broker.late_percent, broker.lost_percent) = (twice, late, lost);
            }
            FaultKind::Forge => self.forge(),
        }
    }

    pub(super) fn heal(&mut self, number: usize) {
        let fault = self.plan.faults[number];
        self.say(|| format!("fault {number} is over"));
        match fault.kind {
            FaultKind::KillWorker(worker) => self.after(50 * MILLI, Event::StartWorker(worker)),
            // It has left by then, or its supervisor kills it.
            FaultKind::DrainWorker(worker) => self.after(31 * SECOND, Event::StartWorker(worker)),
            FaultKind::PauseWorker(worker) => self.resume_worker(worker),
            FaultKind::Rival | FaultKind::CrashExecutor(_) | FaultKind::DatabaseClock(_) | FaultKind::Forge => {}
            FaultKind::FullDisk(worker) => self.workers[worker].is_disk_full = false,
            FaultKind::WallClock(worker, _) => self.workers[worker].wall_offset = 0,
            FaultKind::KillServer(server) => self.after(50 * MILLI, Event::StartServer(server)),
            FaultKind::PauseServer(server) => {
                let server = &mut self.servers[server];
                server.is_paused = false;
                for event in std::mem::take(&mut server.deferred) {
                    self.at(self.now, event);
                }
            }
            FaultKind::Database(_) => {
                self.way.mood = Mood::Fine;
                self.unstick();
            }
            FaultKind::LoseAnswers(_) => self.way.lost_percent = 0,
            FaultKind::SlowDatabase(_) => self.way.slowest = 0,
            FaultKind::Cut(part, _) => {
                self.way.cuts.remove(&part);
                self.unstick();
            }
            FaultKind::Broker(_) => {
                self.broker.mood = BrokerMood::Fine;
                self.unhang();
            }
            FaultKind::WipeBroker | FaultKind::CloseChannel(_) | FaultKind::DeleteQueue(_) => {}
            FaultKind::CutBroker(part) => {
                self.broker.cuts.remove(&part);
                self.unhang();
            }
            FaultKind::Messages(..) => {
                let broker = &mut self.broker;
                (broker.twice_percent, broker.late_percent, broker.lost_percent) = (0, 0, 0);
            }
        }
    }

    fn resume_worker(&mut self, number: usize) {
        let now = self.now;
        let worker = &mut self.workers[number];
        if !worker.is_paused {
            return;
        }
        worker.is_paused = false;
        let paused_for = now - worker.paused_at;
        let deferred = std::mem::take(&mut worker.deferred);
        if paused_for > 46 * SECOND {
            self.reach(Point::PausedBeyondLease);
        }
        if paused_for > 20 * SECOND {
            // The broker has missed its heartbeats and given its messages to nobody.
            self.break_consumer(number, Heard::Error, false);
        }
        for event in deferred {
            self.at(now, event);
        }
    }

    /// Somebody sends orders that nobody gave, and ends with tokens that nobody was given.
    fn forge(&mut self) {
        let executions = self.database.executions().len() as u64;
        for _ in 0..20 {
            let execution = ExecutionId(1 + self.random.below(executions.max(1)) as i64);
            let attempt = AttemptNumber(self.random.between(1, 3) as i32);
            self.broker.forged.insert((execution, attempt));
            for worker in self.queues() {
                let life = self.workers.iter().find(|one| one.id == worker && one.is_up).map(|one| one.incarnation);
                if let Some(incarnation) = life {
                    self.put(worker, Payload::Scheduled { execution, attempt, worker, incarnation });
                }
            }
        }
        let running: Vec<(ExecutionId, AttemptNumber)> = self
            .database
            .executions()
            .iter()
            .enumerate()
            .filter_map(|(place, row)| {
                let last = row.attempts.last()?;
                let number = AttemptNumber(row.attempts.len() as i32);
                (last.state == AttemptState::Running).then_some((ExecutionId(place as i64 + 1), number))
            })
            .collect();
        let now = self.database_now();
        for (execution, attempt) in running {
            let completion = Completion {
                execution,
                attempt,
                token: LeaseToken(self.random.bytes()),
                outcome: Outcome::Exited { code: 0 },
                result: None,
                outputs: None,
                resources: None,
                evidence: None,
                logs: Vec::new(),
            };
            match self.database.complete(now, &[completion]) {
                Ok(answers) if answers.first() == Some(&Answered::Refused) => self.reach(Point::ForgeryRefused),
                Ok(_) => self.violations.note("forgery_accepted", || format!("the end of {execution}.{attempt}")),
                Err(refusal) => self.refused(&refusal),
            }
        }
        let ended = self.database.executions().iter().position(|row| row.status.is_terminal());
        if let Some(place) = ended
            && self.database.write_over(ExecutionId(place as i64 + 1)).is_ok()
        {
            self.violations.note("terminal_overwritten", || format!("execution {}", place + 1));
        }
        self.judge_commit();
        self.wake();
    }
}
