//! Hints from other processes, through `LISTEN`.

use std::time::Duration;

use attune_types::ExecutionId;
use sqlx::PgPool;
use sqlx::postgres::PgListener;

use crate::wake_bus::{Touched, WakeBus};

const CHANNEL: &str = "attune";

/// After so much silence the connection is asked whether it still stands: a peer that vanished says nothing either.
const SILENCE: Duration = Duration::from_secs(30);
const ANSWER: Duration = Duration::from_secs(5);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Reads `instance:what:ids`. `None` for what this very process caused and has told already, and for nonsense.
fn read(payload: &str, own_instance: &str) -> Option<Touched> {
    let mut parts = payload.splitn(3, ':');
    let (instance, what, ids) = (parts.next()?, parts.next()?, parts.next()?);
    if instance == own_instance {
        return None;
    }
    let executions: Option<Vec<ExecutionId>> =
        ids.split(',').filter(|id| !id.is_empty()).map(|id| id.parse().ok()).collect();
    Some(Touched { schedule: what.contains('s'), outbox: what.contains('o'), executions: executions? })
}

/// Tells what other processes commit, for ever. A lost connection is made anew; since hints were lost with it,
/// everybody is told to look.
pub(super) async fn run(pool: PgPool, instance: String, wakes: WakeBus) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        match listen(&pool, &instance, &wakes, &mut pause).await {
            // The pool was closed.
            Err(sqlx::Error::PoolClosed) => return,
            Err(error) => tracing::warn!(%error, "wake-ups from other processes are interrupted"),
            Ok(()) => tracing::debug!("the connection for wake-ups ended"),
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn listen(pool: &PgPool, instance: &str, wakes: &WakeBus, pause: &mut Duration) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    *pause = SHORTEST_PAUSE;
    wakes.tell_everything();
    loop {
        match tokio::time::timeout(SILENCE, listener.try_recv()).await {
            Ok(Ok(Some(notification))) => match read(notification.payload(), instance) {
                Some(touched) if touched.executions.is_empty() && !touched.schedule && !touched.outbox => {
                    wakes.tell_everything();
                }
                Some(touched) => wakes.tell(&touched),
                None => {}
            },
            Ok(Ok(None)) => return Ok(()),
            Ok(Err(error)) => return Err(error),
            Err(_silence) => {
                let asked = sqlx::query("SELECT 1").execute(&mut listener);
                match tokio::time::timeout(ANSWER, asked).await {
                    Ok(answer) => answer.map(|_| ())?,
                    Err(_elapsed) => return Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_of_others_are_read_and_own_ones_and_nonsense_are_not() {
        for (payload, expected) in [
            (
                "them:se:1,2",
                Some(Touched { schedule: true, outbox: false, executions: vec![ExecutionId(1), ExecutionId(2)] }),
            ),
            ("them:o:", Some(Touched { schedule: false, outbox: true, executions: vec![] })),
            (":e:7", Some(Touched { schedule: false, outbox: false, executions: vec![ExecutionId(7)] })),
            ("us:se:1", None),
            ("them:e:x", None),
            ("nonsense", None),
            ("", None),
        ] {
            assert_eq!(read(payload, "us"), expected, "{payload}");
        }
    }
}
