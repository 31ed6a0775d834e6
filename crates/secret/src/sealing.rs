//! How secrets travel to the one life of the one worker that needs them: HPKE (RFC 9180), base mode, X25519 with
//! HKDF-SHA256 and AES-256-GCM.

use std::fmt;

use attune_types::{AttemptNumber, ExecutionId, Incarnation};
use hpke::aead::AesGcm256;
use hpke::kdf::HkdfSha256;
use hpke::kem::{Kem, X25519HkdfSha256};
use hpke::{Deserializable, OpModeR, OpModeS, Serializable, single_shot_open, single_shot_seal};
use zeroize::Zeroizing;

use crate::associated::associated;
use crate::error::{SecretError, fill_random};
use crate::opened::Opened;

/// The form of what is sealed now.
const FORM: u8 = 1;
const INFO: &[u8] = b"attune sealing v1";
const ENCAPSULATED_BYTES: usize = 32;

/// The one try that something is sealed for. It opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealedFor {
    /// The execution.
    pub execution: ExecutionId,
    /// The try.
    pub attempt: AttemptNumber,
    /// The life of the worker.
    pub incarnation: Incarnation,
}

impl SealedFor {
    fn bytes(&self) -> Vec<u8> {
        associated(&[&self.execution.0.to_be_bytes(), &self.attempt.0.to_be_bytes(), &self.incarnation.0])
    }
}

/// The public half of a worker's key, as it registers it.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(<X25519HkdfSha256 as Kem>::PublicKey);

impl PublicKey {
    /// Reads 64 hexadecimal digits.
    ///
    /// # Errors
    /// It is something else.
    pub fn from_hex(text: &str) -> Result<Self, SecretError> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(SecretError::PublicKey);
        }
        let mut bytes = [0; 32];
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[index * 2..index * 2 + 2], 16).map_err(|_| SecretError::PublicKey)?;
        }
        Deserializable::from_bytes(&bytes).map(Self).map_err(|_| SecretError::PublicKey)
    }

    /// Seals `opened` so that only the holder of the other half opens it, and only for this try.
    ///
    /// # Errors
    /// The key is one that nothing can be sealed to, or the operating system gives no random bytes.
    pub fn seal(&self, target: SealedFor, opened: &Opened) -> Result<Vec<u8>, SecretError> {
        // Sealing takes random bytes as given; asking for some first turns their absence into an error.
        fill_random(&mut [0; 1])?;
        let plain = opened.to_bytes();
        let (encapsulated, sealed) = single_shot_seal::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeS::Base,
            &self.0,
            INFO,
            &plain,
            &target.bytes(),
        )
        .map_err(|_| SecretError::PublicKey)?;
        Ok([&[FORM], &encapsulated.to_bytes()[..], &sealed].concat())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.to_bytes().iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({self})")
    }
}

/// The key of one life of a worker. It is made at start, lives in memory alone, and dies with the process: what was sealed
/// to an earlier life can be opened by nobody.
pub struct IncarnationKey {
    private: <X25519HkdfSha256 as Kem>::PrivateKey,
    public: PublicKey,
}

impl fmt::Debug for IncarnationKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("IncarnationKey(***)")
    }
}

impl IncarnationKey {
    /// A new key.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn generate() -> Result<Self, SecretError> {
        let mut seed = Zeroizing::new([0; 32]);
        fill_random(seed.as_mut_slice())?;
        let (private, public) = X25519HkdfSha256::derive_keypair(seed.as_slice());
        Ok(Self { private, public: PublicKey(public) })
    }

    /// The half that is registered.
    #[must_use]
    pub const fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Opens what was sealed to this key for this try.
    ///
    /// # Errors
    /// [`SecretError::Sealed`] when it was sealed to another key, for another try, or was changed.
    pub fn open(&self, target: SealedFor, sealed: &[u8]) -> Result<Opened, SecretError> {
        let refused = || SecretError::Sealed { execution: target.execution.0 };
        let (&form, rest) = sealed.split_first().ok_or_else(refused)?;
        if form != FORM || rest.len() < ENCAPSULATED_BYTES {
            return Err(refused());
        }
        let (encapsulated, ciphertext) = rest.split_at(ENCAPSULATED_BYTES);
        let encapsulated = Deserializable::from_bytes(encapsulated).map_err(|_| refused())?;
        let plain = single_shot_open::<AesGcm256, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.private,
            &encapsulated,
            INFO,
            ciphertext,
            &target.bytes(),
        )
        .map(Zeroizing::new)
        .map_err(|_| refused())?;
        Opened::from_bytes(&plain).ok_or_else(refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opened::OpenedSecret;

    fn target(execution: i64, attempt: i32, life: u8) -> SealedFor {
        SealedFor {
            execution: ExecutionId(execution),
            attempt: AttemptNumber(attempt),
            incarnation: Incarnation([life; 16]),
        }
    }

    fn opened() -> Opened {
        Opened::new(vec![OpenedSecret::new("db", b"hunter2".to_vec())], serde_json::Map::new())
    }

    #[test]
    fn only_the_life_it_was_sealed_to_opens_it() {
        let (own, other) = (IncarnationKey::generate().expect("a key"), IncarnationKey::generate().expect("a key"));
        let public = PublicKey::from_hex(&own.public().to_string()).expect("travels as text");
        let sealed = public.seal(target(1, 2, 3), &opened()).expect("sealed");
        assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
        assert_eq!(own.open(target(1, 2, 3), &sealed), Ok(opened()));
        assert_eq!(other.open(target(1, 2, 3), &sealed), Err(SecretError::Sealed { execution: 1 }));
    }

    #[test]
    fn it_opens_for_no_other_try_and_not_when_changed() {
        let key = IncarnationKey::generate().expect("a key");
        let sealed = key.public().seal(target(1, 2, 3), &opened()).expect("sealed");
        for elsewhere in [target(9, 2, 3), target(1, 3, 3), target(1, 2, 4)] {
            assert!(key.open(elsewhere, &sealed).is_err(), "{elsewhere:?}");
        }
        for place in 0..sealed.len() {
            // The topmost bit of an X25519 point means nothing, by RFC 7748; it is part of what is authenticated all the
            // same.
            for mask in [1, 0x80] {
                let mut changed = sealed.clone();
                changed[place] ^= mask;
                assert!(key.open(target(1, 2, 3), &changed).is_err(), "byte {place}");
            }
        }
        for cut in 0..sealed.len() {
            assert!(key.open(target(1, 2, 3), &sealed[..cut]).is_err(), "cut at {cut}");
        }
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        for text in ["", "00", &"z".repeat(64), &"é".repeat(32)] {
            assert_eq!(PublicKey::from_hex(text), Err(SecretError::PublicKey));
        }
        // A point of small order: every shared secret with it is known to everybody.
        let zero = PublicKey::from_hex(&"0".repeat(64));
        assert!(zero.is_err() || zero.is_ok_and(|zero| zero.seal(target(1, 1, 1), &opened()).is_err()));
    }

    #[test]
    fn a_key_is_never_shown() {
        assert_eq!(format!("{:?}", IncarnationKey::generate().expect("a key")), "IncarnationKey(***)");
    }
}
