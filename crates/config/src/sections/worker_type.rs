use serde::Deserialize;

/// Where a worker runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkerType {
    /// On the server's own host.
    Local,
    /// On another host.
    Remote,
    /// In a container.
    Container,
}

impl WorkerType {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Container => "container",
        }
    }
}
