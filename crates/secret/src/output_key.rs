//! The key that a worker encrypts secret outputs with.

use std::fmt;

use zeroize::Zeroizing;

use crate::envelope::{Binding, encrypt};
use crate::error::SecretError;

/// A data key for the secret outputs of one try. Whoever assigns makes it and keeps it wrapped beside the try; the worker gets
/// it sealed to its life. With it a worker can encrypt what it knows already, and open nothing but that.
#[derive(Clone, PartialEq, Eq)]
pub struct OutputKey(Zeroizing<[u8; 32]>);

impl OutputKey {
    pub(crate) const fn new(key: Zeroizing<[u8; 32]>) -> Self {
        Self(key)
    }

    /// What [`OutputKey::bytes`] gave; `None` when it is none.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; 32]);
        if bytes.len() != key.len() {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// Encrypts `value`: the ciphertext of the [`Envelope`](crate::Envelope) that waits for it.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn seal(&self, binding: &Binding, value: &[u8]) -> Result<Vec<u8>, SecretError> {
        encrypt(&self.0, value, &binding.bytes())
    }
}

impl fmt::Debug for OutputKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OutputKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Envelope, Keyring};
    use attune_types::{AttemptNumber, ExecutionId};

    fn outputs(execution: i64, attempt: i32) -> Binding {
        let (execution, attempt) = (ExecutionId(execution), AttemptNumber(attempt));
        Binding::Outputs { execution, attempt, action: "core.echo".to_owned() }
    }

    #[test]
    fn what_is_encrypted_with_it_opens_with_the_keyring_and_for_its_own_try_alone() {
        let keys = Keyring::ephemeral().expect("random bytes");
        let (waiting, key) = Envelope::awaiting(&keys, &outputs(7, 1)).expect("random bytes");
        assert!(waiting.is_awaiting() && waiting.check(&keys, &outputs(7, 1)).is_ok());
        assert!(waiting.open(&keys, &outputs(7, 1)).is_err(), "nothing has come yet, and nothing is not a value");
        assert!(waiting.check(&keys, &outputs(8, 1)).is_err());
        let ciphertext = key.seal(&outputs(7, 1), b"t0ken").expect("random bytes");
        assert!(!ciphertext.windows(5).any(|window| window == b"t0ken"));
        let full = Envelope { ciphertext, ..waiting };
        assert_eq!(full.open(&keys, &outputs(7, 1)).expect("opens").as_slice(), b"t0ken");
        for elsewhere in [outputs(8, 1), outputs(7, 2)] {
            assert!(full.open(&keys, &elsewhere).is_err(), "{elsewhere:?}");
        }
        let rewrapped = full.rewrap(&keys, &outputs(7, 1)).expect("opens");
        assert_eq!(rewrapped.open(&keys, &outputs(7, 1)).expect("opens").as_slice(), b"t0ken");
        // With the envelope of another try, which is another data key.
        let (other, _) = Envelope::awaiting(&keys, &outputs(8, 1)).expect("random bytes");
        assert!(Envelope { ciphertext: full.ciphertext, ..other }.open(&keys, &outputs(8, 1)).is_err());
    }

    #[test]
    fn it_is_never_shown_and_is_thirty_two_bytes() {
        let (_, key) = Envelope::awaiting(&Keyring::ephemeral().expect("random"), &outputs(1, 1)).expect("random");
        assert_eq!(format!("{key:?}"), "OutputKey(***)");
        assert_eq!(OutputKey::of(key.bytes()), Some(key.clone()));
        assert_eq!(OutputKey::of(&key.bytes()[1..]), None);
    }
}
