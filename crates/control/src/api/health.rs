//! Whether the server lives, and whether it can work.

use std::sync::Arc;
use std::time::Duration;

use actix_web::{HttpResponse, web};
use attune_supervise::Probe;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::state::ApiState;

/// How long each part has to answer.
const PATIENCE: Duration = Duration::from_secs(2);

async fn tree_answers(state: &ApiState) -> Result<(), String> {
    let Some(tree) = state.tree.upgrade() else { return Err("gone".to_owned()) };
    // Longer than the probe itself has, so that the answer says who was silent.
    let health = tree.send(Probe { within: PATIENCE }).timeout(PATIENCE * 2).await;
    match health {
        Ok(health) if health.is_good() => Ok(()),
        Ok(health) => Err(format!("no answer from {}", health.silent.join(", "))),
        Err(_) => Err("no answer".to_owned()),
    }
}

fn answer(checks: &[(&str, Result<(), String>)], parked: Option<u64>) -> HttpResponse {
    let good = checks.iter().all(|(_, result)| result.is_ok());
    let said = |result: &Result<(), String>| match result {
        Ok(()) => Value::from("ok"),
        Err(reason) => Value::from(reason.as_str()),
    };
    let checks: serde_json::Map<String, Value> =
        checks.iter().map(|(name, result)| ((*name).to_owned(), said(result))).collect();
    let mut body = json!({"status": if good { "ok" } else { "unavailable" }, "checks": checks});
    if let Some(parked) = parked {
        body["parked_messages"] = parked.into();
    }
    if good { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}

/// `GET /health/live`: the tree answers. A process that fails this should be restarted.
pub(crate) async fn live(state: web::Data<ApiState>) -> HttpResponse {
    answer(&[("tree", tree_answers(&state).await)], None)
}

/// `GET /health/ready`: the tree, the database and the broker answer. A process that fails this should get no requests.
pub(crate) async fn ready(state: web::Data<ApiState>) -> HttpResponse {
    let (store, queue) = (Arc::clone(&state.store), Arc::clone(&state.queue));
    let parking = Arc::clone(&queue);
    // On the main runtime, for the same reason as everything else that has a connection. What is wrong is said in one
    // word: whoever asks here need not have a token, and an error text may name hosts.
    let database = state.runtime.spawn(async move { timeout(PATIENCE, store.ping()).await });
    let broker = state.runtime.spawn(async move { timeout(PATIENCE, queue.ping()).await });
    // Parked messages are somebody's to look at, and no reason to send requests elsewhere.
    let parked = state.runtime.spawn(async move { timeout(PATIENCE, parking.parked()).await });
    let (database, broker, parked, tree) = futures_util::join!(database, broker, parked, tree_answers(&state));
    let parked = if let Ok(Ok(Ok(parked))) = parked { Some(parked) } else { None };
    let away = || "no answer".to_owned();
    let database = if matches!(database, Ok(Ok(Ok(())))) { Ok(()) } else { Err(away()) };
    let broker = if matches!(broker, Ok(Ok(Ok(())))) { Ok(()) } else { Err(away()) };
    answer(&[("database", database), ("broker", broker), ("tree", tree)], parked)
}
