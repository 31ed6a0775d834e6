//! What holds for every child at every level.

/// The file mode mask of a child: what it makes is its user's alone.
pub const FILE_MODE_MASK: u32 = 0o077;

/// How large a core file may become, soft and hard: a core file holds parameters and secrets.
pub const CORE_FILE_BYTES: u64 = 0;
