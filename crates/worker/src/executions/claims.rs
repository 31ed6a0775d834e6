//! Asks the store for attempts.

use std::sync::Arc;

use actix::{Addr, Recipient};
use attune_queue::DeliveryTag;
use attune_store::{ClaimAnswer, ClaimRequest, GroupCommit, Hold};
use futures_util::future::join_all;

use super::actor::{ClaimsFailed, Executions, Proceed};
use super::books::Books;
use super::counters::Count;
use super::key::Key;
use super::ledger::Grant;
use crate::consumer::Acknowledge;

/// Asks the store for attempts, all of one moment in one commit, and acknowledges their messages when it has answered:
/// never before, so that a lost answer means another delivery; and never after the run.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(crate) group: GroupCommit<ClaimRequest, ClaimAnswer>,
    pub(crate) books: Arc<Books>,
    pub(crate) acknowledge: Recipient<Acknowledge>,
    pub(crate) executions: Addr<Executions>,
    pub(crate) lease_ms: i64,
}

/// Puts attempts whose claim was given up half-way back in line.
struct Unanswered {
    keys: Vec<Key>,
    books: Arc<Books>,
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        self.books.ledger().unclaimed(&self.keys);
    }
}

impl Claims {
    /// Claims attempts that the ledger handed out. `hold` says which of them do not start with that.
    pub(crate) async fn claim(self, keys: Vec<Key>, hold: Hold) {
        let unanswered = Unanswered { keys, books: Arc::clone(&self.books) };
        let requests = unanswered.keys.iter().map(|key| {
            let Key { execution, attempt } = *key;
            self.group.submit(ClaimRequest { execution, attempt, hold: hold.clone(), lease_ms: self.lease_ms })
        });
        let answers = join_all(requests).await;
        let mut settled: Vec<DeliveryTag> = Vec::new();
        let mut failure = None;
        {
            let mut ledger = self.books.ledger();
            for (key, answer) in unanswered.keys.iter().zip(answers) {
                match answer {
                    Ok(ClaimAnswer::Granted(work)) => {
                        self.books.counters.add(Count::Granted);
                        let held = work.held;
                        settled.extend(ledger.granted(*key, Grant { work: Arc::from(work), held }));
                    }
                    Ok(ClaimAnswer::Refused) => {
                        self.books.counters.add(Count::Refused);
                        tracing::debug!(execution.id = %key.execution, attempt = %key.attempt, "claim refused: stale or repeated");
                        settled.extend(ledger.forget(*key));
                    }
                    Err(error) => failure = Some(error),
                }
            }
        }
        // Those without an answer go back in line before anybody looks there again.
        drop(unanswered);
        if !settled.is_empty() {
            self.acknowledge.do_send(Acknowledge(settled));
        }
        match failure {
            None => self.executions.do_send(Proceed),
            Some(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "work cannot be claimed; it stays with the broker"
                );
                self.executions.do_send(ClaimsFailed);
            }
        }
    }
}
