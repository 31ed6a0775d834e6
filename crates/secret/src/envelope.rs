//! How a value lies in the database: encrypted with a data key of its own, which is wrapped with a key-encryption key.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Key, Nonce};
use zeroize::Zeroizing;

use attune_types::{AttemptNumber, ExecutionId};

use crate::associated::associated;
use crate::error::{SecretError, fill_random};
use crate::keyring::Keyring;
use crate::output_key::OutputKey;
use crate::owner::SecretId;

/// The form of what is written now.
const FORM: u8 = 1;
const NONCE_BYTES: usize = 12;

/// What a stored value is bound to. A ciphertext that is moved to another row does not open there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Binding {
    /// A secret, in one of its versions.
    Secret(SecretId, i64),
    /// The secret parameters of this one execution.
    Parameters {
        /// Whose they are. Those of another execution of the same action do not open in its place.
        execution: ExecutionId,
        /// `pack.action`.
        action: String,
        /// Their names, ascending.
        names: Vec<String>,
    },
    /// The secret outputs of this one try.
    Outputs {
        /// Whose they are.
        execution: ExecutionId,
        /// Which try they come from.
        attempt: AttemptNumber,
        /// `pack.action`.
        action: String,
    },
}

impl Binding {
    /// What messages call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Secret(id, _) => id.name.clone(),
            Self::Parameters { names, .. } => format!("parameters {}", names.join(", ")),
            Self::Outputs { execution, .. } => format!("outputs of execution {execution}"),
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Secret(id, version) => associated(&[
                b"attune secret v1",
                id.owner.kind().as_bytes(),
                id.owner.reference().as_bytes(),
                id.name.as_bytes(),
                &version.to_be_bytes(),
            ]),
            Self::Parameters { execution, action, names } => {
                let number = execution.0.to_be_bytes();
                let mut parts: Vec<&[u8]> = vec![b"attune parameters v2", &number, action.as_bytes()];
                parts.extend(names.iter().map(String::as_bytes));
                associated(&parts)
            }
            Self::Outputs { execution, attempt, action } => associated(&[
                b"attune outputs v1",
                &execution.0.to_be_bytes(),
                &attempt.0.to_be_bytes(),
                action.as_bytes(),
            ]),
        }
    }

    fn bytes_with_key(&self, key_id: u32) -> Vec<u8> {
        associated(&[b"attune data key v1", &self.bytes(), &key_id.to_be_bytes()])
    }
}

/// A value as it lies in the database. Worth nothing without the key-encryption key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The number of the key that the data key is wrapped with.
    pub key_id: u32,
    /// The data key: form, nonce, ciphertext, tag.
    pub wrapped_key: Vec<u8>,
    /// The value: form, nonce, ciphertext, tag. Nothing as long as its data key waits for a value ([`Envelope::awaiting`]).
    pub ciphertext: Vec<u8>,
}

impl Envelope {
    /// An envelope for a value that somebody without the keyring will encrypt, and the data key for it.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn awaiting(keys: &Keyring, binding: &Binding) -> Result<(Self, OutputKey), SecretError> {
        let mut data_key = Zeroizing::new([0; 32]);
        fill_random(data_key.as_mut_slice())?;
        let key_id = keys.current();
        let wrapped_key = encrypt(keys.key(key_id)?, data_key.as_slice(), &binding.bytes_with_key(key_id))?;
        Ok((Self { key_id, wrapped_key, ciphertext: Vec::new() }, OutputKey::new(data_key)))
    }

    /// Whether the value is still to come.
    #[must_use]
    pub fn is_awaiting(&self) -> bool {
        self.ciphertext.is_empty()
    }

    /// Checks that it opens; of one whose value is still to come, that its data key does.
    ///
    /// # Errors
    /// As [`Envelope::open`].
    pub fn check(&self, keys: &Keyring, binding: &Binding) -> Result<(), SecretError> {
        if self.is_awaiting() {
            return self.data_key(keys, binding).map(|_| ());
        }
        self.open(keys, binding).map(|_| ())
    }

    /// Encrypts `value` with a new data key, and wraps that with the current key of `keys`.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn seal(keys: &Keyring, binding: &Binding, value: &[u8]) -> Result<Self, SecretError> {
        let mut data_key = Zeroizing::new([0; 32]);
        fill_random(data_key.as_mut_slice())?;
        let key_id = keys.current();
        Ok(Self {
            key_id,
            wrapped_key: encrypt(keys.key(key_id)?, data_key.as_slice(), &binding.bytes_with_key(key_id))?,
            ciphertext: encrypt(&data_key, value, &binding.bytes())?,
        })
    }

    /// The value.
    ///
    /// # Errors
    /// The key is not here, or something does not fit: the key, the binding, or a byte of the ciphertext.
    pub fn open(&self, keys: &Keyring, binding: &Binding) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let data_key = self.data_key(keys, binding)?;
        decrypt(&data_key, &self.ciphertext, &binding.bytes(), binding)
    }

    /// The same value with its data key wrapped anew, with the current key. The ciphertext stays as it is.
    ///
    /// # Errors
    /// As [`Envelope::open`].
    pub fn rewrap(&self, keys: &Keyring, binding: &Binding) -> Result<Self, SecretError> {
        let data_key = self.data_key(keys, binding)?;
        let key_id = keys.current();
        let wrapped_key = encrypt(keys.key(key_id)?, data_key.as_slice(), &binding.bytes_with_key(key_id))?;
        Ok(Self { key_id, wrapped_key, ciphertext: self.ciphertext.clone() })
    }

    fn data_key(&self, keys: &Keyring, binding: &Binding) -> Result<Zeroizing<[u8; 32]>, SecretError> {
        let wrapping = keys.key(self.key_id)?;
        let opened = decrypt(wrapping, &self.wrapped_key, &binding.bytes_with_key(self.key_id), binding)?;
        let mut data_key = Zeroizing::new([0; 32]);
        if opened.len() != data_key.len() {
            return Err(SecretError::Form { name: binding.name() });
        }
        data_key.copy_from_slice(&opened);
        Ok(data_key)
    }
}

pub(crate) fn encrypt(key: &[u8; 32], plain: &[u8], aad: &[u8]) -> Result<Vec<u8>, SecretError> {
    let mut nonce = [0; NONCE_BYTES];
    fill_random(&mut nonce)?;
    let sealed = cipher(key)
        .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad })
        .expect("only a plaintext of 64 GiB is refused");
    Ok([&[FORM], &nonce[..], &sealed].concat())
}

fn decrypt(key: &[u8; 32], bytes: &[u8], aad: &[u8], binding: &Binding) -> Result<Zeroizing<Vec<u8>>, SecretError> {
    let (nonce, sealed) = match bytes.split_first() {
        Some((&FORM, rest)) => rest.split_first_chunk::<NONCE_BYTES>(),
        _ => None,
    }
    .ok_or_else(|| SecretError::Form { name: binding.name() })?;
    cipher(key)
        .decrypt(&Nonce::from(*nonce), Payload { msg: sealed, aad })
        .map(Zeroizing::new)
        .map_err(|_| SecretError::Authentication { name: binding.name() })
}

fn cipher(key: &[u8; 32]) -> Aes256Gcm {
    Aes256Gcm::new(&Key::<Aes256Gcm>::from(*key))
}

#[cfg(test)]
mod tests;
