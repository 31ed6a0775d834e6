//! Waiting for a moment.

use std::time::Duration;

use crate::clock;

/// The longest sleep towards a moment. The runtime's timers stand still while the machine is suspended; the moment does
/// not. So it is looked at anew at least this often, and after a resume it is late by no more than this.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

/// Waits for a reading of [`clock::boot`]; for ever when there is none.
pub(crate) async fn until(moment: Option<Duration>) {
    let Some(moment) = moment else { return std::future::pending().await };
    loop {
        let left = moment.saturating_sub(clock::boot());
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
    }
}
