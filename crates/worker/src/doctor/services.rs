//! Database and broker.

use std::time::Duration;

use attune_config::{Config, SecretUrl};
use attune_queue::ConnectOptions;
use attune_store::OpenOptions;
use attune_types::PlainText;
use tokio::time::timeout;

use super::Finding;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Both services.
pub(super) async fn findings(config: &Config, are_needed: bool) -> Vec<Finding> {
    vec![
        match &config.database.url {
            Some(url) => database(config, url).await,
            None => absent("database", "database.url", "ATTUNE__DATABASE__URL", are_needed),
        },
        match &config.message_queue.url {
            Some(url) => broker(config, url).await,
            None => absent("broker", "message_queue.url", "ATTUNE__MESSAGE_QUEUE__URL", are_needed),
        },
    ]
}

fn absent(name: &str, key: &str, variable: &str, is_needed: bool) -> Finding {
    if is_needed {
        return Finding::fail(name, format!("{key} is not set"), format!("set {key} ({variable})"));
    }
    Finding::ok(name, format!("embedded; {key} is not set"))
}

async fn database(config: &Config, url: &SecretUrl) -> Finding {
    let options = OpenOptions {
        ca_file: config.database.tls.ca_path.clone(),
        plain_text: PlainText::allowing(&config.security.allow_insecure),
        ..OpenOptions::default()
    };
    let asking = async {
        let store = attune_store::open(url.expose(), options).await.map_err(chain)?;
        let answer = store.ping().await.map_err(chain);
        store.close().await;
        answer
    };
    judged("database", url, timeout(PATIENCE, asking).await, "look at database.url and at the server")
}

async fn broker(config: &Config, url: &SecretUrl) -> Finding {
    let options = ConnectOptions {
        ca_file: config.message_queue.tls.ca_path.clone(),
        plain_text: PlainText::allowing(&config.security.allow_insecure),
        ..ConnectOptions::default()
    };
    let asking = async {
        let queue = attune_queue::connect(url.expose(), options).await.map_err(chain)?;
        let answer = queue.ping().await.map_err(chain);
        queue.close().await;
        answer
    };
    judged("broker", url, timeout(PATIENCE, asking).await, "look at message_queue.url and at the broker")
}

fn judged<T>(name: &str, url: &SecretUrl, answer: Result<Result<(), String>, T>, advice: &str) -> Finding {
    match answer {
        Ok(Ok(())) => Finding::ok(name, format!("{url} answers")),
        Ok(Err(reason)) => Finding::fail(name, format!("{url}: {reason}"), advice),
        Err(_) => Finding::fail(name, format!("{url} did not answer within {} s", PATIENCE.as_secs()), advice),
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
