//! Runs one child process well: spawn, feed, capture, limit, terminate, reap. Knows nothing of actors, stores or brokers.
//!
//! # Theory of operation
//!
//! [`spawn`] starts a [`Command`] with `posix_spawn`, never with fork: forking copies the page tables of this process,
//! which costs 20 ms once it holds 200 MB. The child leads a session and a process group of its own, with no signal
//! blocked or ignored, no descriptor but its three streams, and exactly the environment it was given.
//!
//! [`Child::wait`] is one future, with no task or thread per child. It watches four things at once: the child's pidfd,
//! its output, its input, and what [`Stopper`]s and the deadline want. Whether to terminate or to kill is decided by a
//! pure state machine; the future only acts.
//!
//! What it guarantees:
//!
//! * **No deadlock.** Input is written while output is read; a child that never reads, or closes its input, is no error.
//! * **Bounded memory.** Output leaves as [`Chunk`]s of at most 64 KiB through the caller's bounded channel. Each stream
//!   holds one read buffer and the tail it may need, below 256 KiB. A slow receiver slows the child down.
//! * **Exact output.** Bytes are kept as they were written, with their offsets. Of a stream longer than its
//!   [`OutputLimits`], head and tail are kept, and the [`Gap`] is known to the byte.
//! * **It ends.** Two seconds after the child's own end at the latest, whoever still holds its output. A timeout counts
//!   suspended time. Stopping is `SIGTERM`, the grace, then `SIGKILL`.
//! * **Nothing stays.** What the child left in its process group is killed at the end. Where there is a sign that more
//!   is left, all processes are searched for its session (and its [`Command::marker`]) until two searches find nothing.
//!   A [`Child`] that is dropped kills its tree. How far this reaches is stated by [`GuardLevel`].
//! * **Nobody else is hit.** A process is signalled through its pidfd, or by its number while that is certainly taken:
//!   before it is reaped. `waitpid(-1)` is never called, so other users of child processes are not disturbed.
//!
//! Time is asked of [`clock`] alone, here and in every other crate.
//!
//! ```
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! use attune_process::{Command, How, run_to_end};
//!
//! let mut command = Command::new("/bin/sh").arguments(["-c", "tr a-z A-Z; exit 3"]);
//! command.environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
//! command.input = b"hello".to_vec();
//! let collected = run_to_end(command).await?;
//! assert_eq!(collected.stdout, b"HELLO");
//! assert_eq!(collected.ended.how, How::Exited(3));
//! # Ok::<(), attune_process::SpawnError>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

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
mod guard_loss;
mod how;
mod identity;
mod launcher;
mod nursery;
mod output_limits;
mod process_table;
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
