//! A database that is away, read-only, locked, or has another idea of the time.

use std::time::{Duration, Instant};

use super::Hand;

/// Stops it in disorder, kills it, or freezes it; then it comes back.
pub(super) async fn away(hand: &mut Hand<'_>, name: &str) -> Result<(), String> {
    let stage = hand.stage;
    let server = stage.database.as_ref().and_then(|database| database.server()).ok_or("there is no server")?;
    let _alone = stage.database_faults.lock().await;
    let told = |error: attune_testkit::StartError| error.to_string();
    match name {
        "database-freeze" => {
            server.freeze().map_err(told)?;
            hand.wait().await;
            server.thaw().map_err(told)
        }
        how => {
            let ordered = if how == "database-quit" { server.quit() } else { server.crash() };
            ordered.map_err(told)?;
            hand.wait().await;
            let begun = Instant::now();
            server.start_again().await.map_err(told)?;
            hand.note("ready again s after its start", begun.elapsed().as_secs_f64());
            Ok(())
        }
    }
}

/// Every write is refused, as after a failover to a standby that was not promoted.
pub(super) async fn read_only(hand: &mut Hand<'_>) -> Result<(), String> {
    let _alone = hand.stage.database_faults.lock().await;
    let set = |value: &str| format!("ALTER SYSTEM SET default_transaction_read_only = {value}");
    hand.stage.query.rows(&set("on")).await?;
    hand.stage.query.rows("SELECT pg_reload_conf()").await?;
    hand.wait().await;
    hand.stage.query.rows(&set("off")).await?;
    hand.stage.query.rows("SELECT pg_reload_conf()").await.map(drop)
}

/// Somebody holds a lock on everything that moves.
pub(super) async fn locks(hand: &mut Hand<'_>) -> Result<(), String> {
    let seconds = hand.lasts.as_secs_f64();
    let table = if hand.dice.below(2) == 0 { "execution" } else { "execution_attempt" };
    let statement = format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep({seconds}); COMMIT");
    hand.stage.query.rows(&statement).await.map(drop)
}

/// Every connection is ended again and again, in the middle of whatever it does.
pub(super) async fn disconnects(hand: &mut Hand<'_>) -> Result<(), String> {
    let begun = Instant::now();
    let mut ended = 0;
    while begun.elapsed() < hand.lasts {
        let statement = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
                         AND pid <> pg_backend_pid()";
        ended += hand.stage.query.number(statement).await.unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    hand.note("connections ended", ended as f64);
    Ok(())
}

/// Moves the database's idea of the time, for good.
pub(super) async fn clock(hand: &mut Hand<'_>, seconds: i64) -> Result<(), String> {
    let statement = format!("UPDATE setting SET clock_offset_us = clock_offset_us + {}", seconds * 1_000_000);
    hand.stage.query.rows(&statement).await.map(drop)
}
