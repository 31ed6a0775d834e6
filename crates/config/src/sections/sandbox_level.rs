use serde::Deserialize;

/// A level of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum SandboxLevel {
    /// The best that the machine can give.
    #[default]
    #[serde(rename = "auto")]
    Best,
    /// Hygiene.
    #[serde(rename = "1")]
    Base,
    /// And a domain of its own.
    #[serde(rename = "2")]
    Isolated,
    /// And a filter of system calls.
    #[serde(rename = "3")]
    Filtered,
}

impl SandboxLevel {
    /// Its number, where it is one.
    #[must_use]
    pub const fn number(self) -> Option<u8> {
        match self {
            Self::Best => None,
            Self::Base => Some(1),
            Self::Isolated => Some(2),
            Self::Filtered => Some(3),
        }
    }
}
