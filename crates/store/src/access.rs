//! Tokens and enrolled workers, as they are kept.

use attune_types::{AttemptNumber, ExecutionId, LeaseToken, Timestamp};
use serde::Serialize;

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TokenKind {
    /// A person or a program that speaks to the API.
    Person,
    /// Lets one worker fetch the agent and take its name.
    Bootstrap {
        /// The worker.
        worker: String,
    },
    /// Lets the script of one attempt ask about its own execution.
    Execution {
        /// The execution.
        execution: ExecutionId,
        /// The attempt.
        attempt: AttemptNumber,
    },
}

impl TokenKind {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Bootstrap { .. } => "bootstrap",
            Self::Execution { .. } => "execution",
        }
    }
}

/// Whether a token opens anything at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenStanding {
    /// It does.
    Valid,
    /// Its time is up.
    Expired,
    /// Somebody took it back.
    Revoked,
    /// Its attempt has ended, and it with it.
    Ended,
}

/// A token as it is kept: everything but the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TokenRecord {
    /// Its number.
    pub id: i64,
    /// What it was called when it was made.
    pub name: String,
    /// What it is for.
    #[serde(flatten)]
    pub kind: TokenKind,
    /// Whose it is.
    pub owner: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// Whether it opens anything now.
    pub standing: TokenStanding,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it opens anything; absent: until it is revoked.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When a bootstrap token enrolled its worker.
    pub used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A token that is to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// What it is called.
    pub name: String,
    /// What it is for.
    pub kind: TokenKind,
    /// Whose it is.
    pub owner: String,
    /// What it may do.
    pub scopes: Vec<String>,
    /// The hash of the token.
    pub hash: [u8; 32],
    /// For how long, in milliseconds; absent: until it is revoked. Bootstrap tokens: an hour at most.
    pub lives_ms: Option<i64>,
}

/// A token for the script of an attempt, asked for by the worker that runs it.
#[derive(Clone, PartialEq, Eq)]
pub struct ExecutionToken {
    /// The execution.
    pub execution: ExecutionId,
    /// The attempt.
    pub attempt: AttemptNumber,
    /// The right of the worker to the attempt.
    pub lease: LeaseToken,
    /// The hash of the token.
    pub hash: [u8; 32],
    /// For how long at most, in milliseconds. It ends with the attempt in any case.
    pub lives_ms: i64,
    /// What it may do.
    pub scopes: Vec<String>,
}

/// What became of an enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrolment {
    /// The name now belongs to the key.
    Enrolled,
    /// The token was used before, at that moment.
    AlreadyUsed(Timestamp),
    /// There is no such token, or its time is up.
    Refused,
}
