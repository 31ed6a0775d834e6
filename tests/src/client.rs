//! A client of the HTTP API.

use std::time::Duration;

use serde_json::{Value, json};

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientError {
    /// The HTTP status; 0 when no answer came.
    pub status: u16,
    /// The body, or what went wrong.
    pub message: String,
}

impl std::fmt::Display for ClientError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "HTTP {}: {}", self.status, self.message)
    }
}

impl std::error::Error for ClientError {}

/// Speaks to one server; cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    base: String,
    token: Option<String>,
}

impl Client {
    /// A client of the server at `address`, e.g. `http://127.0.0.1:8080`.
    #[must_use]
    pub fn new(address: &str) -> Self {
        let configuration =
            ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(Duration::from_secs(90)));
        Self { agent: configuration.build().into(), base: address.to_owned(), token: None }
    }

    /// Where its server is.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.base
    }

    /// The same client with a bearer token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// `GET /api/v1<path>`.
    ///
    /// # Errors
    /// When the answer is not 2xx.
    pub fn get(&self, path: &str) -> Result<Value, ClientError> {
        let mut request = self.agent.get(format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        read(request.call())
    }

    /// `GET /api/v1<path>` where the answer is one JSON document per line.
    ///
    /// # Errors
    /// When the answer is not 2xx, or not that.
    pub fn lines(&self, path: &str) -> Result<Vec<Value>, ClientError> {
        let mut request = self.agent.get(format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let (status, text) = text(request.call())?;
        let parse = |line: &str| {
            serde_json::from_str(line).map_err(|error| ClientError { status, message: format!("{error}: {line}") })
        };
        text.lines().filter(|line| !line.is_empty()).map(parse).collect()
    }

    /// `POST /api/v1<path>`.
    ///
    /// # Errors
    /// When the answer is not 2xx.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, ClientError> {
        let mut request = self.agent.post(format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        read(request.header("content-type", "application/json").send(body.to_string()))
    }

    /// Whether the server says that it is ready.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.agent.get(format!("{}/health/ready", self.base)).call().is_ok_and(|answer| answer.status() == 200)
    }

    /// Submits one execution; its id.
    ///
    /// # Errors
    /// When the server refuses it.
    pub fn submit(&self, action: &str, parameters: &Value) -> Result<i64, ClientError> {
        let body = self.post("/executions", &json!({"action": action, "parameters": parameters}))?;
        Ok(body["id"].as_i64().unwrap_or_default())
    }

    /// Submits `count` executions of the same action, in batches; their ids.
    ///
    /// # Errors
    /// When the server refuses one.
    pub fn submit_many(&self, action: &str, parameters: &Value, count: usize) -> Result<Vec<i64>, ClientError> {
        let mut ids = Vec::with_capacity(count);
        while ids.len() < count {
            let size = (count - ids.len()).min(500);
            let request = vec![json!({"action": action, "parameters": parameters}); size];
            let body = self.post("/executions/batch", &json!({"executions": request}))?;
            let made = body["items"].as_array().cloned().unwrap_or_default();
            if made.len() != size {
                return Err(ClientError { status: 0, message: format!("asked for {size}, got {body}") });
            }
            ids.extend(made.iter().filter_map(|one| one["id"].as_i64()));
        }
        Ok(ids)
    }

    /// Waits for the end of an execution and returns it.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn wait(&self, id: i64) -> Result<Value, ClientError> {
        loop {
            let body = self.get(&format!("/executions/{id}?wait=30"))?;
            if !matches!(
                body["status"].as_str(),
                Some("requested" | "scheduled" | "running" | "retrying" | "canceling")
            ) {
                return Ok(body);
            }
        }
    }

    /// Every execution in one of these states (comma-separated), newest first, following the cursor.
    ///
    /// # Errors
    /// When the server does not answer.
    pub fn list(&self, statuses: &str) -> Result<Vec<Value>, ClientError> {
        let mut all = Vec::new();
        let mut cursor = String::new();
        loop {
            let body = self.get(&format!("/executions?status={statuses}&limit=1000{cursor}"))?;
            all.extend(body["items"].as_array().cloned().unwrap_or_default());
            match body["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok(all),
            }
        }
    }
}

fn read(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value, ClientError> {
    let (status, text) = text(answer)?;
    serde_json::from_str(&text).map_err(|error| ClientError { status, message: format!("{error}: {text}") })
}

/// Status and body of an answer that is 2xx.
fn text(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<(u16, String), ClientError> {
    let failed = |status, message| ClientError { status, message };
    let mut answer = answer.map_err(|error| failed(0, error.to_string()))?;
    let status = answer.status().as_u16();
    let text = answer
        .body_mut()
        .with_config()
        .limit(64 << 20)
        .read_to_string()
        .map_err(|error| failed(status, error.to_string()))?;
    if (200..300).contains(&status) { Ok((status, text)) } else { Err(failed(status, text)) }
}
