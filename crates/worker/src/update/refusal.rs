//! Why a program is not executed.

/// Why an offered or a fetched program is not executed. Told in one line each.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// Older than this one: somebody who wants an old fault back.
    #[error("the server offers version {offered}, and this is {own}")]
    Older { offered: String, own: String },
    /// For other machines, by what the server says.
    #[error("the server offers an agent for {offered}, and this is {own}")]
    OtherMachine { offered: String, own: &'static str },
    /// Nobody signed it.
    #[error("it is not signed")]
    Unsigned,
    /// What should be a signature is none.
    #[error("its signature is not 64 bytes in base64")]
    NoSignature,
    /// Cut short, or more than was said.
    #[error("{found} bytes came of {told}")]
    Size { found: u64, told: u64 },
    /// Altered.
    #[error("its SHA-256 is {found}, and the server told {told}")]
    Checksum { found: String, told: String },
    /// Altered together with its checksum, or somebody else's.
    #[error("it is not signed with the key in worker.self_update_key")]
    Signature,
    /// For other machines, by its own header, or no program at all.
    #[error("it is no program for {own}")]
    Foreign { own: &'static str },
    /// Signed once, and offered as something newer.
    #[error("it says that it is version {found}, and the server told {told}")]
    Version { found: String, told: String },
    /// It cannot be read any more.
    #[error("it cannot be read: {0}")]
    Unreadable(String),
}

impl Refusal {
    /// Whether fetching the same again could end otherwise: what was cut or altered on its way.
    pub(super) fn may_pass(&self) -> bool {
        matches!(self, Self::Size { .. } | Self::Checksum { .. } | Self::Unreadable(_))
    }
}
