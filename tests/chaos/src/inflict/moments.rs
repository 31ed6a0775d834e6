//! Programs that are killed at exactly one moment. The programs have no switch for that: the moment is brought about from
//! outside, by stopping the one thing that would come next.

use std::pin::Pin;
use std::time::{Duration, Instant};

use attune_testkit::proxy::{Conduct, Link, Side};
use serde_json::json;

use super::Hand;
use crate::census;
use crate::host::Host;
use crate::keeper::send;
use crate::truth::{Said, Truth};

/// How long a moment may take to come.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often a moment is tried that chance may miss, and how long it may take to come each time.
const TRIES: usize = 4;
const ONE_TRY: Duration = Duration::from_secs(13);

/// The newest attempt in one of these states on this worker that is newer than `since`, when there is one.
async fn attempt(hand: &Hand<'_>, host: &Host, states: &str, since: i64) -> Result<Option<i64>, String> {
    let statement = format!(
        "SELECT max(execution_id) FROM execution_attempt WHERE state IN ({states}) AND execution_id > {since} \
         AND worker_id = (SELECT id FROM worker WHERE name = '{}')",
        host.name
    );
    let rows = hand.rows(&statement).await?;
    Ok(rows.first().and_then(|row| row.first()).and_then(|text| text.parse().ok()))
}

async fn newest(hand: &Hand<'_>) -> Result<i64, String> {
    hand.stage.query.number("SELECT coalesce(max(id), 0) FROM execution").await
}

/// An answer, when there is one already.
type Asked<'a, T> = Pin<Box<dyn Future<Output = Result<Option<T>, String>> + Send + 'a>>;

/// Asks until there is an answer.
async fn until<'a, T>(what: &str, ask: impl FnMut() -> Asked<'a, T> + Send) -> Result<T, String> {
    until_within(PATIENCE, what, ask).await
}

/// Asks until there is an answer, for so long.
async fn until_within<'a, T>(
    patience: Duration,
    what: &str,
    mut ask: impl FnMut() -> Asked<'a, T> + Send,
) -> Result<T, String> {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if begun.elapsed() > patience {
            return Err(format!("it never came to this: {what}"));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn database(host: &Host) -> Result<&Link, String> {
    host.database.as_ref().ok_or_else(|| "there is no such link".to_owned())
}

/// Its claims do not arrive: something is assigned to it, and then it dies.
pub(super) async fn before_claim(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let link = database(&host)?;
    link.conduct(Conduct::one_way_cut(Side::Server));
    let since = newest(hand).await?;
    let found =
        until("assigned and not claimed", || Box::pin(async { attempt(hand, &host, "'assigned'", since).await })).await;
    host.keeper.kill();
    link.heal();
    found.map(drop)
}

/// Its acknowledgements do not arrive: it claims and runs, and dies before the broker knows.
pub(super) async fn before_acknowledgement(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let link = host.broker.as_ref().ok_or("there is no such link")?;
    link.conduct(Conduct::one_way_cut(Side::Server));
    let since = newest(hand).await?;
    let found =
        until("running and not acknowledged", || Box::pin(async { attempt(hand, &host, "'running'", since).await }))
            .await;
    host.keeper.kill();
    link.heal();
    found.map(drop)
}

/// Its guards are stopped: an attempt is stored as running, nothing of it can have begun, and it dies.
pub(super) async fn before_start(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let pid = host.keeper.pid().ok_or("it does not run")?;
    let guards: Vec<u32> =
        census::descendants(pid).iter().filter(|one| one.name.starts_with("attune")).map(|one| one.pid).collect();
    guards.iter().for_each(|pid| send(*pid, libc::SIGSTOP));
    let since = newest(hand).await?;
    let found =
        until("stored as running, not begun", || Box::pin(async { attempt(hand, &host, "'running'", since).await }))
            .await;
    host.keeper.kill();
    guards.iter().for_each(|pid| send(*pid, libc::SIGCONT));
    let execution = found?;
    hand.note("execution", execution as f64);
    Ok(())
}

/// An execution that has written its start and not its end, on this worker.
fn begun(hand: &Hand<'_>, host: &Host, since: i64) -> Option<i64> {
    let truth = Truth::read(&hand.stage.truth());
    let on = |ran: &crate::truth::Ran| {
        ran.lines.last().is_some_and(|line| line.said == Said::Start && line.worker == host.name)
    };
    truth.by_execution.iter().filter(|(id, ran)| **id > since && on(ran)).map(|(id, _)| *id).next_back()
}

/// The action has begun, and the worker dies at once.
pub(super) async fn after_start(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let since = newest(hand).await?;
    let found = until("begun", || Box::pin(async { Ok(begun(hand, &host, since)) })).await;
    host.keeper.kill();
    found.map(drop)
}

/// The action has ended, its end does not arrive, and the worker dies.
pub(super) async fn before_completion(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let link = database(&host)?;
    let since = newest(hand).await?;
    let id = until("begun", || Box::pin(async { Ok(begun(hand, &host, since)) })).await?;
    link.conduct(Conduct::one_way_cut(Side::Server));
    let found = until("ended and not reported", || {
        Box::pin(async {
            let truth = Truth::read(&hand.stage.truth());
            Ok(truth.of(id).filter(|ran| ran.count(Said::End) > 0).map(drop))
        })
    });
    let found = found.await;
    host.keeper.kill();
    link.heal();
    found
}

/// The end is stored, and the worker dies before it can know.
pub(super) async fn after_completion(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.worker();
    let link = database(&host)?;
    let since = newest(hand).await?;
    let mut found = Err("it was not tried".to_owned());
    // What waits for an answer keeps its connection. When all of them wait for something else, the end is not even sent, and
    // the next one is tried.
    for _ in 0..TRIES {
        let id = until("begun", || Box::pin(async { Ok(begun(hand, &host, since)) })).await?;
        // What it sends arrives, and it hears nothing of it.
        link.conduct(Conduct::one_way_cut(Side::Client));
        let stored = until_within(ONE_TRY, "the end is stored", || {
            Box::pin(async {
                let statement = format!("SELECT count(*) FROM execution WHERE id = {id} AND ended_at IS NOT NULL");
                Ok((hand.stage.query.number(&statement).await? > 0).then_some(()))
            })
        });
        found = stored.await;
        if found.is_ok() {
            host.keeper.kill();
        }
        link.heal();
        if found.is_ok() {
            break;
        }
    }
    found
}

/// Its messages do not reach the broker: assignments are committed, and the servers die.
pub(super) async fn before_publish(hand: &mut Hand<'_>) -> Result<(), String> {
    for host in &hand.stage.servers {
        host.broker.iter().for_each(|link| link.conduct(Conduct::one_way_cut(Side::Server)));
    }
    let found = until("committed and not published", || {
        Box::pin(async { Ok((hand.stage.query.number("SELECT count(*) FROM outbox").await? > 0).then_some(())) })
    });
    let found = found.await;
    for host in &hand.stage.servers {
        host.keeper.kill();
        host.broker.iter().for_each(Link::heal);
    }
    found
}

/// A request is committed, its answer does not arrive, the server dies, and the client asks again with the same key.
pub(super) async fn before_reply(hand: &mut Hand<'_>) -> Result<(), String> {
    let host = hand.server();
    let link = host.api.as_ref().ok_or("there is no such link")?;
    let number = hand.stage.servers.iter().position(|one| one.name == host.name).unwrap_or(0);
    link.conduct(Conduct::one_way_cut(Side::Client));
    let key = format!("unheard-{}", hand.dice.next());
    let (api, body) = (hand.stage.api(number), json!({"action": "chaos.quick", "parameters": {"seconds": 0}}));
    let asking = {
        let (api, key, body) = (api.clone(), key.clone(), body.clone());
        tokio::spawn(async move { api.post("/api/v1/executions", Some(&key), &body).await })
    };
    let statement = format!("SELECT id FROM execution WHERE idempotency_key = '{key}'");
    let found = until("committed and not answered", || {
        Box::pin(async {
            Ok(hand
                .rows(&statement)
                .await?
                .first()
                .and_then(|row| row.first())
                .and_then(|text| text.parse::<i64>().ok()))
        })
    });
    let found = found.await;
    host.keeper.kill();
    link.heal();
    let unheard = asking.await.map_err(|error| error.to_string())?;
    let committed = found?;
    let other = hand.stage.api(number + 1);
    let again = until("answered when asked again", || {
        Box::pin(async { Ok(other.post("/api/v1/executions", Some(&key), &body).await.body["id"].as_i64()) })
    });
    let again = again.await?;
    hand.note("status of the unheard answer", f64::from(unheard.status));
    hand.struck.unaccounted.push(again);
    if again == committed { Ok(()) } else { Err(format!("{committed} was made, and then {again}")) }
}
