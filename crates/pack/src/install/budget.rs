//! How much a pack may hold.

use super::error::InstallError;

/// How much a pack may hold. What an archive says about its own sizes is not believed: bytes are counted as they come out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Most entries.
    pub entries: u64,
    /// Most bytes, unpacked.
    pub bytes: u64,
}

impl Default for Budget {
    /// 20,000 entries and 512 MiB: several times the largest collections of scripts in use, and far below what hurts.
    fn default() -> Self {
        Self { entries: 20_000, bytes: 512 << 20 }
    }
}

/// What is left of a [`Budget`].
#[derive(Debug)]
pub(super) struct Spending {
    budget: Budget,
    entries: u64,
    bytes: u64,
}

impl Spending {
    pub(super) const fn new(budget: Budget) -> Self {
        Self { budget, entries: 0, bytes: 0 }
    }

    pub(super) fn entry(&mut self) -> Result<(), InstallError> {
        self.entries += 1;
        let most = self.budget.entries;
        if self.entries > most { Err(InstallError::TooMuch { most, what: "entries" }) } else { Ok(()) }
    }

    pub(super) fn bytes(&mut self, count: usize) -> Result<(), InstallError> {
        self.bytes = self.bytes.saturating_add(count as u64);
        let most = self.budget.bytes;
        if self.bytes > most { Err(InstallError::TooMuch { most, what: "bytes when unpacked" }) } else { Ok(()) }
    }
}
