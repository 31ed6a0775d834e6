//! Secrets in plain, for as long as one attempt needs them.

use std::fmt;

use zeroize::Zeroizing;

/// One secret in plain. Overwritten when it is dropped, and never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenedSecret {
    /// Its name: that of a secret, or `parameters.<name>` for a secret parameter.
    pub name: String,
    /// Its value.
    pub value: Zeroizing<Vec<u8>>,
}

impl OpenedSecret {
    /// A secret of this name.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), value: Zeroizing::new(value.into()) }
    }
}

impl fmt::Debug for OpenedSecret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OpenedSecret({} = ***)", self.name)
    }
}

/// All that one attempt was given in plain. What redaction makes its needles of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// The secrets that the action lists, by the names under which it asks for them.
    pub secrets: Vec<OpenedSecret>,
    /// The values of parameters that are marked `secret`, as they are in JSON; a text without its quotes.
    pub parameters: Vec<OpenedSecret>,
}

impl Opened {
    /// Whether there is nothing to hide.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty() && self.parameters.is_empty()
    }

    /// Everything that must not be seen.
    pub fn all(&self) -> impl Iterator<Item = &OpenedSecret> {
        self.secrets.iter().chain(&self.parameters)
    }

    /// The secret of this name.
    #[must_use]
    pub fn secret(&self, name: &str) -> Option<&OpenedSecret> {
        self.secrets.iter().find(|secret| secret.name == name)
    }
}
