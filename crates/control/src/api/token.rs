//! The token that opens the API.

use std::fmt;

use sha2::{Digest, Sha256};

/// What the configured token hashes to; the token itself is not kept.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct TokenCheck([u8; 32]);

impl fmt::Debug for TokenCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenCheck(***)")
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

impl TokenCheck {
    /// A check for `token`.
    pub(crate) fn new(token: &str) -> Self {
        Self(hash(token))
    }

    /// Whether `token` is the one. Takes the same time for every wrong token: hashes are compared, and all of their
    /// bytes.
    pub(crate) fn allows(&self, token: &str) -> bool {
        let differing = self.0.iter().zip(hash(token)).fold(0, |differing, (left, right)| differing | (left ^ right));
        std::hint::black_box(differing) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_token_itself_passes() {
        let check = TokenCheck::new("att_secret");
        assert!(check.allows("att_secret"));
        for wrong in ["", "att_secre", "att_secret2", "ATT_SECRET", " att_secret"] {
            assert!(!check.allows(wrong), "{wrong:?}");
        }
        assert_eq!(format!("{check:?}"), "TokenCheck(***)");
    }
}
