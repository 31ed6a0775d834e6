//! Ends: reported until the store takes them, given back, drained away.

use attune_queue::DeliveryTag;
use attune_store::{Answered, Completion, HandBack};
use attune_types::Outcome;
use attune_worker::protocol::{Grant, Key};

use super::store::Request;
use super::trees::TreeEvent;
use super::worker::{Owed, Then, Wanted, WorkerEvent};
use super::working::unstarted;
use super::{MILLI, SECOND, World};
use crate::reach::Point;

impl World {
    /// Reports the end of an attempt, unless that was done before.
    pub(super) fn complete(&mut self, number: usize, key: Key, grant: &Grant, outcome: Outcome) {
        if !self.workers[number].ledger.report(key) {
            return;
        }
        let completion = completion(key, grant, outcome);
        self.workers[number].owed.insert(key, Owed { completion, pause: 250 * MILLI });
        self.proceed_after_end(number);
        self.offer_end(number, key);
    }

    /// A slot is free.
    pub(super) fn proceed_after_end(&mut self, number: usize) {
        self.workers[number].desk.answered();
        self.proceed(number);
    }

    pub(super) fn offer_end(&mut self, number: usize, key: Key) {
        let Some(owed) = self.workers[number].owed.get(&key) else { return };
        let completion = owed.completion.clone();
        self.worker_ask(number, Wanted::Complete(key), Request::Complete(vec![completion]));
    }

    pub(super) fn end_taken(&mut self, number: usize, key: Key) {
        let worker = &mut self.workers[number];
        worker.owed.remove(&key);
        worker.spool.remove(&key);
        worker.ledger.forget(key);
        self.proceed_after_end(number);
    }

    pub(super) fn end_not_taken(&mut self, number: usize, key: Key) {
        let worker = &mut self.workers[number];
        let Some(owed) = worker.owed.get_mut(&key) else { return };
        let pause = owed.pause;
        owed.pause = (pause * 2).min(5 * SECOND);
        if !worker.spool.contains_key(&key) {
            if worker.is_disk_full {
                self.reach(Point::SpoolFailed);
            } else {
                let completion = owed.completion.clone();
                worker.spool.insert(key, completion);
                self.reach(Point::EndSpooled);
            }
        }
        self.worker_later(number, pause, WorkerEvent::OfferAgain(key));
    }

    /// Gives back an attempt whose end was not reported before.
    pub(super) fn hand_back_one(&mut self, number: usize, request: HandBack, then: Then) {
        let key = Key::new(request.execution, request.attempt);
        if self.workers[number].ledger.report(key) {
            self.hand_back_now(number, vec![request], Vec::new(), then);
        }
    }

    fn hand_back_now(&mut self, number: usize, request: Vec<HandBack>, tags: Vec<DeliveryTag>, then: Then) {
        let keys = request.iter().map(|one| Key::new(one.execution, one.attempt)).collect();
        let incarnation = self.workers[number].incarnation;
        let wanted = Wanted::HandBack { keys, tags, tries: 1, request: request.clone(), then };
        self.worker_ask(number, wanted, Request::HandBack(incarnation, request));
    }

    fn drop_waiting(&mut self, number: usize) -> (Vec<DeliveryTag>, Vec<HandBack>) {
        let (mut tags, mut attempts) = (Vec::new(), Vec::new());
        for mut forgotten in self.workers[number].ledger.forget_waiting() {
            tags.append(&mut forgotten.tags);
            attempts.push(unstarted(forgotten.key, forgotten.asked));
        }
        (tags, attempts)
    }

    pub(super) fn hand_back_waiting(&mut self, number: usize) {
        let (tags, attempts) = self.drop_waiting(number);
        if !attempts.is_empty() {
            self.hand_back_now(number, attempts, tags, Then::Settle);
        }
    }

    pub(super) fn handed_back(
        &mut self,
        number: usize,
        keys: &[Key],
        tags: Vec<DeliveryTag>,
        then: Then,
        answer: Option<Answered>,
    ) {
        for tag in tags {
            self.settle(number, tag, true);
        }
        match then {
            Then::Settle => {}
            Then::Forget => {
                for key in keys {
                    self.workers[number].ledger.given_back(*key);
                }
                self.proceed_after_end(number);
            }
            Then::Otherwise(completion) if answer == Some(Answered::Refused) => {
                let key = Key::new(completion.execution, completion.attempt);
                self.workers[number].owed.insert(key, Owed { completion: *completion, pause: 250 * MILLI });
                self.offer_end(number, key);
            }
            Then::Otherwise(_) => {
                for key in keys {
                    self.workers[number].ledger.forget(*key);
                }
                self.proceed_after_end(number);
            }
            Then::CloseLink => self.close_link(number),
        }
    }

    // --- crashes of executors ----------------------------------------------------------------------------------------

    pub(super) fn crash_executor(&mut self, number: usize) {
        let keys: Vec<Key> = self.workers[number].runners.keys().copied().collect();
        if keys.is_empty() {
            return;
        }
        let key = keys[self.random.below(keys.len() as u64) as usize];
        self.reach(Point::ExecutorCrashed);
        self.say(|| format!("executor of {key} crashes"));
        self.workers[number].runners.remove(&key);
        self.settle_deserted(number, key);
    }

    /// Ends an attempt whose executor is gone, when nothing of it is left.
    pub(super) fn settle_deserted(&mut self, number: usize, key: Key) {
        if let Some(tree) = self.tree_of(number, key) {
            self.tell_guard(tree, TreeEvent::Kill);
            return self.worker_later(number, 10 * MILLI, WorkerEvent::Deserted(key));
        }
        let Some(grant) = self.workers[number].ledger.unreported(key) else { return };
        let why = "its executor was gone after a crash".to_owned();
        let outcome = Outcome::WorkerFault { message: why.clone() };
        if !grant.held {
            return self.complete(number, key, &grant, outcome);
        }
        let completion = completion(key, &grant, outcome);
        let Key { execution, attempt } = key;
        let token = Some(grant.work.token);
        let request = HandBack { execution, attempt, token, never_started: false, reason: why, outcome: None };
        self.hand_back_one(number, request, Then::Otherwise(Box::new(completion)));
    }

    // --- leaving -------------------------------------------------------------------------------------------------------

    /// The first signal: the consumer stops, what waits goes back, what runs has its time.
    pub(super) fn drain(&mut self, number: usize) {
        if self.workers[number].is_leaving {
            return;
        }
        self.workers[number].is_leaving = true;
        self.say(|| format!("worker {number} drains"));
        self.workers[number].desk.stop_taking();
        let (tags, attempts) = self.drop_waiting(number);
        if attempts.is_empty() {
            for tag in tags {
                self.settle(number, tag, true);
            }
            self.close_link(number);
        } else {
            self.hand_back_now(number, attempts, tags, Then::CloseLink);
        }
    }

    fn close_link(&mut self, number: usize) {
        let worker = &mut self.workers[number];
        worker.is_link_closed = true;
        worker.link.close();
        self.drop_consumer(number);
        self.workers[number].desk.drain();
        self.hand_back_waiting(number);
        self.worker_later(number, 20 * SECOND, WorkerEvent::DrainTimeIsUp);
        // Its supervisor does not wait for ever.
        self.worker_later(number, 27 * SECOND, WorkerEvent::LeaveNow);
        self.proceed(number);
    }

    pub(super) fn drained(&mut self, number: usize) {
        let worker = &self.workers[number];
        let (id, incarnation) = (worker.id, worker.incarnation);
        self.reach(Point::Drained);
        self.worker_ask(number, Wanted::Leave, Request::Leave(id, incarnation));
        self.worker_later(number, 2 * SECOND, WorkerEvent::LeaveNow);
    }

    /// Whatever happened before, nothing of it runs on.
    pub(super) fn worker_left(&mut self, number: usize) {
        self.kill_worker(number);
    }
}

fn completion(key: Key, grant: &Grant, outcome: Outcome) -> Completion {
    Completion {
        execution: key.execution,
        attempt: key.attempt,
        token: grant.work.token,
        outcome,
        result: None,
        outputs: None,
        resources: None,
        evidence: None,
        logs: Vec::new(),
    }
}
