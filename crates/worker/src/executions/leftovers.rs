//! Ends that an earlier life could not report.

use std::sync::Arc;
use std::time::Duration;

use attune_store::{Completion, Store};
use tokio::time::Instant;

use super::key::Key;
use super::spool::Spool;

/// The first and the longest pause between two rounds.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Offers the ends that lie in the spool once; those that could not be offered.
pub(crate) async fn offer_once(store: &Arc<dyn Store>, spool: &Spool, ends: Vec<Completion>) -> Vec<Completion> {
    let mut left = Vec::new();
    for end in ends {
        let key = Key::new(end.execution, end.attempt);
        match store.complete(vec![end.clone()]).await {
            Ok(answers) => {
                tracing::info!(execution.id = %key.execution, answer = ?answers.first(), "an end from an earlier life was reported");
                spool.remove(key);
            }
            Err(error) => {
                tracing::debug!(execution.id = %key.execution, error = &error as &dyn std::error::Error, "an end from an earlier life cannot be reported yet");
                left.push(end);
            }
        }
    }
    left
}

/// Offers ends until all were answered or `patience` is over; those that could not be offered.
pub(crate) async fn offer_until(
    store: &Arc<dyn Store>,
    spool: &Spool,
    mut ends: Vec<Completion>,
    patience: Duration,
) -> Vec<Completion> {
    let deadline = Instant::now() + patience;
    loop {
        ends = offer_once(store, spool, ends).await;
        if ends.is_empty() || Instant::now() >= deadline {
            return ends;
        }
        tokio::time::sleep(PAUSES.0).await;
    }
}

/// Offers ends until all were answered.
pub(crate) async fn offer_all(store: Arc<dyn Store>, spool: Spool, mut ends: Vec<Completion>) {
    let mut pause = PAUSES.0;
    while !ends.is_empty() {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
        ends = offer_once(&store, &spool, ends).await;
    }
}
