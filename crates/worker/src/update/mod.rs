//! An agent that replaces itself by a newer one, when `worker.self_update` says so.
//!
//! Now and then it asks its server which agent that gives out. A newer one is fetched into memory, and becomes a file only
//! when size and SHA-256 are what the server said, when it is signed with the operator's key (`worker.self_update_key`), and
//! is a program for this machine and of the version that was told. Then its own `doctor` is asked whether it can do its
//! work here, with this configuration. Then this agent takes no more work, waits for what runs however long that
//! takes, leaves as on a SIGTERM, and becomes the new program by `execve`: the same process, arguments and variables.
//!
//! | file | holds |
//! |---|---|
//! | `offer` | what the server says about its agent |
//! | `record`, `folder` | what was fetched, and what became of it, on disk |
//! | `decision` | what follows from both; pure |
//! | `public_key` | whose signature counts |
//! | `examination`, `refusal` | whether the bytes of a program may be executed, and why not; pure |
//! | `source` | the server |
//! | `search` | one look at it |
//! | `trial` | whether a program can be the agent here |
//! | `updater` | the rhythm, the change, and the way back |
//! | `execute` | `execve` |
//!
//! **The signature is checked again** whenever the fetched program is about to be executed: after the wait for what runs, and
//! when a container begins again. A folder is no proof of what was put into it.
//!
//! **The way back.** A program that does not register and consume within [`COMES_UP_WITHIN`] executes the one before it. One that
//! dies before that is found as `trying` by whatever starts next, which is the image's own program. Either way that
//! file is refused from then on: only another one is tried again. A container that is started again begins with the
//! program of its image, and goes on to the newer one that it proved good before.

mod decision;
mod examination;
mod execute;
mod folder;
mod offer;
mod public_key;
mod record;
mod refusal;
#[cfg(test)]
mod samples;
mod search;
mod source;
mod trial;
mod updater;

use std::time::Duration;

pub(crate) use execute::execute;
pub(crate) use updater::{Change, Updater};

/// How long a new program may take until it is registered and consumes.
const COMES_UP_WITHIN: Duration = Duration::from_secs(60);
/// The variable in which a new program finds the one before it.
const BEFORE: &str = "ATTUNE_AGENT_BEFORE";
