//! Who a process is.

/// A process, told apart from every other that ever had its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProcessIdentity {
    /// Its number.
    pub pid: i32,
    /// When it started, in clock ticks since boot (field 22 of `/proc/PID/stat`); 0 when `/proc` cannot be read.
    pub start_time: u64,
}
