//! What a server says about the agent that it gives out.

use serde_json::{Value, json};

/// What a server says about the agent that it gives out for this architecture. None of it is believed before the program
/// itself agrees.
///
/// Read and written by hand: what a derivation generates for two types that are used once is ten thousand bytes in every
/// worker.
#[derive(Debug, Clone, PartialEq, Eq)]
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

impl Offer {
    /// Reads it; `None` when something is missing.
    pub(super) fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value[name].as_str().map(str::to_owned);
        Some(Self {
            version: text("version")?,
            architecture: text("architecture")?,
            size: value["size"].as_u64()?,
            sha256: text("sha256")?,
            signature: text("signature"),
        })
    }

    /// The same as an object.
    pub(super) fn to_value(&self) -> Value {
        json!({
            "version": self.version, "architecture": self.architecture, "size": self.size, "sha256": self.sha256,
            "signature": self.signature,
        })
    }
}
