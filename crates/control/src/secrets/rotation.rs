//! Moving everything to the current key, online and step by step.

use attune_secret::Envelope;
use attune_store::Store;
use serde::{Deserialize, Serialize};

use super::vault::{Vault, VaultError};

/// How many ciphertexts one step moves.
const STEP: u32 = 200;

/// What a rotation does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Whether data keys are made anew and values encrypted again, too; otherwise data keys are only wrapped anew.
    pub re_encrypt: bool,
}

/// What one step of a rotation did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationStep {
    /// The number of the key that everything is moved to.
    pub key_id: u32,
    /// How many ciphertexts were moved.
    pub moved: u64,
    /// How many were replaced by somebody else meanwhile: those are encrypted with the current key already.
    pub passed_over: u64,
    /// Names of what cannot be decrypted, and why. It stays as it is.
    pub failed: Vec<String>,
    /// Where the next step begins; absent when this was the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

impl Vault {
    /// Moves the ciphertexts after the row `after` (0 to begin) to the current key, as many as one step takes. Each is moved
    /// for itself, so a rotation that is cut off anywhere has done what it did, and is simply begun again.
    ///
    /// # Errors
    /// The store fails. A ciphertext that does not open is no error: it is named and left.
    pub async fn rotate(&self, store: &dyn Store, rotation: Rotation, after: i64) -> Result<RotationStep, VaultError> {
        let keys = self.keys();
        let current = keys.current();
        let except = (!rotation.re_encrypt).then_some(current);
        let found = store.secrets().envelopes(after, except, STEP).await?;
        let mut step = RotationStep { key_id: current, moved: 0, passed_over: 0, failed: Vec::new(), next: None };
        if found.len() == STEP as usize {
            step.next = found.last().map(|stored| stored.row);
        }
        for stored in found {
            // Where the value is still to come there is nothing to encrypt, and its worker has the data key already.
            let moved = if rotation.re_encrypt && !stored.envelope.is_awaiting() {
                let opened = stored.envelope.open(keys, &stored.binding);
                opened.and_then(|value| Envelope::seal(keys, &stored.binding, &value))
            } else {
                stored.envelope.rewrap(keys, &stored.binding)
            };
            match moved {
                Ok(envelope) if store.secrets().replace_envelope(&stored, &envelope).await? => step.moved += 1,
                Ok(_) => step.passed_over += 1,
                Err(error) => step.failed.push(format!("{}: {error}", stored.binding.name())),
            }
        }
        Ok(step)
    }
}
