//! The keys that data keys are wrapped with: several at once, each with a number, one of them current.

use std::collections::BTreeMap;
use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{SecretError, fill_random};

/// The fewest characters of a key.
pub const LEAST_KEY_CHARACTERS: usize = 32;

/// The number of a key that came without one.
const FIRST_ID: u32 = 1;

/// Separates these keys from whatever else the same text may be used for.
const SALT: &[u8] = b"attune key-encryption key v1";

/// One key-encryption key. Never shown, and overwritten when it is dropped.
#[derive(Clone)]
struct WrappingKey(Zeroizing<[u8; 32]>);

impl WrappingKey {
    /// The key that a text stands for. Extracting, not stretching: the text is meant to be random (`openssl rand -base64
    /// 32`), and whoever can try texts against it has the database already.
    fn of(text: &str) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        Hkdf::<Sha256>::new(Some(SALT), text.as_bytes())
            .expand(b"wrap", key.as_mut_slice())
            .expect("32 bytes are less than HKDF can give");
        Self(key)
    }
}

/// The keys of a deployment. No hash of any of them is ever stored: whether a key fits shows when something opens.
#[derive(Clone)]
pub struct Keyring {
    keys: BTreeMap<u32, WrappingKey>,
    current: u32,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Keyring(ids {:?}, current {}, keys ***)", self.ids(), self.current)
    }
}

impl Keyring {
    /// The keys of these texts, one key a line: `ID KEY`, or a key alone, which then is key 1. Empty lines and lines that
    /// begin with `#` are passed over. Current is `current`, else the one with the largest number.
    ///
    /// # Errors
    /// A line that cannot be read, a key that is too short, a number that is given twice, no key at all, or a current key
    /// that is not among them. The message names lines and numbers, never what stands there.
    pub fn parse(texts: &[&str], current: Option<u32>) -> Result<Self, SecretError> {
        let refused = |reason: String| SecretError::Keys { reason };
        let mut keys = BTreeMap::new();
        for text in texts {
            let lines = text.lines().map(str::trim).enumerate();
            for (index, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
                let place = index + 1;
                let (id, key) = match line.split_once(char::is_whitespace) {
                    None => (FIRST_ID, line),
                    Some((id, key)) => {
                        let id = id.parse::<u32>().ok().filter(|id| *id > 0).ok_or_else(|| {
                            refused(format!("line {place} of the keys does not begin with a number above 0"))
                        })?;
                        (id, key.trim())
                    }
                };
                if key.chars().count() < LEAST_KEY_CHARACTERS {
                    return Err(refused(format!(
                        "key {id} has less than {LEAST_KEY_CHARACTERS} characters; make one with `openssl rand -base64 32`"
                    )));
                }
                if key.contains(char::is_whitespace) {
                    return Err(refused(format!("key {id} has white space in it")));
                }
                if keys.insert(id, WrappingKey::of(key)).is_some() {
                    return Err(refused(format!("there are two keys with the number {id}")));
                }
            }
        }
        let Some(largest) = keys.last_key_value().map(|(id, _)| *id) else {
            return Err(refused("there is no key".to_owned()));
        };
        let current = current.unwrap_or(largest);
        if !keys.contains_key(&current) {
            return Err(SecretError::UnknownKey { id: current, have: keys.into_keys().collect() });
        }
        Ok(Self { keys, current })
    }

    /// A key of random bytes, for what does not outlive this process.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn ephemeral() -> Result<Self, SecretError> {
        let mut key = Zeroizing::new([0; 32]);
        fill_random(key.as_mut_slice())?;
        Ok(Self { keys: BTreeMap::from([(FIRST_ID, WrappingKey(key))]), current: FIRST_ID })
    }

    /// The text of a new random key: what [`Keyring::parse`] takes.
    ///
    /// # Errors
    /// The operating system gives no random bytes.
    pub fn new_key_text() -> Result<Zeroizing<String>, SecretError> {
        let mut key = Zeroizing::new([0_u8; 32]);
        fill_random(key.as_mut_slice())?;
        Ok(Zeroizing::new(key.iter().map(|byte| format!("{byte:02x}")).collect()))
    }

    /// The numbers of its keys, ascending.
    #[must_use]
    pub fn ids(&self) -> Vec<u32> {
        self.keys.keys().copied().collect()
    }

    /// The number of the key that new secrets are wrapped with.
    #[must_use]
    pub const fn current(&self) -> u32 {
        self.current
    }

    /// Checks that a key is here.
    ///
    /// # Errors
    /// [`SecretError::UnknownKey`] when it is not.
    pub fn check(&self, id: u32) -> Result<(), SecretError> {
        self.key(id).map(drop)
    }

    pub(crate) fn key(&self, id: u32) -> Result<&[u8; 32], SecretError> {
        self.keys.get(&id).map(|key| &*key.0).ok_or_else(|| SecretError::UnknownKey { id, have: self.ids() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    #[test]
    fn keys_come_one_a_line_and_the_largest_number_is_current() {
        let ring = Keyring::parse(&[A, &format!("# old\n\n 5  {B}\n7 {A}")], None).expect("keys");
        assert_eq!((ring.ids(), ring.current()), (vec![1, 5, 7], 7));
        let ring = Keyring::parse(&[&format!("5 {B}\n7 {A}")], Some(5)).expect("keys");
        assert_eq!(ring.current(), 5);
    }

    #[test]
    fn what_cannot_be_read_is_named_without_what_stands_there() {
        for (text, current, expected) in [
            ("", None, "there is no key"),
            ("short", None, "key 1 has less than 32 characters"),
            (&format!("x {A}"), None, "line 1 of the keys does not begin with a number"),
            (&format!("0 {A}"), None, "line 1"),
            (&format!("2 {A}\n2 {B}"), None, "two keys with the number 2"),
            (&format!("2 {A} {B}"), None, "white space"),
            (&format!("5 {A}\n6 {B}"), Some(7), "key id 7 unknown; have 5, 6"),
        ] {
            let error = Keyring::parse(&[text], current).expect_err("refused").to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains(A) && !error.contains(B) && !error.contains("short"), "{error}");
        }
    }

    #[test]
    fn a_keyring_is_never_shown() {
        let ring = Keyring::parse(&[A], None).expect("keys");
        assert_eq!(format!("{ring:?}"), "Keyring(ids [1], current 1, keys ***)");
        assert!(ring.key(2).is_err());
    }
}
