//! How much room is left on a disk.

use std::path::Path;

/// The least room that a large disk must have.
const LEAST_BYTES: u64 = 512 << 20;

/// Whether so little is left on the disk of `path` that no new work should be taken: less than 5 %, or less than
/// 512 MiB of a disk that is larger than ten times that. A disk that cannot be asked is not called full.
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
    free < (total / 20).max(LEAST_BYTES.min(total / 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_larger_of_two_limits_counts_and_small_disks_have_their_own() {
        const GIB: u64 = 1 << 30;
        for (total, free, expected) in [
            (1000 * GIB, 51 * GIB, false),
            (1000 * GIB, 49 * GIB, true),
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
