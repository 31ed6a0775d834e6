//! Every call into the C library, and every `unsafe` block of this crate outside of sandbox and limits.
//!
//! Each function is the thinnest safe face of one system call: no policy, no retries beyond `EINTR`.
//! Rejected: a wrapper crate such as `nix`: it would hide which calls are made between clone and exec, where only some
//! may be, and has no face for half of those that are needed here.

mod birth;
mod clocks;
mod descriptors;
mod facts;
mod memory;
mod messages;
mod processes;
mod program;
mod signals;
mod watched;

use std::ffi::c_int;
use std::io;

pub(crate) use birth::{Birth, FIRST_PARKED, Failed, Pointers, give_birth};
pub(crate) use clocks::{clock, set_timer, timer};
pub(crate) use descriptors::{
    await_all, duplicate_from, inherited, memory_file, nothing, occupy_below, pipe, read, set_nonblocking, shut_down,
    socket_pair, unread, wait_readable, widen,
};
pub(crate) use facts::{free_bytes, may_write, most_open_files};
pub(crate) use memory::{SharedPair, Stack};
pub(crate) use messages::{receive, send};
pub(crate) use processes::{
    Reaped, Waited, become_subreaper, become_unreadable, begin_session, forbid_cores, fork, group_of, leave, may_enter,
    own_peak_rss, own_session, pidfd_open, pidfd_signal, reap, set_name, signal_all, signal_child, signal_group,
    wait_any,
};
pub(crate) use program::{own_program, start_program};
pub(crate) use signals::{block_all, child_signals, drain, reset_dispositions};
pub(crate) use watched::{Watched, watch};

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
