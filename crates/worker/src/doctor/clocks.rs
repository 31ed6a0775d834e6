//! The clocks.

use std::time::Duration;

use attune_process::clock;
use attune_types::Timestamp;

use super::Finding;

/// When this was written: a clock before it is wrong.
const WRITTEN: Timestamp = Timestamp(1_795_000_000_000_000);
/// How far the two clocks may drift apart during one examination.
const DRIFT: Duration = Duration::from_millis(250);

/// Both clocks at one moment.
pub(super) struct Reading {
    wall: i64,
    boot: Duration,
}

impl Reading {
    pub(super) fn take() -> Self {
        Self { wall: clock::wall(), boot: clock::boot() }
    }

    /// What the time since then tells.
    pub(super) fn judge(&self) -> Finding {
        let now = Self::take();
        judge(now.wall, now.wall.saturating_sub(self.wall), now.boot.saturating_sub(self.boot))
    }
}

fn judge(now: i64, wall: i64, boot: Duration) -> Finding {
    let now = Timestamp(now);
    if now < WRITTEN {
        let advice = "set the clock: times in logs and certificates will be wrong";
        return Finding::warn("clock", now.to_string(), advice);
    }
    let boot = i64::try_from(boot.as_micros()).unwrap_or(i64::MAX);
    let apart = wall.saturating_sub(boot);
    if apart.unsigned_abs() > u64::try_from(DRIFT.as_micros()).unwrap_or(u64::MAX) {
        return Finding::warn(
            "clock",
            format!("{now}; it jumped by {} ms while this looked", apart / 1000),
            "let one service set the clock, in small steps; limits of time go by another clock and hold",
        );
    }
    Finding::ok("clock", format!("{now}; goes as fast as the boot clock"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_clock_that_is_wrong_or_jumps_is_named() {
        let second = Duration::from_secs(1);
        for (now, wall, state) in [
            (WRITTEN.0 + 1, 1_000_000, State::Ok),
            (WRITTEN.0 - 1, 1_000_000, State::Warn),
            (WRITTEN.0 + 1, 1_300_000, State::Warn),
            (WRITTEN.0 + 1, -3_000_000, State::Warn),
        ] {
            assert_eq!(judge(now, wall, second).state, state, "{now} {wall}");
        }
    }
}
