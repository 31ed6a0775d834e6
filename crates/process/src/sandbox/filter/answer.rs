//! What a program says to a system call.

/// What a system call in the policy gets instead of being carried out. An argument is looked at in its lower half only:
/// all arguments named in the policy are 32 bits wide to the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// `EPERM`, always.
    Refused,
    /// `ENOSYS`: the caller falls back to something that can be looked at.
    Absent,
    /// `EPERM` when the argument has one of these bits.
    RefusedWithBits {
        /// Which argument, from 0.
        argument: u8,
        /// The bits.
        bits: u32,
    },
    /// `EPERM` when the argument is one of these.
    RefusedWhen {
        /// Which argument, from 0.
        argument: u8,
        /// The values refused.
        values: &'static [u32],
    },
    /// `EPERM` unless the argument is one of these.
    RefusedUnless {
        /// Which argument, from 0.
        argument: u8,
        /// The values let through.
        values: &'static [u32],
    },
}
