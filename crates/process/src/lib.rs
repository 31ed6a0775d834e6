//! Runs children well: start, feed, capture, limit, shut in, terminate, and leave nothing behind. Knows nothing of actors,
//! stores or brokers, and can be used without them.
//!
//! # Theory of operation
//!
//! A [`Launcher`] starts children, and never from this process. There are three kinds of process between the two:
//!
//! ```text
//!  this process ──── launcher ──── guard ──── child and whatever it starts
//!     │  (tokio)     (1 thread)  (1 thread, one run at a time, then the next)
//!     └─────────── a socket to each guard ────┘
//! ```
//!
//! The **launcher** is this program, or another, started again in another role before it does anything else
//! ([`serve_as_launcher_if_asked`]). It is small, so forking it is cheap, and makes **guards** as they are needed. A guard
//! starts one child at a time by `clone(CLONE_VM | CLONE_VFORK)`, which copies nothing, and is the *subreaper* of everything
//! below: whoever loses its parent there becomes the guard's own child. So when `wait` says that it has no child left, there
//! is nothing alive of what it started, however often that forked, changed its session or cleaned its environment. That,
//! and not a look at `/proc`, is what [`Child::wait`] returns on; and then the guard serves the next run.
//!
//! This process makes the pipes and reads and writes them itself. [`Child::wait`] is one future, with no task or thread per
//! child. Deadlines and grace are the guard's, on a clock that counts suspend; so they hold when this process is stopped.
//!
//! # Guarantees
//!
//! * **No deadlock.** Input is written while output is read; a child that never reads, or closes its input, is no error.
//! * **Bounded memory.** Output leaves as [`Chunk`]s of at most 64 KiB through the caller's bounded channel. Each stream
//!   holds one read buffer and the tail it may need, below 256 KiB. A slow receiver slows the child down.
//! * **Exact output.** Bytes are kept as they were written, with their offsets. Of a stream longer than its
//!   [`OutputLimits`], head and tail are kept, and the [`Gap`] is known to the byte.
//! * **It ends.** Two seconds after the child's own end at the latest, whoever still holds its output. Stopping is
//!   `SIGTERM` to the whole tree, the grace, then `SIGKILL`.
//! * **Nothing stays.** See above. Killing is repeated until nothing is left, by the best way there is ([`KillWay`]).
//! * **Nobody else is hit.** What is signalled is a child that is not reaped, or is held by its pidfd.
//! * **Nothing comes along.** A child gets its three streams (and one socket, if asked), exactly the environment it was
//!   given, no blocked or ignored signal, no core files, `umask 077`, no way to new privileges, and dies for memory before
//!   this process does. More by [`Sandbox`] and [`Limits`]; what was reached is part of [`Ended`].
//!
//! # What happens when
//!
//! | this is killed (`kill -9`, out of memory) | then |
//! |---|---|
//! | this process | guards see the end of their sockets, kill their trees and leave; the launcher sees to those that cannot |
//! | a guard | its orphans become children of the launcher, which kills them; [`Child::wait`] says [`How::GuardLost`] |
//! | the launcher | guards kill their trees and leave; children end as [`How::GuardLost`]; the next start makes a new one |
//!
//! | this is stopped (`SIGSTOP`, or hangs) | then |
//! |---|---|
//! | this process | timeouts hold; everything dies at the [`Fence`], if one was put up |
//! | a guard | it is killed when it owes an answer for a second, and the above follows |
//! | the launcher | what runs goes on, guards that wait serve on; when a new one takes 5 s, the launcher is replaced |
//!
//! Time is asked of [`clock`] alone, here and in every crate above.
//!
//! ```no_run
//! use attune_process::{Command, How, Launcher, LauncherProgram};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     attune_process::serve_as_launcher_if_asked();
//!     let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
//!     runtime.block_on(async {
//!         let launcher = Launcher::start(LauncherProgram::Own)?;
//!         let mut command = Command::new("/bin/sh").arguments(["-c", "tr a-z A-Z; exit 3"]);
//!         command.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
//!         command.input = b"hello".to_vec();
//!         let collected = launcher.run_to_end(command).await?;
//!         assert_eq!(collected.stdout, b"HELLO");
//!         assert_eq!(collected.ended.how, How::Exited(3));
//!         Ok(())
//!     })
//! }
//! ```
//!
//! That runs as `examples/run_one.rs`; `limits.rs` and `many.rs` show limits and speed. Programs whose `main` is not their
//! own (tests) start the program `attune-launcher` of this crate instead ([`LauncherProgram::At`]).

pub mod clock;
pub mod facts;
pub mod init;
pub mod limits;
pub mod sandbox;

mod alarm;
mod calls;
mod child;
mod chunk;
mod collected;
mod command;
mod ended;
mod explain;
mod feed;
mod gap;
mod guard;
mod guard_kind;
mod guard_loss;
mod how;
mod identity;
mod launcher;
#[cfg(attune_mutants)]
mod mutant;
mod nursery;
mod output_limits;
mod process_table;
pub mod protocol;
mod pump;
mod request;
mod shared;
mod spawn_error;
mod step;
mod stop_reason;
mod stopper;
mod stream;
mod survivor;
mod sweep;
mod system;
mod texts;
mod usage;
mod vigil;
mod window;
mod wire;

pub use calls::Calls;
pub use child::Child;
pub use chunk::Chunk;
pub use collected::Collected;
pub use command::Command;
pub use ended::Ended;
pub use gap::Gap;
pub use guard_loss::GuardLoss;
pub use how::How;
pub use identity::ProcessIdentity;
pub use launcher::{Fence, Launcher, LauncherProgram};
pub use limits::{Accounting, By, LimitEntry, LimitName, Limits, LimitsReport, OomEvidence, OomScope};
pub use nursery::serve_as_launcher_if_asked;
pub use output_limits::OutputLimits;
pub use sandbox::{FilesystemPolicy, KillWay, Sandbox, SandboxLevel, SandboxReached};
pub use spawn_error::SpawnError;
pub use step::Step;
pub use stop_reason::StopReason;
pub use stopper::Stopper;
pub use stream::Stream;
pub use survivor::Survivor;
pub use sweep::{Remnants, sweep};
pub use usage::Usage;
