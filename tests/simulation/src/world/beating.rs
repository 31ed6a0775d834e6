//! The heartbeat of a worker, and what it does when it cannot beat.

use std::time::Duration;

use attune_process::protocol::FenceTimes;
use attune_store::{Beat, BeatReply};
use attune_worker::protocol::{Accepting, Command, Event as Step, Fence, Key, Stop, StopCause, commands};

use super::store::Request;
use super::trees::TreeEvent;
use super::worker::{Wanted, WorkerEvent};
use super::{LEASE, MILLI, SECOND, World};
use crate::reach::Point;

impl World {
    pub(super) fn beat_now(&mut self, number: usize) {
        if self.workers[number].is_registered {
            self.beat(number);
        }
    }

    pub(super) fn beat(&mut self, number: usize) {
        let sent = self.boot(number);
        let worker = &mut self.workers[number];
        if worker.is_beating {
            worker.beats_again = true;
            return;
        }
        worker.is_beating = true;
        let beat = Beat {
            worker: worker.id,
            incarnation: worker.incarnation,
            holding: worker.ledger.held().into_iter().map(Key::pair).collect(),
            lease_ms: LEASE.as_millis() as i64,
            refuses_work: worker.is_disk_full,
        };
        self.worker_ask(number, Wanted::Beat(sent), Request::Beat(beat));
    }

    fn beat_over(&mut self, number: usize) {
        let worker = &mut self.workers[number];
        worker.is_beating = false;
        if std::mem::take(&mut worker.beats_again) {
            return self.beat(number);
        }
        worker.beat_number += 1;
        let count = worker.beat_number;
        self.worker_later(number, 5 * SECOND, WorkerEvent::Beat(count));
    }

    pub(super) fn beat_failed(&mut self, number: usize) {
        self.beat_over(number);
    }

    /// Notes a beat that was sent at a moment of its own clock and answered.
    pub(super) fn note_beat(&mut self, number: usize, sent: Duration) {
        let worker = &mut self.workers[number];
        if sent <= worker.last_sent && worker.last_sent > Duration::ZERO {
            return;
        }
        worker.last_sent = sent;
        let policy = worker.policy;
        worker.fence_times =
            FenceTimes { terminate_at: Some(sent + policy.terminate), kill_at: Some(sent + policy.kill) };
        if !worker.is_looking {
            worker.is_looking = true;
            self.look_later(number);
        }
    }

    /// The next look at which the fence may demand something.
    fn look_later(&mut self, number: usize) {
        let worker = &self.workers[number];
        let due = self.when(number, worker.last_sent + worker.policy.terminate);
        let pause = (due - self.now).max(500 * MILLI);
        self.worker_later(number, pause, WorkerEvent::FenceLook);
    }

    pub(super) fn look_at_fence(&mut self, number: usize) {
        let worker = &self.workers[number];
        let silence = self.boot(number).saturating_sub(worker.last_sent);
        let demanded = worker.policy.judge(silence);
        let order = match demanded {
            Fence::Open => None,
            Fence::Terminate => Some(false),
            Fence::Kill => Some(true),
        };
        if let Some(kill) = order {
            let life = self.workers[number].life;
            for tree in self.trees_of(number) {
                if self.trees.get(&tree).is_some_and(|tree| tree.life == life) {
                    self.reach(Point::WorkerFenced);
                    self.tell_guard(tree, if kill { TreeEvent::Kill } else { TreeEvent::Stop });
                }
            }
        }
        self.look_later(number);
    }

    pub(super) fn beaten(&mut self, number: usize, sent: Duration, reply: BeatReply) {
        self.note_beat(number, sent);
        let is_disk_low = self.workers[number].is_disk_full;
        for command in commands(reply, is_disk_low) {
            match command {
                Command::Leave => {
                    self.reach(Point::Replaced);
                    return self.leave_replaced(number);
                }
                Command::Accept(accepting) => match self.workers[number].desk.accept(accepting) {
                    Accepting::Unchanged => {}
                    Accepting::Proceed => self.proceed(number),
                    Accepting::HandBack => self.hand_back_waiting(number),
                },
                Command::Kill(keys) => {
                    for key in keys {
                        self.step(number, key, Step::Stop(Stop { cause: StopCause::TakenAway, kill: true }));
                    }
                }
                Command::Cancel { execution, by } => {
                    for key in self.workers[number].ledger.executing(execution) {
                        let cause = StopCause::Cancelled { by: by.clone() };
                        self.step(number, key, Step::Stop(Stop { cause, kill: false }));
                    }
                }
                Command::Offer(key) => self.offer(number, key, None),
            }
        }
        self.beat_over(number);
    }

    /// Somebody else has its name: everything is killed, and it goes.
    fn leave_replaced(&mut self, number: usize) {
        self.say(|| format!("worker {number} was replaced"));
        self.workers[number].is_leaving = true;
        for tree in self.trees_of(number) {
            self.tell_guard(tree, TreeEvent::Kill);
        }
        self.worker_later(number, SECOND, WorkerEvent::LeaveNow);
    }
}
