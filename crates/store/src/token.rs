//! Lease tokens: made by whoever claims, stored only as a hash.

use attune_types::LeaseToken;
use sha2::{Digest, Sha256};

use crate::error::StoreError;

/// A fresh token. Random bytes come from the operating system, so two workers never make the same one.
///
/// # Errors
/// [`StoreError::Random`] when the operating system gives none.
pub fn fresh() -> Result<LeaseToken, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| StoreError::Random { reason: error.to_string() })?;
    Ok(LeaseToken(bytes))
}

/// What is stored instead of a token. 128 random bits need neither salt nor stretching.
pub(crate) fn hash(token: LeaseToken) -> [u8; 32] {
    Sha256::digest(token.0).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_their_hashes_do_not_show_them() {
        let (one, other) = (fresh().expect("random"), fresh().expect("random"));
        assert!(one != other);
        assert_eq!(hash(one), hash(one));
        assert_ne!(hash(one)[..16], one.0);
    }
}
