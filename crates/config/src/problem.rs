use std::fmt;

/// One thing that is wrong, on one line: the key, what is wrong and what to do, and where it was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The key, or the environment name where no key is known.
    pub key: String,
    /// What is wrong and what to do; secrets are masked.
    pub message: String,
    /// Where the value came from; empty when it is about several values.
    pub origin: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.key, self.message)?;
        if self.origin.is_empty() { Ok(()) } else { write!(formatter, " ({})", self.origin) }
    }
}
