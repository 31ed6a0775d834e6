//! How much room is left on a disk.

use std::path::Path;

/// The least room that a disk of common size must have.
const LEAST_BYTES: u64 = 512 << 20;
/// The room that is enough on every disk, however large: environments, spools and result files of a worker's executions
/// come to a few gigabytes, and a share alone would call 50 GB of a terabyte full.
const ENOUGH_BYTES: u64 = 2 << 30;

/// Whether so little is left on the disk of `path` that no new work should be taken: less than 5 % of it and less than
/// 2 GiB, or less than 512 MiB of a disk that is larger than ten times that. A disk that cannot be asked is not called
/// full.
pub(crate) fn is_nearly_full(path: &Path) -> bool {
    match rustix::fs::statvfs(path) {
        Ok(disk) => {
            let unit = disk.f_frsize.max(1);
            is_low(disk.f_blocks.saturating_mul(unit), disk.f_bavail.saturating_mul(unit))
        }
        Err(_) => false,
    }
}

/// A disk of a few hundred mebibytes, as containers have for scratch, would never have 512 MiB free.
fn is_low(total: u64, free: u64) -> bool {
    free < (total / 20).min(ENOUGH_BYTES).max(LEAST_BYTES.min(total / 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_counts_between_a_least_and_enough_and_small_disks_have_their_own() {
        const GIB: u64 = 1 << 30;
        for (total, free, expected) in [
            (1000 * GIB, 2 * GIB, false),
            (1000 * GIB, 2 * GIB - 1, true),
            (20 * GIB, GIB, false),
            (20 * GIB, GIB - 1, true),
            (8 * GIB, GIB / 2 + 1, false),
            (8 * GIB, GIB / 2 - 1, true),
            (GIB / 4, GIB / 8, false),
            (GIB / 4, GIB / 100, true),
            (0, 0, false),
        ] {
            assert_eq!(is_low(total, free), expected, "{free} of {total}");
        }
    }
}
