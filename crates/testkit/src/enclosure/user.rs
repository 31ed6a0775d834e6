//! Who runs a test.

/// Whom a test's inner program runs as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Root, with all of root's capabilities (of a user namespace, where the tests are not started by root).
    Root,
    /// A user without any capability: `nobody`, or whoever started the tests.
    Ordinary,
}

impl User {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Root, Self::Ordinary];
    /// The number of `nobody`.
    pub(crate) const NOBODY: u32 = 65_534;

    /// Whether this is root.
    #[must_use]
    pub const fn is_root(self) -> bool {
        matches!(self, Self::Root)
    }
}
