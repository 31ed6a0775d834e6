//! Everything that a child may do to hurt, twenty at once: as root and as an ordinary user, shut in and not.
//!
//! Each test runs four times, each time in a process of its own that is alone in a PID namespace
//! ([`attune_testkit::Enclosure`]). Each time it ends with the same assertion: no process (zombies count), no descriptor,
//! no file and no control group is left.
#![allow(missing_docs)]

mod attacks;
mod daemons;
mod forks;
mod input;
mod kills;
mod memory;
mod output;
mod stage;
mod starting;
mod stopping;
mod world;
