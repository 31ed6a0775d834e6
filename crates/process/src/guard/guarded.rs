//! The tree of one execution, and what is known of it so far.

use std::os::fd::OwnedFd;
use std::time::Duration;

use crate::how::How;
use crate::limits::PreparedLimits;
use crate::sandbox::KillWay;
use crate::survivor::Survivor;
use crate::system::{self, Reaped};
use crate::usage::Usage;
use crate::wire::{EndedMessage, StoppedBy};

/// The tree of one execution, and what is known of it so far.
#[derive(Debug)]
pub(super) struct Guarded {
    pub(super) run: u64,
    pub(super) root: i32,
    pub(super) kill_way: KillWay,
    pub(super) limits: PreparedLimits,
    /// This side of the action's descriptor 3, until it is first used.
    pub(super) calls: Option<OwnedFd>,
    pub(super) survivors: Vec<Survivor>,
    pub(super) was_killed: bool,
    begun: Duration,
    ended: Option<(How, Duration)>,
    user: Duration,
    system: Duration,
    peak_rss_bytes: u64,
}

impl Guarded {
    pub(super) const fn new(
        run: u64,
        root: i32,
        kill_way: KillWay,
        limits: PreparedLimits,
        calls: Option<OwnedFd>,
        begun: Duration,
    ) -> Self {
        Self {
            run,
            root,
            kill_way,
            limits,
            calls,
            survivors: Vec::new(),
            was_killed: false,
            begun,
            ended: None,
            user: Duration::ZERO,
            system: Duration::ZERO,
            peak_rss_bytes: 0,
        }
    }

    pub(super) const fn has_root_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Takes note of one of its processes that was reaped at `now`. What a process used contains what those used that it
    /// had waited for itself, so nothing is counted twice.
    pub(super) fn note(&mut self, reaped: &Reaped, now: Duration) {
        self.user += reaped.user;
        self.system += reaped.system;
        self.peak_rss_bytes = self.peak_rss_bytes.max(reaped.peak_rss_bytes);
        if reaped.pid == self.root && self.ended.is_none() {
            self.ended = Some((reaped.how, now.saturating_sub(self.begun)));
        }
    }

    /// Everything about its end. Reads and removes its control groups.
    pub(super) fn finish(self, stopped: Option<StoppedBy>, is_incomplete: bool, now: Duration) -> EndedMessage {
        let accounting = self.limits.finish();
        let (how, wall) = self.ended.unwrap_or((How::Unknown, now.saturating_sub(self.begun)));
        // The kernel carries the peak of the process that started it over into each new one.
        let peak_rss_bytes = Some(self.peak_rss_bytes).filter(|peak| *peak > system::own_peak_rss());
        let usage = Usage {
            wall,
            user: self.user,
            system: self.system,
            peak_rss_bytes,
            peak_tree_bytes: accounting.peak_memory_bytes,
        };
        let Self { run, survivors, .. } = self;
        EndedMessage { run, how, stopped, usage, survivors, oom: accounting.oom_killed, is_incomplete }
    }
}
