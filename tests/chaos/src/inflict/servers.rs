//! Servers that die, stop, are all gone, or are too many.

use std::time::{Duration, Instant};

use super::Hand;
use crate::keeper::Keeper;

/// Kills servers every two seconds.
pub(super) async fn kill(hand: &mut Hand<'_>) -> Result<(), String> {
    let begun = Instant::now();
    let mut killed = 0;
    loop {
        hand.server().keeper.kill();
        killed += 1;
        tokio::time::sleep(Duration::from_secs(2)).await;
        if begun.elapsed() >= hand.lasts {
            break;
        }
    }
    hand.note("servers killed", f64::from(killed));
    Ok(())
}

pub(super) async fn stop(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.server();
    host.keeper.signal(libc::SIGSTOP);
    hand.wait().await;
    host.keeper.signal(libc::SIGCONT);
    Ok(())
}

/// There is no server at all for a while.
pub(super) async fn gone(hand: &mut Hand<'_>) -> Result<(), String> {
    for host in &hand.stage.servers {
        host.keeper.retire();
        host.keeper.kill();
    }
    hand.wait().await;
    for host in &hand.stage.servers {
        host.keeper.start().map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Many schedulers, relays and reapers at once.
pub(super) async fn more(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.server();
    let mut extra = Vec::new();
    for number in 0..8 {
        let mut recipe = host.keeper_recipe();
        for (name, value) in &mut recipe.environment {
            match name.as_str() {
                "ATTUNE__SERVER__PORT" => *value = "0".to_owned(),
                "ATTUNE__PATHS__STATE_DIR" => value.push_str(&format!("-more{number}")),
                _ => {}
            }
        }
        recipe.log = recipe.log.with_extension(format!("more{number}.log"));
        let keeper = Keeper::new(&format!("more{number}"), recipe);
        keeper.start().map_err(|error| error.to_string())?;
        extra.push(keeper);
    }
    hand.wait().await;
    let mut died = 0;
    for keeper in &extra {
        keeper.tick();
        died += keeper.exits().len();
        keeper.retire();
        keeper.signal(libc::SIGTERM);
    }
    for keeper in &extra {
        if !keeper.down(Duration::from_secs(30)).await {
            return Err(format!("{} did not end", keeper.label));
        }
    }
    hand.note("of ten, ended too soon", died as f64);
    Ok(())
}

/// Every program is asked to end, one after the other, and started again: what an upgrade does.
pub(super) async fn rolling_restart(hand: &mut Hand<'_>) -> Result<(), String> {
    let hosts: Vec<_> = hand.stage.hosts().cloned().collect();
    let begun = Instant::now();
    for host in hosts {
        let before = host.keeper.exits().len();
        host.keeper.signal(libc::SIGTERM);
        let asked = Instant::now();
        while host.keeper.exits().len() == before {
            if asked.elapsed() > Duration::from_secs(60) {
                return Err(format!("{} did not end", host.name));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    hand.note("all restarted after s", begun.elapsed().as_secs_f64());
    Ok(())
}
