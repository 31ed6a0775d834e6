//! Which of the two workers this is.

/// The one difference between `attune-worker` and `attune-agent`. Only `tree.rs` reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Baked into an image: prepares everything before it takes work.
    Worker,
    /// Injected into an image: prepares on first use.
    Agent,
}

impl Mode {
    /// The name of its program.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::Worker => "attune-worker",
            Self::Agent => "attune-agent",
        }
    }
}
