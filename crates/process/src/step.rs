//! The steps from nothing to a running action.

/// What a guard does to start an action, in this order. The number is the one on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Step {
    /// Reading what was asked for.
    Request = 1,
    /// A socket for calls.
    Helper = 2,
    /// A process.
    Clone = 3,
    /// A session of its own.
    Session = 4,
    /// Standard input, output and error.
    Descriptors = 5,
    /// Control groups and resource limits.
    Limits = 6,
    /// The working directory.
    Directory = 7,
    /// Giving up the right to gain privileges.
    NoNewPrivileges = 8,
    /// Landlock and seccomp.
    Sandbox = 9,
    /// The signal mask.
    Signals = 10,
    /// Becoming the program.
    Execute = 11,
}

impl Step {
    /// All, in their order.
    pub(crate) const ALL: [Self; 11] = [
        Self::Request,
        Self::Helper,
        Self::Clone,
        Self::Session,
        Self::Descriptors,
        Self::Limits,
        Self::Directory,
        Self::NoNewPrivileges,
        Self::Sandbox,
        Self::Signals,
        Self::Execute,
    ];
}

impl std::fmt::Display for Step {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Request => "reading the request",
            Self::Helper => "making the helper socket",
            Self::Clone => "making a process",
            Self::Session => "beginning a session",
            Self::Descriptors => "setting up standard input and output",
            Self::Limits => "setting limits",
            Self::Directory => "entering the working directory",
            Self::NoNewPrivileges => "giving up new privileges",
            Self::Sandbox => "entering the sandbox",
            Self::Signals => "unblocking signals",
            Self::Execute => "executing the program",
        })
    }
}
