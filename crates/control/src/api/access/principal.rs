//! Who asks.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use attune_store::{TokenKind, TokenRecord};
use attune_types::{AttemptNumber, Execution, ExecutionId};

use super::limiter::Asker;
use super::scope::{Scope, Scopes};
use crate::api::problem::Problem;

/// The name of whoever holds the token of the configuration. No token of the store may be owned by it.
pub(crate) const OWNER: &str = "api";

/// How far a principal reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everybody's.
    Everything,
    /// What was asked for in its own name.
    Own,
    /// One attempt's execution.
    Attempt(ExecutionId, AttemptNumber),
    /// One worker's name.
    Worker(String),
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principal {
    /// What executions and the audit trail call it.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) scopes: Scopes,
    /// How far it reaches.
    pub(crate) reach: Reach,
    /// Its token, when the store has it.
    pub(crate) token: Option<i64>,
    /// By what it is counted; `None` when it is not.
    pub(crate) asker: Option<Asker>,
}

impl Principal {
    /// Whoever owns the server: holds its token, or sits at the machine of a server without one.
    pub(crate) fn owner(asker: Option<Asker>) -> Self {
        Self { name: OWNER.to_owned(), scopes: Scopes::ALL, reach: Reach::Everything, token: None, asker }
    }

    /// Somebody unknown, where that is allowed.
    pub(crate) fn nobody(asker: Option<Asker>) -> Self {
        Self { name: String::new(), scopes: Scopes::NONE, reach: Reach::Own, token: None, asker }
    }

    /// The holder of a token. A scope that is not known (any more) allows nothing.
    pub(crate) fn of(record: &TokenRecord) -> Self {
        let known = record.scopes.iter().filter(|word| Scopes::read([word.as_str()]).is_ok());
        let scopes = Scopes::read(known.map(String::as_str)).unwrap_or(Scopes::NONE);
        let reach = match &record.kind {
            TokenKind::Person if scopes.has(Scope::ExecutionsAll) => Reach::Everything,
            TokenKind::Person => Reach::Own,
            TokenKind::Bootstrap { worker } => Reach::Worker(worker.clone()),
            TokenKind::Execution { execution, attempt } => Reach::Attempt(*execution, *attempt),
        };
        let asker = Some(Asker::Token(record.id));
        Self { name: record.owner.clone(), scopes, reach, token: Some(record.id), asker }
    }

    /// Whose executions it sees; absent: everybody's.
    pub(crate) fn sees_only(&self) -> Option<String> {
        (self.reach != Reach::Everything).then(|| self.name.clone())
    }

    /// Whether an execution is its own, or it sees everybody's.
    pub(crate) fn may_see(&self, execution: &Execution) -> bool {
        match &self.reach {
            Reach::Everything => true,
            Reach::Own => execution.requested_by.as_deref() == Some(self.name.as_str()),
            Reach::Attempt(own, _) => execution.id == *own,
            Reach::Worker(_) => false,
        }
    }

    /// The key that makes a repetition harmless, so that nobody meets the executions of somebody else by using theirs.
    pub(crate) fn idempotency_key(&self, key: Option<String>) -> Option<String> {
        match &self.reach {
            Reach::Everything => key,
            _ => key.map(|key| format!("{}\n{key}", self.name)),
        }
    }
}

impl FromRequest for Principal {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // The gate puts it there before anything else sees the request.
        ready(request.extensions().get::<Self>().cloned().ok_or_else(Problem::internal))
    }
}
