//! One line of what was found.

use super::encoding::Encoding;

/// A secret that was found and masked, in one encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// The name of the secret, never its value.
    pub secret: String,
    /// In which form.
    pub encoding: Encoding,
    /// How often.
    pub times: u64,
    /// The line in which it began first, from 1 on.
    pub line: u64,
}
