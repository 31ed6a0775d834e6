//! Database and broker.

use std::time::Duration;

use attune_queue::ConnectOptions;
use attune_store::OpenOptions;
use tokio::time::timeout;

use super::check::Check;
use crate::backend::Local;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Both services.
pub(super) async fn checks(local: &Local) -> Vec<Check> {
    vec![database(local).await, broker(local).await]
}

async fn database(local: &Local) -> Check {
    let Some(url) = &local.config.database.url else {
        return Check::ok("database", "embedded (SQLite); database.url is not set");
    };
    let asking = async {
        let store = attune_store::open(url.expose(), OpenOptions::default()).await.map_err(chain)?;
        let answer = store.ping().await.map_err(chain);
        store.close().await;
        answer
    };
    judged("database", url.to_string(), timeout(PATIENCE, asking).await, "look at database.url and at the server")
}

async fn broker(local: &Local) -> Check {
    let Some(url) = &local.config.message_queue.url else {
        return Check::ok("broker", "embedded; message_queue.url is not set");
    };
    let asking = async {
        let queue = attune_queue::connect(url.expose(), ConnectOptions::default()).await.map_err(chain)?;
        let answer = queue.ping().await.map_err(chain);
        queue.close().await;
        answer
    };
    judged("broker", url.to_string(), timeout(PATIENCE, asking).await, "look at message_queue.url and at the broker")
}

fn judged<T>(name: &str, url: String, answer: Result<Result<(), String>, T>, advice: &str) -> Check {
    match answer {
        Ok(Ok(())) => Check::ok(name, format!("{url} answers")),
        Ok(Err(reason)) => Check::fail(name, reason, advice),
        Err(_) => Check::fail(name, format!("{url} did not answer within {} s", PATIENCE.as_secs()), advice),
    }
}

fn chain(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(current) = cause {
        text = format!("{text}: {current}");
        cause = current.source();
    }
    text
}
