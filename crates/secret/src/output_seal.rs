//! What a worker encrypts the secret outputs of one attempt with.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::envelope::Binding;
use crate::error::SecretError;
use crate::opened::parameters_text;
use crate::output_key::OutputKey;

/// Encrypts the secret outputs of one attempt, so that whoever holds the keys of the store reads them and nobody in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputSeal {
    key: OutputKey,
    binding: Binding,
}

impl OutputSeal {
    /// With the key that came for them, and what they are bound to.
    #[must_use]
    pub const fn new(key: OutputKey, binding: Binding) -> Self {
        Self { key, binding }
    }

    /// The ciphertext of these outputs, by JSON pointer into the result.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn seal(&self, outputs: &Map<String, Value>) -> Result<Vec<u8>, SecretError> {
        self.key.seal(&self.binding, &Zeroizing::new(parameters_text(outputs)))
    }
}
