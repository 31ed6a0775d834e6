//! What Landlock can allow.

use std::ops::{BitAnd, BitOr, BitOrAssign, Not};

/// A set of Landlock's rights to files. The numbers are those of `linux/landlock.h`; see also
/// Documentation/userspace-api/landlock.rst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Rights(pub(super) u64);

impl Rights {
    pub(super) const NONE: Self = Self(0);
    pub(super) const EXECUTE: Self = Self(1);
    pub(super) const WRITE_FILE: Self = Self(1 << 1);
    pub(super) const READ_FILE: Self = Self(1 << 2);
    pub(super) const READ_DIR: Self = Self(1 << 3);
    /// Renaming and linking from one directory into another. Without it the kernel refuses both, handled or not.
    pub(super) const REFER: Self = Self(1 << 13);
    pub(super) const TRUNCATE: Self = Self(1 << 14);
    /// Commands to devices.
    pub(super) const IOCTL_DEV: Self = Self(1 << 15);

    /// To read, list and execute.
    pub(super) const READ: Self = Self(Self::EXECUTE.0 | Self::READ_FILE.0 | Self::READ_DIR.0);

    /// Those that make sense for a file that is no directory. The kernel refuses a rule with any other for one.
    pub(super) const OF_FILE: Self =
        Self(Self::EXECUTE.0 | Self::WRITE_FILE.0 | Self::READ_FILE.0 | Self::TRUNCATE.0 | Self::IOCTL_DEV.0);

    /// Everything that a kernel with this version of the interface knows, and that is known here. A right that the
    /// kernel does not know is an error, one that it knows and is not handled stays with the user.
    pub(super) const fn known_to(abi: u32) -> Self {
        // Bits 0 to 12: everything up to making symbolic links.
        const FIRST: u64 = (1 << 13) - 1;
        match abi {
            0 => Self::NONE,
            1 => Self(FIRST),
            2 => Self(FIRST | Self::REFER.0),
            3 | 4 => Self(FIRST | Self::REFER.0 | Self::TRUNCATE.0),
            _ => Self(FIRST | Self::REFER.0 | Self::TRUNCATE.0 | Self::IOCTL_DEV.0),
        }
    }

    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl BitAnd for Rights {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for Rights {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Rights {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl Not for Rights {
    type Output = Self;

    fn not(self) -> Self {
        Self(!self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_version_of_the_interface_is_asked_for_what_it_knows_and_no_more() {
        let expected = [
            (0, 0),
            (1, 0x1fff),
            (2, 0x3fff),
            (3, 0x7fff),
            (4, 0x7fff),
            (5, 0xffff),
            (6, 0xffff),
            (7, 0xffff),
            (99, 0xffff),
        ];
        for (abi, rights) in expected {
            assert_eq!(Rights::known_to(abi), Rights(rights), "ABI {abi}");
        }
    }
}
