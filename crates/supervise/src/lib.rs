//! Supervision in the manner of OTP for actix actors.
//!
//! # Theory of operation
//!
//! actix 0.13 restarts an actor that *stopped*; an actor that *panicked* is gone, with its mailbox and every message in it. So this crate runs
//! each child itself: a child is one future that owns actix's `ContextFut`, polls it, catches its panics one frame above it, and can
//! therefore begin another life on the same context. The address, and every message queued behind the one that failed, survive.
//!
//! A tree has three parts. The **children** know nothing of each other's fate: a child's task reports every end and obeys orders, also while
//! its actor hangs. The **brain** is one task of the runtime that asks the pure function [`decide()`] what follows from an end, and gives the
//! orders: another life after a backoff, siblings down and up by [`Strategy`], everything down. The [`Supervisor`] actor is the tree's face:
//! [`Status`], [`Probe`], [`Shutdown`], [`Abort`], and [`Crash`] for tests. A **watchdog** probes every child; the task, the brain and the watchdog
//! are on different threads, so that a blocked arbiter is found by somebody who is not blocked.
//!
//! A tree that cannot be kept alive stops what still answers and says so through [`Ending`]; a process then exits with code 70.
//!
//! # The contract of a child
//!
//! An actor is **deps** (handles that cannot be left half done: addresses, pools, [`Life`]) and **state**. `Supervised::restarting` replaces
//! the whole state and starts nothing: it runs when a life ends, the next life begins with `started`, after the backoff. A crash loses
//! exactly the message in hand and the answers in flight, so no obligation may live only in a message.
//!
//! # Guarantees
//!
//! * State that saw a panic is not used again, and its hooks are not run on it.
//! * The same address answers after a restart; messages queued behind a crash are handled by the next life, in order.
//! * Children start in the order of declaration and stop in reverse. Everything a stopped child owned is dropped before the next is stopped.
//! * Between two lives the task always yields: there is no policy that makes a hot loop.
//! * Every end is one log line with the decision; every panic is one log line with its place ([`install_panic_hook`]).
//! * When the last address of the [`Supervisor`] is dropped, nothing of the tree is left running.
//!
//! # Limits
//!
//! A thread blocked inside a handler cannot be interrupted: the tree gives up. A destructor that panics while a panic unwinds aborts the
//! process, whatever anybody does. `docs/supervision.md` has the whole table.

mod arbiters;
mod backoff;
mod body;
mod brain;
mod caught;
mod child_cell;
mod child_handle;
mod child_spec;
mod child_task;
mod children;
mod crash;
mod current_child;
mod decide;
mod drain;
mod ending;
mod event;
mod exit;
mod generation;
mod give_up;
mod history;
mod how;
mod jitter;
mod last_resort;
mod life;
mod order;
mod panic_hook;
mod placement;
mod policy;
mod probe;
mod report;
mod restart;
mod shutdown;
mod status;
mod stop;
mod strategy;
mod supervisor;
mod tree_builder;
mod verdict;
mod watchdog;

pub use backoff::Backoff;
pub use child_spec::ChildSpec;
pub use children::{Child, ChildExit, Children};
pub use crash::{Crash, CrashError};
pub use decide::decide;
pub use drain::Drain;
pub use ending::{Ending, TreeEnd};
pub use exit::Exit;
pub use generation::Generation;
pub use give_up::GiveUp;
pub use history::History;
pub use how::How;
pub use last_resort::leave_within;
pub use life::Life;
pub use panic_hook::install_panic_hook;
pub use placement::Placement;
pub use policy::Policy;
pub use probe::{Health, Probe};
pub use restart::Restart;
pub use shutdown::{Abort, Manner, Shutdown, ShutdownReport, StoppedChild};
pub use status::{ChildState, ChildStatus, GroupStatus, Status, TreeStatus};
pub use stop::Stop;
pub use strategy::Strategy;
pub use supervisor::Supervisor;
pub use tree_builder::TreeBuilder;
pub use verdict::Verdict;
