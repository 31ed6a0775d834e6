use crate::key::Key;

/// A key with its value and where the value came from.
#[derive(Debug, Clone)]
pub struct Setting {
    /// The key.
    pub key: &'static Key,
    /// Its value as it may be shown; `None` when it is not set.
    pub shown: Option<String>,
    /// `default`, `file:PATH`, `environment NAME` or `command line`.
    pub origin: String,
}
