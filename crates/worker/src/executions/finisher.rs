//! Reports ends to the store, for ever if it must.

use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use attune_process::clock;
use attune_store::{Answered, Beat, Completion, GroupCommit, GroupCommitError, HandBack, Store};
use attune_types::{ActionRef, Outcome, Timestamp};

use super::actor::Proceed;
use super::books::Books;
use super::counters::Count;
use super::key::Key;
use super::spool::Spool;
use crate::identity::Identity;
use crate::notice::ExecutionNotice;

/// The first and the longest pause between two offers.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How often an attempt that never started is handed back before it is left to the reaper, which knows anyway.
const HAND_BACK_TRIES: u32 = 3;

/// Reports ends to the store. It is no actor: an end is owed whatever crashes, so each one has a task of its own that
/// only the store's answer ends, and a file on disk as soon as the store does not answer.
#[derive(Clone)]
pub(crate) struct Finisher {
    pub(crate) group: GroupCommit<Completion, Answered>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) identity: Identity,
    pub(crate) spool: Spool,
    pub(crate) books: Arc<Books>,
    pub(crate) proceed: Recipient<Proceed>,
    pub(crate) observers: Arc<[Recipient<ExecutionNotice>]>,
}

impl Finisher {
    /// Reports the end of an attempt, unless that was done before. Must be called on the runtime.
    pub(crate) fn complete(&self, completion: Completion, action: ActionRef) {
        let key = Key::new(completion.execution, completion.attempt);
        if !self.books.ledger().report(key) {
            return;
        }
        // Its slot is free from now on.
        self.proceed.do_send(Proceed);
        let finisher = self.clone();
        tokio::spawn(async move { finisher.see_through(key, completion, action).await });
    }

    /// Offers an end until the store answers, and tells everybody.
    async fn see_through(&self, key: Key, completion: Completion, action: ActionRef) {
        let (outcome, resources) = (completion.outcome.clone(), completion.resources);
        let accepted = self.offer(completion).await == Answered::Accepted;
        self.books.counters.add(if accepted { Count::Completed } else { Count::Late });
        tracing::debug!(execution.id = %key.execution, attempt = %key.attempt, accepted, outcome = outcome.summary(), "execution ended");
        let (execution, attempt) = key.pair();
        let at = Timestamp(clock::wall());
        for observer in self.observers.iter() {
            let (action, outcome) = (action.clone(), outcome.clone());
            observer.do_send(ExecutionNotice::Ended { execution, attempt, action, outcome, resources, accepted, at });
        }
        self.release(key);
    }

    /// Gives back an attempt whose start may have been allowed; if it was, its end is reported instead. Nothing, when its
    /// end was reported before.
    pub(crate) fn hand_back_or_complete(&self, hand_back: HandBack, completion: Completion, action: ActionRef) {
        let key = Key::new(hand_back.execution, hand_back.attempt);
        if !self.books.ledger().report(key) {
            return;
        }
        let finisher = self.clone();
        tokio::spawn(async move {
            match finisher.hand_back_now(vec![hand_back]).await.first() {
                Some(Answered::Refused) => finisher.see_through(key, completion, action).await,
                _ => finisher.release(key),
            }
        });
    }

    /// Gives back an attempt that never started, unless its end was reported before.
    pub(crate) fn hand_back(&self, hand_back: HandBack) {
        let key = Key::new(hand_back.execution, hand_back.attempt);
        if !self.books.ledger().report(key) {
            return;
        }
        let finisher = self.clone();
        tokio::spawn(async move {
            finisher.hand_back_now(vec![hand_back]).await;
            finisher.books.ledger().given_back(key);
            finisher.proceed.do_send(Proceed);
        });
    }

    /// Tells the store that this worker takes no more work. It must know that before anything is handed back, or the
    /// next pass of a scheduler brings the same work again. A beat that holds nothing says it: it renews no lease.
    pub(crate) async fn say_farewell(&self) {
        let Identity { id, incarnation } = self.identity;
        let beat = Beat { worker: id, incarnation, holding: Vec::new(), lease_ms: 0, refuses_work: true };
        if let Err(error) = self.store.beat(&beat).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "the store cannot be told that no more work is taken");
        }
    }

    /// Gives back attempts that never started, and waits until the store knows or cannot be told; what it answered, or
    /// nothing when it could not be told.
    pub(crate) async fn hand_back_now(&self, attempts: Vec<HandBack>) -> Vec<Answered> {
        for attempt in 0..HAND_BACK_TRIES {
            match self.store.hand_back(self.identity.incarnation, attempts.clone()).await {
                Ok(answers) => {
                    let accepted = answers.iter().filter(|answer| **answer == Answered::Accepted);
                    accepted.for_each(|_| self.books.counters.add(Count::HandedBack));
                    return answers;
                }
                Err(error) if error.is_passing() && attempt + 1 < HAND_BACK_TRIES => {
                    tokio::time::sleep(PAUSES.0).await;
                }
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        attempts = attempts.len(),
                        "attempts could not be handed back; they are dispatched again when their time is over"
                    );
                    break;
                }
            }
        }
        Vec::new()
    }

    /// Forgets an attempt whose end is known to the store.
    pub(crate) fn release(&self, key: Key) {
        self.books.ledger().forget(key);
        self.proceed.do_send(Proceed);
    }

    /// Offers an end until the store answers.
    pub(crate) async fn offer(&self, completion: Completion) -> Answered {
        let key = Key::new(completion.execution, completion.attempt);
        let mut completion = completion;
        let mut is_spooled = false;
        let mut was_mended = false;
        let mut pause = PAUSES.0;
        loop {
            match self.group.submit(completion.clone()).await {
                Ok(answer) => {
                    if is_spooled {
                        self.spool.remove(key);
                    }
                    return answer;
                }
                // The store answers and does not want this: most likely a result that its types cannot hold. Saying so
                // is better than offering the same for ever.
                Err(GroupCommitError::Commit(error)) if !error.is_passing() && !was_mended => {
                    tracing::error!(execution.id = %key.execution, error = &*error as &dyn std::error::Error, "the store refused an end; reporting that instead");
                    completion = mended(completion, &error.to_string());
                    was_mended = true;
                    continue;
                }
                Err(error) => {
                    tracing::debug!(execution.id = %key.execution, error = &error as &dyn std::error::Error, "the end cannot be reported yet");
                }
            }
            if !is_spooled {
                is_spooled = self.write_down(&completion).await;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    async fn write_down(&self, completion: &Completion) -> bool {
        let (spool, copy) = (self.spool.clone(), completion.clone());
        let written = tokio::task::spawn_blocking(move || spool.write(&copy)).await;
        match written {
            Ok(Ok(())) => {
                tracing::warn!(execution.id = %completion.execution, "the store is away: the end lies on disk and is offered until it is taken");
                true
            }
            Ok(Err(error)) => {
                tracing::error!(execution.id = %completion.execution, error = &error as &dyn std::error::Error, "the store is away and the end cannot be written to disk");
                false
            }
            Err(_) => false,
        }
    }
}

fn mended(completion: Completion, reason: &str) -> Completion {
    let outcome = if completion.result.is_some() {
        Outcome::OutputInvalid { position: format!("the result cannot be stored: {reason}") }
    } else {
        completion.outcome
    };
    Completion { outcome, result: None, outputs: None, logs: Vec::new(), ..completion }
}
