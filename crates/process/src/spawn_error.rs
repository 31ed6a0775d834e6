//! Why a child could not be started.

use std::io;
use std::path::PathBuf;

use crate::guard_loss::GuardLoss;
use crate::sandbox::SandboxLevel;
use crate::step::Step;

/// The child never ran.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// There is no such program.
    #[error("{} does not exist", program.display())]
    NotFound {
        /// What was to be executed.
        program: PathBuf,
    },
    /// The program is a script whose first line names an interpreter that is not there.
    #[error("{} names an interpreter that does not exist: {interpreter}", program.display())]
    InterpreterNotFound {
        /// What was to be executed.
        program: PathBuf,
        /// What its first line names.
        interpreter: String,
    },
    /// The program has no permission to be executed, or a folder above it may not be entered.
    #[error("{} may not be executed: permission denied", program.display())]
    PermissionDenied {
        /// What was to be executed.
        program: PathBuf,
    },
    /// The program is nothing that this kernel can execute (`ENOEXEC`): text without `#!`, another machine's binary.
    #[error("{} is not a program this machine can execute (no #! line, or built for another machine)", program.display())]
    NotExecutable {
        /// What was to be executed.
        program: PathBuf,
    },
    /// The directory to start in is not there or may not be entered.
    #[error("working directory {} cannot be used", directory.display())]
    Directory {
        /// Which directory.
        directory: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Arguments and environment together are longer than the kernel takes.
    #[error("arguments and environment of {} are too long ({bytes} bytes)", program.display())]
    TooLong {
        /// What was to be executed.
        program: PathBuf,
        /// How long they are.
        bytes: usize,
    },
    /// An argument, a variable or a path holds a zero byte, or a variable's name is empty or holds `=`.
    #[error("{what} holds a character that no process can be given")]
    InvalidText {
        /// Which text.
        what: String,
    },
    /// The machine has no process, memory or descriptor to spare. Nothing ran: trying again later is safe.
    #[error("no resources to start {}", program.display())]
    Exhausted {
        /// What was to be executed.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The start was made later than [`Command::start_before`](crate::Command::start_before) allows. Nothing ran.
    #[error("it is too late to start {}", program.display())]
    TooLate {
        /// What was to be executed.
        program: PathBuf,
    },
    /// Somebody has the program open for writing. It can be started as soon as they have closed it.
    #[error("{} is being written to", program.display())]
    Busy {
        /// What was to be executed.
        program: PathBuf,
    },
    /// The sandbox that is required cannot be had here.
    #[error("sandbox level {} is required, but this machine reaches only {}: {why}", *needed as u8, *reached as u8)]
    SandboxUnavailable {
        /// The level that is required.
        needed: SandboxLevel,
        /// The level that could be reached.
        reached: SandboxLevel,
        /// What is missing, in words.
        why: String,
    },
    /// A limit that must hold cannot be enforced here.
    #[error("{limit} cannot be limited: {why}")]
    LimitUnavailable {
        /// Which limit.
        limit: String,
        /// What is missing, in words.
        why: String,
    },
    /// There is no launcher and none can be started.
    #[error("no launcher can be started")]
    NoLauncher {
        /// What the operating system said.
        source: io::Error,
    },
    /// The guard was lost before it could say whether the child was started. If it was, it is dead.
    #[error("the start was not confirmed: {loss}")]
    Unconfirmed {
        /// How the guard was lost.
        loss: GuardLoss,
    },
    /// The last steps before the program could not be done.
    #[error("{} could not be started: {step} failed", program.display())]
    Step {
        /// What was to be executed.
        program: PathBuf,
        /// Which step.
        step: Step,
        /// What the kernel said.
        source: io::Error,
    },
    /// Anything else.
    #[error("{} could not be started", program.display())]
    Other {
        /// What was to be executed.
        program: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl SpawnError {
    /// Whether the machine, not the command, is to blame, so that the same command may work later or elsewhere.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Exhausted { .. } | Self::Busy { .. } | Self::NoLauncher { .. } | Self::Unconfirmed { .. })
    }
}
