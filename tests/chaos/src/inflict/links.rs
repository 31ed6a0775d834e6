//! Links that are cut, half open, or slow.

use std::time::Duration;

use attune_testkit::proxy::{Conduct, Link, Side};

use super::Hand;

/// The ways in which a link can be cut. A stall is a cut cable, a black hole loses what was sent.
fn cuts() -> Vec<Conduct> {
    vec![
        Conduct::cut(),
        Conduct::black_hole(),
        Conduct::refuse(),
        Conduct::one_way_cut(Side::Client),
        Conduct::one_way_cut(Side::Server),
    ]
}

/// Cuts one of the given links in one of the ways.
async fn cut(hand: &mut Hand<'_>, links: &[&Link]) -> Result<(), String> {
    let ways = cuts();
    let way = ways[hand.form(ways.len())];
    if links.is_empty() {
        return Err("there is no such link".to_owned());
    }
    for link in links {
        link.conduct(way);
        if way == Conduct::refuse() {
            link.reset();
        }
    }
    hand.wait().await;
    links.iter().for_each(|link| link.heal());
    Ok(())
}

pub(super) async fn worker_broker(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    cut(hand, &host.broker.iter().collect::<Vec<_>>()).await
}

pub(super) async fn worker_database(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    cut(hand, &host.database.iter().collect::<Vec<_>>()).await
}

/// One end believes that it is still connected.
pub(super) async fn half_open(hand: &mut Hand<'_>, name: &str) -> Result<(), String> {
    let host = hand.worker();
    let link = if name == "worker-broker-half-open" { &host.broker } else { &host.database };
    let link = link.as_ref().ok_or("there is no such link")?;
    let side = if hand.form(2) == 0 { Side::Client } else { Side::Server };
    link.forget(side);
    hand.wait().await;
    link.heal();
    Ok(())
}

pub(super) async fn server(hand: &mut Hand<'_>, name: &str) -> Result<(), String> {
    let host = hand.server();
    let link = match name {
        "server-database-cut" => &host.database,
        "server-broker-cut" => &host.broker,
        _ => &host.api,
    };
    cut(hand, &link.iter().collect::<Vec<_>>()).await
}

/// Every link of one worker at once.
pub(super) async fn host(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    cut(hand, &host.links().collect::<Vec<_>>()).await
}

/// Late, narrow or sliced: everything arrives, in its time.
pub(super) async fn slow(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = if hand.dice.below(3) == 0 { hand.server() } else { hand.worker() };
    let late = Duration::from_millis(20 + hand.dice.below(180) as u64);
    let ways = [Conduct::late(late), Conduct::narrow(256 << 10), Conduct::sliced(64)];
    host.conduct(ways[hand.form(ways.len())]);
    hand.wait().await;
    host.heal();
    Ok(())
}
