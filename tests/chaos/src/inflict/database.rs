//! A database that is away, read-only, locked, or has another idea of the time.

use std::time::{Duration, Instant};

use attune_process::clock;

use super::Hand;
use crate::keeper::tool;

/// Stops it in disorder, kills it, or freezes it; then it comes back.
pub(super) async fn away(hand: &mut Hand<'_>, name: &str) -> Result<(), String> {
    let stage = hand.stage;
    let server = stage.database.as_ref().and_then(|database| database.server()).ok_or("there is no server")?;
    let _alone = stage.database_faults.lock().await;
    let told = |error: attune_testkit::StartError| error.to_string();
    match name {
        "database-freeze" => {
            server.freeze().await.map_err(told)?;
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
    let table = if hand.form(2) == 0 { "execution" } else { "execution_attempt" };
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

/// The database is set back by a few seconds, as by a failover to a standby that lagged behind.
pub(super) async fn rolled_back(hand: &mut Hand<'_>) -> Result<(), String> {
    let stage = hand.stage;
    let server = stage.database.as_ref().and_then(|database| database.server()).ok_or("there is no server")?;
    let _alone = stage.database_faults.lock().await;
    let told = |error: attune_testkit::StartError| error.to_string();
    let (data, kept) = (server.directory().join("data"), server.directory().join("kept"));
    let copy = |from: std::path::PathBuf, to: std::path::PathBuf| async move {
        let (from, to) = (from.display().to_string(), to.display().to_string());
        let copied = tokio::task::spawn_blocking(move || tool("cp".as_ref(), &["-a", &from, &to], &[])).await;
        copied.map_err(|error| error.to_string())?.map(drop)
    };
    server.stop().map_err(told)?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    copy(data.clone(), kept.clone()).await?;
    server.start_again().await.map_err(told)?;
    let from = clock::wall();
    hand.wait().await;
    server.crash().map_err(told)?;
    tokio::time::sleep(Duration::from_millis(500)).await;
    std::fs::remove_dir_all(&data).map_err(|error| error.to_string())?;
    std::fs::rename(&kept, &data).map_err(|error| error.to_string())?;
    server.start_again().await.map_err(told)?;
    hand.note("lost window began us", from as f64);
    hand.note("lost window s", (clock::wall() - from) as f64 / 1e6);
    Ok(())
}
