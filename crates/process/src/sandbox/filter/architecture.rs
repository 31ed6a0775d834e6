//! What differs between the machines a program is built for.

/// A machine a program is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Architecture {
    /// 64-bit Intel and AMD.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "built for another machine"))]
    X86_64,
    /// 64-bit ARM.
    #[cfg_attr(all(not(test), not(target_arch = "aarch64")), expect(dead_code, reason = "built for another machine"))]
    Aarch64,
}

impl Architecture {
    /// The one this is compiled for.
    #[cfg(target_arch = "x86_64")]
    pub(super) const HERE: Self = Self::X86_64;
    /// The one this is compiled for.
    #[cfg(target_arch = "aarch64")]
    pub(super) const HERE: Self = Self::Aarch64;

    /// `AUDIT_ARCH_X86_64` and `AUDIT_ARCH_AARCH64` of `linux/audit.h`.
    pub(super) const fn audit_number(self) -> u32 {
        match self {
            Self::X86_64 => 0xc000_003e,
            Self::Aarch64 => 0xc000_00b7,
        }
    }

    /// The bit that marks a call of a second interface (x32) with numbers of its own, for which no policy is written.
    pub(super) const fn foreign_bit(self) -> Option<u32> {
        match self {
            Self::X86_64 => Some(0x4000_0000),
            Self::Aarch64 => None,
        }
    }
}
