//! Where a child runs.

/// Which thread a child runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placement {
    /// The arbiter on which the tree is started.
    Here,
    /// An arbiter of the tree with this name. Children that give the same name share it. It ends with the tree.
    OwnArbiter(&'static str),
}
