//! What to do with the messages of a batch, by what the broker said about each.

use std::collections::HashMap;

use attune_queue::Published;
use attune_store::OutboxMessage;
use attune_types::{Payload, WorkerId};

/// Counts how often each message came back because nobody has a queue for it.
#[derive(Debug, Default)]
pub struct Returns {
    counts: HashMap<i64, u8>,
}

/// What follows from the answers to one batch.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Settlement {
    /// Outbox rows to delete.
    pub delete: Vec<i64>,
    /// Workers whose queue is missing, each once.
    pub missing: Vec<WorkerId>,
    /// Workers whose queue took a message, each once.
    pub reached: Vec<WorkerId>,
    /// How many rows stay because nobody knows what became of their message.
    pub unknown: usize,
    /// What went wrong with the first of them.
    pub reason: Option<String>,
}

/// How often an order that nobody has a queue for is published. Its attempt is taken over by the worker's beat or, within
/// the dispatch deadline, by another assignment, so after that the message is worth nothing.
pub const MOST_RETURNS: u8 = 3;

fn addressee(payload: &Payload) -> Option<WorkerId> {
    match payload {
        Payload::Scheduled { worker, .. } | Payload::Cancel { worker, .. } => Some(*worker),
        Payload::StatusChanged { .. } | Payload::Completed { .. } => None,
    }
}

impl Returns {
    /// Settles `messages` by `answers`, which are in the same order. A message without an answer counts as unknown.
    #[must_use]
    pub fn settle(&mut self, messages: &[OutboxMessage], answers: Vec<Published>) -> Settlement {
        let mut settlement = Settlement::default();
        let mut answers = answers.into_iter();
        for message in messages {
            let worker = addressee(&message.envelope.payload);
            #[cfg(attune_mutants)]
            let mut answers = mutated(&mut answers);
            match answers.next() {
                Some(Published::Confirmed) => {
                    self.counts.remove(&message.id);
                    settlement.delete.push(message.id);
                    note(&mut settlement.reached, worker);
                }
                Some(Published::Returned { .. }) => {
                    note(&mut settlement.missing, worker);
                    let count = self.counts.entry(message.id).or_default();
                    *count += 1;
                    if *count >= MOST_RETURNS {
                        self.counts.remove(&message.id);
                        settlement.delete.push(message.id);
                    }
                }
                Some(Published::Unknown { reason }) => {
                    settlement.unknown += 1;
                    settlement.reason.get_or_insert(reason);
                }
                None => {
                    settlement.unknown += 1;
                    settlement.reason.get_or_insert_with(|| "no answer".to_owned());
                }
            }
        }
        settlement
    }
}

/// The answers as a relay with a known fault takes them.
#[cfg(attune_mutants)]
fn mutated(answers: &mut impl Iterator<Item = Published>) -> impl Iterator<Item = Published> {
    use attune_types::mutant;
    answers.map(|answer| match answer {
        Published::Returned { .. } if mutant::is("ignore_returned") => Published::Confirmed,
        // Published once, after the commit, and never thought of again.
        _ if mutant::is("publish_after_commit_no_outbox") => Published::Confirmed,
        answer => answer,
    })
}

fn note(workers: &mut Vec<WorkerId>, worker: Option<WorkerId>) {
    if let Some(worker) = worker
        && !workers.contains(&worker)
    {
        workers.push(worker);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::{AttemptNumber, Envelope, ExecutionId, Incarnation, Timestamp};

    fn order(id: i64, worker: i64) -> OutboxMessage {
        let payload = Payload::Scheduled {
            execution: ExecutionId(id),
            attempt: AttemptNumber::FIRST,
            worker: WorkerId(worker),
            incarnation: Incarnation([0; 16]),
        };
        OutboxMessage {
            id,
            envelope: Envelope {
                version: Envelope::VERSION,
                message_id: id.to_string(),
                occurred_at: Timestamp(0),
                trace: None,
                payload,
            },
        }
    }

    fn returned() -> Published {
        Published::Returned { reason: "NO_ROUTE".into() }
    }

    #[test]
    fn only_what_was_confirmed_is_deleted() {
        let messages = [order(1, 7), order(2, 8), order(3, 9), order(4, 9)];
        let unknown = Published::Unknown { reason: "timed out".into() };
        let settlement = Returns::default().settle(&messages, vec![Published::Confirmed, returned(), unknown]);
        assert_eq!(settlement.delete, [1]);
        assert_eq!(settlement.missing, [WorkerId(8)]);
        assert_eq!(settlement.reached, [WorkerId(7)]);
        assert_eq!((settlement.unknown, settlement.reason.as_deref()), (2, Some("timed out")));
    }

    #[test]
    fn an_order_that_keeps_coming_back_is_left_to_the_beat() {
        let mut returns = Returns::default();
        let messages = [order(1, 7)];
        for _ in 1..MOST_RETURNS {
            assert!(returns.settle(&messages, vec![returned()]).delete.is_empty());
        }
        assert_eq!(returns.settle(&messages, vec![returned()]).delete, [1]);
        assert!(returns.counts.is_empty(), "nothing is remembered about what is gone");
    }
}
