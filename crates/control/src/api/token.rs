//! The token that opens the API.

use std::fmt;

use actix_web::http::header::{self, HeaderMap};
use sha2::{Digest, Sha256};

use super::problem::Problem;

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
    fn allows(&self, token: &str) -> bool {
        let differing = self.0.iter().zip(hash(token)).fold(0, |differing, (left, right)| differing | (left ^ right));
        std::hint::black_box(differing) == 0
    }

    /// Lets a request pass that carries the token.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Err(Problem::unauthorized("the request carries no token"));
        };
        let bearer = value.to_str().ok().and_then(|text| text.split_once(' '));
        match bearer {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
                if self.allows(token.trim()) {
                    Ok(())
                } else {
                    Err(Problem::unauthorized("the token is not valid"))
                }
            }
            _ => Err(Problem::unauthorized("the header Authorization does not hold `Bearer TOKEN`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn headers(value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(value).expect("a header"));
        headers
    }

    #[test]
    fn only_the_token_itself_passes() {
        let check = TokenCheck::new("att_secret");
        for value in ["Bearer att_secret", "bearer att_secret", "BEARER  att_secret"] {
            assert!(check.check(&headers(value)).is_ok(), "{value}");
        }
        for value in ["Bearer ", "Bearer att_secre", "Bearer att_secret2", "Basic att_secret", "att_secret", ""] {
            assert!(check.check(&headers(value)).is_err(), "{value}");
        }
        assert!(check.check(&HeaderMap::new()).is_err());
        assert_eq!(format!("{check:?}"), "TokenCheck(***)");
    }
}
