//! Why a secret could not be kept, opened or handed over.

/// Why. No variant ever holds a value, a key, or anything made of one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The ciphertext is not what was written for this secret under this key: it was changed, moved, or the key is
    /// another one of the same id.
    #[error("secret {name} cannot be decrypted (authentication failed)")]
    Authentication {
        /// The secret's name.
        name: String,
    },
    /// The ciphertext names a key that is not here.
    #[error("key id {id} unknown; have {}", listed(.have))]
    UnknownKey {
        /// The key it names.
        id: u32,
        /// The keys that are here.
        have: Vec<u32>,
    },
    /// The ciphertext has a form that this program does not know.
    #[error("secret {name} is stored in a form that this version does not know")]
    Form {
        /// The secret's name.
        name: String,
    },
    /// What was sealed cannot be opened by this life of this worker.
    #[error("what was sealed for execution {execution} cannot be opened by this worker (authentication failed)")]
    Sealed {
        /// The execution.
        execution: i64,
    },
    /// A worker's public key is not one.
    #[error("a worker's sealing key is not 32 bytes in hexadecimal")]
    PublicKey,
    /// The text of the keys cannot be used.
    #[error("{reason}")]
    Keys {
        /// Why.
        reason: String,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {reason}")]
    Random {
        /// Why.
        reason: String,
    },
}

fn listed(ids: &[u32]) -> String {
    if ids.is_empty() {
        return "none".to_owned();
    }
    ids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}

pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), SecretError> {
    getrandom::fill(bytes).map_err(|error| SecretError::Random { reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_is_named_with_those_that_are_here() {
        let error = |have: &[u32]| SecretError::UnknownKey { id: 7, have: have.to_vec() }.to_string();
        assert_eq!(error(&[5, 6]), "key id 7 unknown; have 5, 6");
        assert_eq!(error(&[]), "key id 7 unknown; have none");
    }
}
