//! A client of the API that gives up soon, so that it can ask again elsewhere.

use std::time::Duration;

use serde_json::Value;

/// The longest that one request may take.
const LIMIT: Duration = Duration::from_secs(8);

/// Speaks to one server, through its link.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

/// What came back, if anything.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The HTTP status; 0 when no answer came.
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Api {
    pub(crate) fn new(port: u16, token: Option<String>) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(LIMIT)).build();
        Self { agent: agent.into(), base: format!("http://127.0.0.1:{port}"), token }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        off(move || request.call()).await
    }

    /// Posts, with an idempotency key when there is one.
    pub(crate) async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Answer {
        let mut request = self.agent.post(format!("{}{path}", self.base)).header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let body = body.to_string();
        off(move || request.send(body)).await
    }
}

/// Makes a blocking call where it blocks nobody.
async fn off<F>(call: F) -> Answer
where
    F: FnOnce() -> Result<ureq::http::Response<ureq::Body>, ureq::Error> + Send + 'static,
{
    let read = tokio::task::spawn_blocking(move || match call() {
        Ok(mut answer) => {
            let status = answer.status().as_u16();
            match answer.body_mut().with_config().limit(64 << 20).read_to_string() {
                Ok(text) => Answer { status, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) },
                Err(error) => Answer { status: 0, body: Value::String(error.to_string()) },
            }
        }
        Err(error) => Answer { status: 0, body: Value::String(error.to_string()) },
    });
    read.await.unwrap_or_else(|error| Answer { status: 0, body: Value::String(error.to_string()) })
}
