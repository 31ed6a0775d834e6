//! Asks the store for attempts.

use std::sync::Arc;
use std::time::Duration;

use actix::{Addr, Recipient};
use attune_process::clock;
use attune_queue::DeliveryTag;
use attune_store::{ClaimAnswer, ClaimRequest, GroupCommit, Hold, StoreError, fresh_token};
use attune_types::LeaseToken;
use futures_util::future::join_all;

use super::actor::{ClaimsFailed, Executions, Proceed};
use super::books::Books;
use super::counters::Count;
use super::key::Key;
use super::ledger::Grant;
use crate::consumer::Acknowledge;
use crate::fence::FencePolicy;

/// Asks the store for attempts, all of one moment in one commit, and acknowledges their messages when it has answered:
/// never before, so that a lost answer means another delivery; and never after the run. A claim without an answer may
/// have been granted, so it is asked for again with the same token, and the store then says what it said.
#[derive(Clone)]
pub(crate) struct Claims {
    pub(crate) group: GroupCommit<ClaimRequest, ClaimAnswer>,
    pub(crate) books: Arc<Books>,
    pub(crate) acknowledge: Recipient<Acknowledge>,
    pub(crate) executions: Addr<Executions>,
    pub(crate) lease_ms: i64,
    pub(crate) fence: FencePolicy,
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
        let requests = match self.requests(&unanswered.keys, &hold) {
            Ok(requests) => requests,
            Err(error) => {
                drop(unanswered);
                return self.put_off(&error);
            }
        };
        let asked_at = clock::boot();
        let answers = join_all(requests.into_iter().map(|request| self.group.submit(request))).await;
        let granted_at = clock::boot();
        let age = granted_at.saturating_sub(asked_at);
        let lease = Duration::from_millis(self.lease_ms.unsigned_abs());
        let mut settled: Vec<DeliveryTag> = Vec::new();
        let mut failure = None;
        {
            let mut ledger = self.books.ledger();
            for (key, answer) in unanswered.keys.iter().zip(answers) {
                match answer {
                    Ok(ClaimAnswer::Granted(_)) if !self.fence.trusts(age, lease) => {
                        // As if it had got lost: it goes back in line, and its lease begins anew when it is asked for again.
                        tracing::warn!(execution.id = %key.execution, age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX), "a grant came too late to be made use of; asking once more");
                    }
                    Ok(ClaimAnswer::Granted(work)) => {
                        self.books.counters.add(Count::Granted);
                        let held = work.held;
                        let start_before = asked_at.saturating_add(self.fence.kill);
                        settled.extend(
                            ledger.granted(*key, Grant { work: Arc::from(work), held, granted_at, start_before }),
                        );
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
            Some(error) => self.put_off(&error),
        }
    }

    /// What the store is asked. Each attempt has a token of its own, the same however often it is asked for.
    fn requests(&self, keys: &[Key], hold: &Hold) -> Result<Vec<ClaimRequest>, StoreError> {
        let fresh = keys.iter().map(|_| fresh_token()).collect::<Result<Vec<_>, _>>()?;
        let mut ledger = self.books.ledger();
        let request = |(key, fresh): (&Key, LeaseToken)| {
            let (token, again) = ledger.ask(*key, fresh);
            let Key { execution, attempt } = *key;
            ClaimRequest { execution, attempt, hold: hold.clone(), lease_ms: self.lease_ms, token, again }
        };
        Ok(keys.iter().zip(fresh).map(request).collect())
    }

    fn put_off(&self, error: &(dyn std::error::Error + 'static)) {
        tracing::warn!(error, "work cannot be claimed; it stays with the broker");
        self.executions.do_send(ClaimsFailed);
    }
}
