//! Where the secrets that actions ask for come from.

use std::fmt;

use async_trait::async_trait;
use attune_types::{ActionRef, AttemptNumber, ExecutionId};

/// Where the secrets that actions ask for come from.
///
/// Asked once per `secret get` of a name that the action declares; nothing is remembered in between, so that a secret
/// which was rotated or taken away is so at the next call.
#[async_trait]
pub trait SecretSource: Send + Sync + 'static {
    /// The secret, or why it is not handed out.
    async fn secret(&self, request: &SecretRequest) -> Result<SecretBytes, SecretRefusal>;

    /// Whether it may have any at all. When it has none, an action whose secrets were not handed over with its work does
    /// not start; otherwise it is told when it asks.
    fn has_any(&self) -> bool {
        true
    }
}

/// Who asks for which secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretRequest {
    /// The execution that asks.
    pub execution: ExecutionId,
    /// Its attempt.
    pub attempt: AttemptNumber,
    /// What it executes.
    pub action: ActionRef,
    /// The name of the secret, one of those that the action declares.
    pub name: String,
}

/// Why a secret is not handed out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretRefusal {
    /// The action may not read it.
    #[error("it is not granted")]
    NotGranted,
    /// There is none of this name.
    #[error("it does not exist")]
    Unknown,
    /// It could not be had at the moment, or not from here.
    #[error("{reason}")]
    Unavailable {
        /// Why.
        reason: String,
    },
}

/// The value of a secret. It is never shown, and overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes a value.
    #[must_use]
    pub const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The value.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretBytes(***)")
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the optimizer from dropping writes that nobody reads.
        std::hint::black_box(&self.0);
    }
}

/// The source of a worker that was given none.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSecrets;

#[async_trait]
impl SecretSource for NoSecrets {
    async fn secret(&self, _: &SecretRequest) -> Result<SecretBytes, SecretRefusal> {
        Err(SecretRefusal::Unavailable { reason: "this worker has no store of secrets".to_owned() })
    }

    fn has_any(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_never_shown() {
        let secret = SecretBytes::new(b"hunter2".to_vec());
        assert_eq!(format!("{secret:?}"), "SecretBytes(***)");
        assert_eq!(secret.expose(), b"hunter2");
    }
}
