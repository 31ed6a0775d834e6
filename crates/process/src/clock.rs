//! The one clock: everything in Attune that asks what time it is asks here.
//!
//! Two clocks, two purposes, and no third: [`wall`] is for timestamps that people read and is never compared with
//! itself to measure anything; [`boot`] is for deadlines and durations, never goes backwards, and goes on while the
//! machine is suspended (`CLOCK_MONOTONIC` stops then, and a laptop's timeout of ten minutes would last a weekend).

use std::time::Duration;

use crate::system;

/// Microseconds since 1970-01-01T00:00:00Z as this machine believes. May jump in both directions.
#[must_use]
pub fn wall() -> i64 {
    let now = system::clock(libc::CLOCK_REALTIME);
    i64::try_from(now.as_micros()).unwrap_or(i64::MAX)
}

/// Time since this machine was booted, suspended time included. Never goes backwards.
#[must_use]
pub fn boot() -> Duration {
    system::clock(libc::CLOCK_BOOTTIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_clock_never_goes_backwards() {
        let first = boot();
        assert!(boot() >= first);
    }

    #[test]
    fn the_wall_clock_is_in_microseconds() {
        let year_2024 = 1_704_067_200_000_000;
        assert!(wall() > year_2024);
        assert!(wall() < year_2024 * 4);
    }
}
