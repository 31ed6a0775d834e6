use std::time::Duration;

use serde::Deserialize;

/// The clockwork between store, scheduler, reaper and workers. All processes of one deployment must agree on it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// How long a worker holds its attempts after a beat.
    #[serde(with = "crate::duration::millis")]
    pub lease: Duration,
    /// How long after the end of a lease the reaper acts.
    #[serde(with = "crate::duration::millis")]
    pub lease_slack: Duration,
    /// How long an assigned attempt may stay unclaimed.
    #[serde(with = "crate::duration::millis")]
    pub dispatch: Duration,
    /// Silence after which a worker counts as unreachable.
    #[serde(with = "crate::duration::millis")]
    pub unreachable: Duration,
    /// Silence after which a worker that cannot beat sends TERM to its own executions.
    #[serde(with = "crate::duration::millis")]
    pub fence_terminate: Duration,
    /// Silence after which it kills them.
    #[serde(with = "crate::duration::millis")]
    pub fence_kill: Duration,
    /// Time between two ticks of the reaper.
    #[serde(with = "crate::duration::millis")]
    pub reaper_tick: Duration,
    /// A gap in the reaper's ticks after which it spares every lease for one lease time.
    #[serde(with = "crate::duration::millis")]
    pub reaper_gap: Duration,
    /// How long the relay holds an outbox message that it took.
    #[serde(with = "crate::duration::millis")]
    pub outbox_hold: Duration,
    /// Time between two looks at the outbox when nothing nudges.
    #[serde(with = "crate::duration::millis")]
    pub relay_poll: Duration,
    /// Time between two looks for requested executions when nothing nudges.
    #[serde(with = "crate::duration::millis")]
    pub scheduler_poll: Duration,
    /// Attempts that may end before anything ran until an execution fails as undeliverable.
    pub most_unstarted: u32,
}
