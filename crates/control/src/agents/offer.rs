//! What is said about an agent that is given out.

use serde::Serialize;

use super::architecture::Architecture;

/// What is said about an agent that is given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Offer {
    /// By the program itself.
    pub(crate) version: String,
    /// By the program's header.
    #[serde(serialize_with = "as_word")]
    pub(crate) architecture: Architecture,
    /// In bytes.
    pub(crate) size: u64,
    /// Of the file, hexadecimal.
    pub(crate) sha256: String,
    /// Ed25519, of the file, base64; `None` when nobody signed it.
    pub(crate) signature: Option<String>,
}

fn as_word<S: serde::Serializer>(architecture: &Architecture, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(architecture.as_str())
}
