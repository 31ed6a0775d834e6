//! A TCP link that misbehaves on order.
//!
//! A [`Link`] listens on a free port of 127.0.0.1 and forwards every connection to one server. How it treats what passes is
//! a [`Conduct`], which may be changed at any moment and holds for connections that are open already: each direction may
//! pass, stall (a cut cable: nothing moves and nobody is told), or vanish (a black hole), and be slow in three ways. What
//! happens at one moment (a reset, a forgotten connection) is an order: [`Link::reset`], [`Link::forget`].
//!
//! TCP never loses bytes in the middle of a stream, so a direction that vanished cannot simply pass again: connections
//! that lost bytes are reset when it heals, as a real peer would do.

mod conduct;
mod connection;
mod link;

pub use conduct::{Accept, Conduct, Course, Flow, Side};
pub use link::Link;
