//! How a guard was lost.

/// Why there was nobody left to tell how a child ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardLoss {
    /// The guard was ended by this signal, and not by us.
    Killed(i32),
    /// The guard ended with this code.
    Exited(i32),
    /// The guard did not answer in time (it was stopped, most likely) and was killed for it.
    Unresponsive,
    /// The launcher ended, and with it the guard.
    LauncherGone,
}

impl std::fmt::Display for GuardLoss {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Killed(signal) => write!(formatter, "its guard was killed by signal {signal}"),
            Self::Exited(code) => write!(formatter, "its guard exited with code {code}"),
            Self::Unresponsive => write!(formatter, "its guard did not answer and was killed"),
            Self::LauncherGone => write!(formatter, "the launcher ended"),
        }
    }
}
