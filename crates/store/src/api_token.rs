//! The text of a token: made here, recognised here, stored only as a hash.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::error::StoreError;

/// How every token begins, so that programs that look for leaked credentials find it.
const PREFIX: &str = "att_";
/// Random bytes of a token: 192 bits.
const RANDOM: usize = 24;
/// Bytes of its checksum.
const CHECK: usize = 4;

/// A token in plain: `att_`, 48 hexadecimal digits, and 8 more that check them.
///
/// The checksum keeps no secret. It tells a token that was cut off or made up from a real one without a look at the
/// database, and lets scanners be sure of what they found. [`fmt::Debug`] does not show the token.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiToken(String);

impl fmt::Debug for ApiToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiToken(***)")
    }
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn checksum(body: &str) -> String {
    digits(&Sha256::digest(format!("{PREFIX}{body}").as_bytes())[..CHECK])
}

impl ApiToken {
    /// A fresh token.
    ///
    /// # Errors
    /// [`StoreError::Random`] when the operating system gives no random bytes.
    pub fn generate() -> Result<Self, StoreError> {
        let mut bytes = [0; RANDOM];
        getrandom::fill(&mut bytes).map_err(|error| StoreError::Random { reason: error.to_string() })?;
        let body = digits(&bytes);
        let check = checksum(&body);
        Ok(Self(format!("{PREFIX}{body}{check}")))
    }

    /// Reads a token; `None` for what cannot be one.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX)?;
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if rest.len() != 2 * (RANDOM + CHECK) || !rest.bytes().all(is_digit) {
            return None;
        }
        let (body, check) = rest.split_at(2 * RANDOM);
        (checksum(body) == check).then(|| Self(text.to_owned()))
    }

    /// What is stored instead of it, and what it is found by. 192 random bits need neither salt nor stretching, and
    /// whoever measures how long the look-up takes learns about the hash alone.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The token in plain, to be shown once or sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_nothing_else_does() {
        let token = ApiToken::generate().expect("random");
        let text = token.expose();
        assert_eq!(ApiToken::read(text).as_ref(), Some(&token));
        assert_eq!((text.len(), &text[..4]), (60, "att_"));
        assert_ne!(ApiToken::generate().expect("random"), token);
        let last = if text.ends_with('0') { "1" } else { "0" };
        let flipped = format!("{}{last}", &text[..59]);
        for wrong in ["", "att_", &text[1..], &text[..59], &flipped, &text.to_uppercase(), &format!("{text}0")] {
            assert_eq!(ApiToken::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn neither_its_hash_nor_its_debug_text_shows_it() {
        let token = ApiToken::generate().expect("random");
        assert!(!token.expose().contains(&digits(&token.hash())));
        assert_eq!(format!("{token:?}"), "ApiToken(***)");
    }
}
