//! How a link treats what passes.

use std::time::Duration;

/// One end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Whoever connects.
    Client,
    /// Whom it is forwarded to.
    Server,
}

/// What happens to new connections.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Accept {
    /// They are forwarded.
    #[default]
    Forward,
    /// They are reset at once, as if nobody listened.
    Refuse,
    /// They are taken and nothing ever happens on them.
    Swallow,
}

/// Whether the bytes of one direction move.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flow {
    /// They do.
    #[default]
    Pass,
    /// They wait; when this ends they arrive, in order.
    Stall,
    /// They are lost; when this ends, connections that lost some are reset.
    Vanish,
}

/// How one direction is treated.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Course {
    /// Whether it moves at all.
    pub flow: Flow,
    /// How much later each piece arrives.
    pub delay: Duration,
    /// Bytes per second at most.
    pub rate: Option<u64>,
    /// Bytes that are written at once at most: what was sent in one piece arrives in many.
    pub slice: Option<usize>,
}

/// How a whole link treats what passes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conduct {
    /// New connections.
    pub accept: Accept,
    /// From the client to the server.
    pub to_server: Course,
    /// From the server to the client.
    pub to_client: Course,
}

impl Conduct {
    /// Nothing moves in either direction, and new connections hang: a cut cable.
    #[must_use]
    pub fn cut() -> Self {
        let stalled = Course { flow: Flow::Stall, ..Course::default() };
        Self { accept: Accept::Swallow, to_server: stalled, to_client: stalled }
    }

    /// Everything is lost and new connections hang.
    #[must_use]
    pub fn black_hole() -> Self {
        let lost = Course { flow: Flow::Vanish, ..Course::default() };
        Self { accept: Accept::Swallow, to_server: lost, to_client: lost }
    }

    /// Only what goes towards `side` is cut.
    #[must_use]
    pub fn one_way_cut(side: Side) -> Self {
        let stalled = Course { flow: Flow::Stall, ..Course::default() };
        match side {
            Side::Client => Self { to_client: stalled, ..Self::default() },
            Side::Server => Self { to_server: stalled, ..Self::default() },
        }
    }

    /// New connections are reset; open ones live.
    #[must_use]
    pub fn refuse() -> Self {
        Self { accept: Accept::Refuse, ..Self::default() }
    }

    /// Both directions are late by `delay`.
    #[must_use]
    pub fn late(delay: Duration) -> Self {
        let late = Course { delay, ..Course::default() };
        Self { to_server: late, to_client: late, ..Self::default() }
    }

    /// Both directions carry at most `rate` bytes per second.
    #[must_use]
    pub fn narrow(rate: u64) -> Self {
        let narrow = Course { rate: Some(rate), ..Course::default() };
        Self { to_server: narrow, to_client: narrow, ..Self::default() }
    }

    /// Both directions arrive in pieces of at most `bytes`.
    #[must_use]
    pub fn sliced(bytes: usize) -> Self {
        let sliced = Course { slice: Some(bytes), ..Course::default() };
        Self { to_server: sliced, to_client: sliced, ..Self::default() }
    }

    /// The course of what goes towards `side`.
    #[must_use]
    pub fn towards(&self, side: Side) -> Course {
        match side {
            Side::Client => self.to_client,
            Side::Server => self.to_server,
        }
    }
}
