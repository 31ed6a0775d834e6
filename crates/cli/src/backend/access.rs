//! Tokens and the audit trail, as a server tells about them.

use attune_types::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::Client;
use crate::error::CliError;

/// A token: everything but itself, except in the answer to the request that made it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Token {
    /// Its number.
    pub(crate) id: i64,
    /// What it is called.
    pub(crate) name: String,
    /// `person` or `bootstrap`.
    pub(crate) kind: String,
    /// The worker of a bootstrap token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) worker: Option<String>,
    /// Whose it is.
    pub(crate) owner: String,
    /// What it may do.
    pub(crate) scopes: Vec<String>,
    /// Whether it opens anything.
    pub(crate) standing: String,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When its time is up.
    pub(crate) expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub(crate) last_used_at: Option<Timestamp>,
    /// When a bootstrap token enrolled its worker.
    #[serde(default)]
    pub(crate) used_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default)]
    pub(crate) revoked_at: Option<Timestamp>,
    /// The token itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
}

/// A line of the audit trail.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditLine {
    /// Its number.
    pub(crate) id: i64,
    /// When.
    pub(crate) at: Timestamp,
    /// Who did it.
    pub(crate) actor: String,
    /// What.
    pub(crate) action: String,
    /// To what.
    pub(crate) target: String,
    /// More.
    pub(crate) detail: String,
    /// The hash of the line before.
    pub(crate) previous_hash: String,
    /// Its own hash.
    pub(crate) hash: String,
}

/// What a walk along the audit trail found.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AuditVerdict {
    /// `whole` or `broken`.
    pub(crate) verdict: String,
    /// How many lines there are, when it is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entries: Option<i64>,
    /// The hash of the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) head: Option<String>,
    /// The first line that does not fit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<i64>,
    /// Why it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Client {
    /// All tokens that one may see.
    pub(crate) fn tokens(&self) -> Result<Vec<Token>, CliError> {
        self.all("/tokens")
    }

    /// Makes one.
    pub(crate) fn create_token(&self, wanted: &Value) -> Result<Token, CliError> {
        self.http().post("/tokens", wanted, None)
    }

    /// Takes one back.
    pub(crate) fn revoke_token(&self, id: i64) -> Result<(), CliError> {
        let _: Value = self.http().post(&format!("/tokens/{id}/revoke"), &json!({}), None)?;
        Ok(())
    }

    /// The audit trail, oldest first, up to `limit` lines after the line `after`.
    pub(crate) fn audit(&self, after: i64, limit: u32) -> Result<Vec<AuditLine>, CliError> {
        let page: Value = self.http().get(&format!("/audit?cursor={after}&limit={limit}"))?;
        serde_json::from_value(page["items"].clone()).map_err(|error| self.http().unavailable(error))
    }

    /// Has the audit trail checked.
    pub(crate) fn verify_audit(&self) -> Result<AuditVerdict, CliError> {
        self.http().get("/audit/verify")
    }
}
