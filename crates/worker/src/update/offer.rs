//! What a server says about the agent that it gives out.

use serde::{Deserialize, Serialize};

/// What a server says about the agent that it gives out for this architecture. None of it is believed before the program
/// itself agrees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Offer {
    /// Its version.
    pub(super) version: String,
    /// What it runs on.
    pub(super) architecture: String,
    /// In bytes.
    pub(super) size: u64,
    /// Of the file, hexadecimal.
    pub(super) sha256: String,
    /// Ed25519, of the file, base64; `None` when nobody signed it.
    pub(super) signature: Option<String>,
}
