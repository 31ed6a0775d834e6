//! One server, spoken to with blocking calls.

use std::io::BufReader;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::Response;
use ureq::{Agent, Body};

use super::trust;
use crate::error::CliError;

/// How long the server may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// How long it may take to answer a question that is not a wait.
const ANSWER: Duration = Duration::from_secs(60);

/// An address, a token and a way to call it; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Http {
    agent: Agent,
    base: String,
    token: Option<String>,
    hint: String,
}

impl Http {
    /// Speaks to `base`. `hint` says what to do when nobody answers there.
    pub(super) fn new(base: &str, token: Option<String>, hint: String) -> Result<Self, CliError> {
        let base = base.trim_end_matches('/').to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(CliError::usage(
                format!("{base:?} is not the address of a server"),
                "write it like http://127.0.0.1:8080 or https://attune.example.org",
            ));
        }
        let mut configuration = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER));
        if base.starts_with("https://") {
            configuration = configuration.tls_config(trust::tls()?);
        }
        Ok(Self { agent: configuration.build().into(), base, token, hint })
    }

    /// `GET /api/v1<path>`, read as `T`.
    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CliError> {
        let mut answer = self.open(path, None)?;
        self.read(&mut answer)
    }

    /// As [`Http::get`]; `None` for 404.
    pub(super) fn find<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, CliError> {
        match self.get(path) {
            Ok(found) => Ok(Some(found)),
            Err(CliError::Server { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// `GET /api/v1<path>` whose body is read piece by piece; `after` resumes an event stream.
    pub(super) fn open(&self, path: &str, after: Option<i64>) -> Result<Response<Body>, CliError> {
        let mut request = self.agent.get(format!("{}/api/v1{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(after) = after {
            request = request.header("last-event-id", after.to_string());
        }
        self.checked(request.call())
    }

    /// `GET /api/v1<path>` whose body is one JSON value a line.
    pub(super) fn lines<T: DeserializeOwned>(
        &self,
        path: &str,
        each: &mut dyn FnMut(T) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        let body = BufReader::new(self.open(path, None)?.into_body().into_reader());
        for value in serde_json::Deserializer::from_reader(body).into_iter() {
            each(value.map_err(|error| self.unavailable(error))?)?;
        }
        Ok(())
    }

    /// `POST /api/v1<path>`, read as `T`.
    pub(super) fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
        idempotency_key: Option<&str>,
    ) -> Result<T, CliError> {
        let mut request =
            self.agent.post(format!("{}/api/v1{path}", self.base)).header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        let mut answer = self.checked(request.send(body.to_string()))?;
        self.read(&mut answer)
    }

    /// What to report when the server cannot be spoken to.
    pub(super) fn unavailable(&self, source: impl std::error::Error + Send + Sync + 'static) -> CliError {
        CliError::Unavailable {
            what: format!("the server at {}", self.base),
            hint: self.hint.clone(),
            source: Box::new(source),
        }
    }

    fn checked(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, CliError> {
        let mut answer = answer.map_err(|error| self.unavailable(error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let body = answer.body_mut().read_to_string().unwrap_or_default();
        Err(refusal(status, &body))
    }

    fn read<T: DeserializeOwned>(&self, answer: &mut Response<Body>) -> Result<T, CliError> {
        let mut body = answer.body_mut().with_config().limit(256 << 20).reader();
        serde_json::from_reader(&mut body).map_err(|error| self.unavailable(error))
    }
}

/// A problem document (RFC 9457) as an error for people.
fn refusal(status: u16, body: &str) -> CliError {
    let problem: Value = serde_json::from_str(body).unwrap_or_default();
    let text = |name: &str| problem[name].as_str().map(str::to_owned);
    let details = problem["errors"].as_array().map_or_else(Vec::new, |errors| {
        let line = |error: &Value| {
            let word = |name: &str| error[name].as_str().unwrap_or("?").to_owned();
            format!("{}: {} [rule: {}]", word("field"), word("message"), word("rule"))
        };
        errors.iter().map(line).collect()
    });
    let title = match (status, text("detail").or_else(|| text("title"))) {
        (_, Some(detail)) => detail,
        (_, None) => format!("HTTP {status}"),
    };
    let hint = match status {
        401 | 403 => "set ATTUNE_API_TOKEN to a token of this server".to_owned(),
        _ => text("hint").unwrap_or_default(),
    };
    CliError::Server { status, title, details, hint }
}

/// Percent-encodes what is not plain in a part of a path or a query.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_becomes_one_line_per_field() {
        let body = r#"{"title": "invalid", "detail": "the request breaks a rule", "status": 422,
            "errors": [{"field": "parameters.n", "rule": "type", "message": "must be integer"}], "hint": "mend it"}"#;
        let error = refusal(422, body);
        assert_eq!(
            error.render(),
            "error: the server refused: the request breaks a rule\n  parameters.n: must be integer [rule: type]\nhint: mend it\n"
        );
        assert_eq!(error.exit_code(), crate::exit::BAD_INPUT);
        assert_eq!(refusal(502, "<html>").exit_code(), crate::exit::UNAVAILABLE);
    }

    #[test]
    fn names_cannot_change_a_path() {
        assert_eq!(encoded("a b/../c?d"), "a%20b%2F..%2Fc%3Fd");
    }
}
