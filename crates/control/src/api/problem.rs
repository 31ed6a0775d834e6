//! Errors of the HTTP API as RFC 9457 problem documents.

use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use attune_store::{GroupCommitError, StoreError};
use serde::Serialize;

use crate::trouble::chain;

/// One field of a request that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// Which field, as a path: `parameters.count`, `executions[3].action`.
    pub field: String,
    /// The rule in one word: `required`, `type`, `unknown`, `maximum`, ...
    pub rule: String,
    /// What is wrong, for people.
    pub message: String,
}

impl FieldProblem {
    /// A field that breaks a rule.
    pub(crate) fn new(field: impl Into<String>, rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into(), message: message.into() }
    }
}

/// A failed request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// What kind of problem, a URN: `urn:attune:problem:<word>`. Equal for equal kinds.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The kind in words.
    pub title: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// This very problem in words.
    pub detail: String,
    /// The fields that break rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldProblem>,
    /// What to do next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'static str>,
    #[serde(skip)]
    retry_after: Option<u32>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            title,
            status: status.as_u16(),
            detail: detail.into(),
            errors: Vec::new(),
            hint: None,
            retry_after: None,
        }
    }

    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    pub(crate) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "urn:attune:problem:malformed", "the request cannot be read", detail)
    }

    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "urn:attune:problem:unauthorized", "a valid token is needed", detail)
            .hint("send the header `Authorization: Bearer TOKEN`")
    }

    pub(crate) fn forbidden_origin(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "urn:attune:problem:foreign-origin",
            "the request comes from a foreign page",
            detail,
        )
        .hint("configure a token (`server.api_token`) to allow requests from elsewhere")
    }

    pub(crate) fn forbidden(scope: &str) -> Self {
        let detail = format!("the token does not allow {scope} here");
        Self::new(StatusCode::FORBIDDEN, "urn:attune:problem:forbidden", "the token does not allow this", detail)
            .hint("ask whoever made the token for one with the scope that is named, or do it with another")
    }

    pub(crate) fn too_often(pause: std::time::Duration, detail: impl Into<String>) -> Self {
        let mut problem = Self::too_many(detail);
        problem.retry_after = Some(u32::try_from(pause.as_secs()).unwrap_or(u32::MAX).saturating_add(1));
        problem
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "urn:attune:problem:not-found", "there is no such thing", detail)
    }

    pub(crate) fn method_not_allowed(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "urn:attune:problem:method-not-allowed",
            "this path has no such method",
            detail,
        )
    }

    pub(crate) fn request_timeout(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::REQUEST_TIMEOUT,
            "urn:attune:problem:request-timeout",
            "the request did not arrive in time",
            detail,
        )
    }

    pub(crate) fn conflict(kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, kind, title, detail)
    }

    pub(crate) fn too_large(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "urn:attune:problem:too-large", "the request is too large", detail)
    }

    pub(crate) fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "urn:attune:problem:unsupported-media-type",
            "the body is not of a type that is read here",
            detail,
        )
    }

    pub(crate) fn invalid(errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}", only.field, only.message),
            [first, rest @ ..] => format!("{}: {} (and {} more)", first.field, first.message, rest.len()),
            [] => "the request breaks a rule".to_owned(),
        };
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "urn:attune:problem:invalid",
            "the request breaks a rule",
            detail,
        );
        problem.errors = errors;
        problem
    }

    pub(crate) fn too_many(detail: impl Into<String>) -> Self {
        let mut problem =
            Self::new(StatusCode::TOO_MANY_REQUESTS, "urn:attune:problem:too-many", "too many at once", detail);
        problem.retry_after = Some(5);
        problem
    }

    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        let mut problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, "urn:attune:problem:unavailable", "try again later", detail);
        problem.retry_after = Some(2);
        problem
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "urn:attune:problem:internal",
            "a fault inside the server",
            "the server's log says more; the header X-Request-Id of this answer names the request",
        )
    }

    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.title, self.detail)
    }
}

impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        Problem::status_code(self)
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(seconds) = self.retry_after {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        if self.status == 401 {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        let body = serde_json::to_vec(self).unwrap_or_default();
        response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))).body(body)
    }
}

impl From<&StoreError> for Problem {
    fn from(error: &StoreError) -> Self {
        if error.is_passing() {
            return Self::unavailable("the database did not answer");
        }
        if let StoreError::NoKey { .. } = error {
            return Self::unavailable(error.to_string())
                .hint("set security.encryption_key (ATTUNE__SECURITY__ENCRYPTION_KEY_FILE) on every server");
        }
        // The only place that sees it: the caller is told no more than that the server's log has it.
        tracing::error!(error = %chain(error), "the store could not do what the API asked");
        Self::internal()
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<GroupCommitError> for Problem {
    fn from(error: GroupCommitError) -> Self {
        match error {
            GroupCommitError::Commit(source) => Self::from(Arc::as_ref(&source)),
            _ => Self::unavailable("whether the request was accepted is unknown")
                .hint("repeat it; with the header `Idempotency-Key` a repetition never makes a second execution"),
        }
    }
}
