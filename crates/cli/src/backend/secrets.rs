//! What a server can be asked about secrets.

use attune_control::RotationStep;
use attune_types::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::Client;
use super::http::encoded;
use crate::error::CliError;

/// Everything about a secret but its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecretView {
    /// What it is called.
    pub(crate) name: String,
    /// `system`, `pack` or `action`.
    pub(crate) owner: String,
    /// Which pack or action.
    pub(crate) owner_ref: Option<String>,
    /// How often its value was stored.
    pub(crate) version: i64,
    /// The number of the key it is encrypted with.
    pub(crate) key_id: u32,
    /// When it was stored first.
    pub(crate) created_at: Timestamp,
    /// When its value was stored.
    pub(crate) updated_at: Timestamp,
}

impl Client {
    /// Everything about all secrets but their values.
    pub(crate) fn secrets(&self) -> Result<Vec<SecretView>, CliError> {
        self.all("/secrets")
    }

    /// Stores a secret; `owner` is `("pack", name)` or `("action", reference)`.
    pub(crate) fn put_secret(
        &self,
        name: &str,
        owner: Option<(&'static str, &str)>,
        value: &str,
        unmaskable: bool,
    ) -> Result<SecretView, CliError> {
        let mut body = owned(owner);
        body.insert("name".into(), json!(name));
        body.insert("value".into(), json!(value));
        body.insert("unmaskable".into(), json!(unmaskable));
        self.http().post("/secrets", &Value::Object(body), None)
    }

    /// Forgets a secret.
    pub(crate) fn delete_secret(&self, name: &str, owner: Option<(&'static str, &str)>) -> Result<(), CliError> {
        let path = format!("/secrets/{}/delete", encoded(name));
        let _: Value = self.http().post(&path, &Value::Object(owned(owner)), None)?;
        Ok(())
    }

    /// One step of moving everything to the current key.
    pub(crate) fn rotate_secrets(&self, after: i64, re_encrypt: bool) -> Result<RotationStep, CliError> {
        self.http().post("/secrets/rotate", &json!({"after": after, "re_encrypt": re_encrypt}), None)
    }
}

fn owned(owner: Option<(&'static str, &str)>) -> Map<String, Value> {
    owner.into_iter().map(|(kind, reference)| (kind.to_owned(), json!(reference))).collect()
}
