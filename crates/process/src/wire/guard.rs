//! Between worker and guard.

use super::{LONGEST, Malformed, Reader, RunSpec, Writer, parts};
use crate::how::How;
use crate::limits::{LimitsReport, OomEvidence};
use crate::sandbox::{SandboxLevel, SandboxReached};
use crate::step::Step;
use crate::survivor::Survivor;
use crate::usage::Usage;

/// What a worker says to a guard. Every message names the run it is about: one that comes late, when the guard has gone
/// on to the next, is about nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToGuard<'a> {
    /// Start this. Standard input, output and error come with it.
    Run { run: u64, spec: Box<RunSpec<'a>> },
    /// Start what the message in the fourth descriptor says: it was too long to be sent.
    RunInFile,
    /// Ask the tree to stop.
    Stop { run: u64 },
    /// Kill the tree.
    Kill { run: u64 },
    /// Enough was read of the output of a root that has ended: kill what is left of its tree.
    Finish { run: u64 },
}

/// Kinds of [`ToGuard`].
const RUN: u8 = 1;
const RUN_IN_FILE: u8 = 2;
const STOP: u8 = 3;
const KILL: u8 = 4;
const FINISH: u8 = 5;

impl<'a> ToGuard<'a> {
    /// Begins a request to run; [`write_run`](super::write_run) and the descriptors complete it.
    pub(crate) fn begin_run(run: u64) -> Writer {
        let mut writer = Writer::new(RUN);
        writer.long(run);
        writer
    }

    /// The message that goes in the place of one that is too long.
    pub(crate) fn run_in_file() -> Vec<u8> {
        Writer::new(RUN_IN_FILE).finish()
    }

    fn about(kind: u8, run: u64) -> Vec<u8> {
        let mut writer = Writer::new(kind);
        writer.long(run);
        writer.finish()
    }

    pub(crate) fn stop(run: u64) -> Vec<u8> {
        Self::about(STOP, run)
    }

    pub(crate) fn kill(run: u64) -> Vec<u8> {
        Self::about(KILL, run)
    }

    pub(crate) fn finish(run: u64) -> Vec<u8> {
        Self::about(FINISH, run)
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (kind, mut reader) = Reader::new(bytes)?;
        let message = match kind {
            RUN => Self::Run { run: reader.long()?, spec: Box::new(RunSpec::read(&mut reader)?) },
            RUN_IN_FILE => Self::RunInFile,
            STOP => Self::Stop { run: reader.long()? },
            KILL => Self::Kill { run: reader.long()? },
            FINISH => Self::Finish { run: reader.long()? },
            _ => return Err(Malformed),
        };
        reader.finish().map(|()| message)
    }
}

/// Why a guard started nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// This step failed with this error of the kernel's.
    Failed { step: Step, errno: i32 },
    /// The sandbox would be weaker than is required.
    Sandbox { needed: SandboxLevel, reached: SandboxLevel, why: String },
    /// Nothing would hold this limit.
    Limit { limit: String, why: String },
    /// It came later than it may be started.
    TooLate,
}

/// Who stopped a tree before its root ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum StoppedBy {
    /// Its timeout.
    Timeout = 1,
    /// Its worker, which knows why.
    Worker = 2,
    /// The fence.
    Fence = 3,
}

/// The action runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StartedMessage {
    pub(crate) run: u64,
    pub(crate) pid: i32,
    pub(crate) sandbox: SandboxReached,
    pub(crate) limits: LimitsReport,
}

/// The tree is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EndedMessage {
    pub(crate) run: u64,
    pub(crate) how: How,
    pub(crate) stopped: Option<StoppedBy>,
    pub(crate) usage: Usage,
    /// The first of those that outlived the root and were killed.
    pub(crate) survivors: Vec<Survivor>,
    pub(crate) oom: Option<OomEvidence>,
    /// Whether something could not be killed. The guard leaves it to the launcher and ends.
    pub(crate) is_incomplete: bool,
}

/// What a guard says to its worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FromGuard {
    /// It is ready for its first run.
    Ready { is_scoped: bool },
    /// The action runs.
    Started(StartedMessage),
    /// Nothing was started.
    Refused { run: u64, why: Refusal },
    /// The root has ended, but others of its tree have not.
    RootEnded { run: u64 },
    /// The tree is being killed.
    Killing { run: u64 },
    /// The action uses its helper socket; the other end of it comes with this.
    Calls { run: u64 },
    /// The tree is gone.
    Ended(EndedMessage),
}

impl FromGuard {
    /// The message. It always fits: the texts in it are the guard's own, and cut where somebody else's.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut writer;
        match self {
            Self::Ready { is_scoped } => {
                writer = Writer::new(1);
                writer.flag(*is_scoped);
            }
            Self::Started(StartedMessage { run, pid, sandbox, limits }) => {
                writer = Writer::new(2);
                writer.long(*run);
                writer.signed(*pid);
                parts::write_reached(&mut writer, sandbox);
                parts::write_report(&mut writer, limits);
            }
            Self::Refused { run, why } => {
                writer = Writer::new(3);
                writer.long(*run);
                write_refusal(&mut writer, why);
            }
            Self::RootEnded { run } => {
                writer = Writer::new(4);
                writer.long(*run);
            }
            Self::Killing { run } => {
                writer = Writer::new(5);
                writer.long(*run);
            }
            Self::Calls { run } => {
                writer = Writer::new(6);
                writer.long(*run);
            }
            Self::Ended(ended) => {
                writer = Writer::new(7);
                write_ended(&mut writer, ended);
            }
        }
        let message = writer.finish();
        debug_assert!(message.len() <= LONGEST, "a guard says little");
        message
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (kind, mut reader) = Reader::new(bytes)?;
        let message = match kind {
            1 => Self::Ready { is_scoped: reader.flag()? },
            2 => Self::Started(StartedMessage {
                run: reader.long()?,
                pid: reader.signed()?,
                sandbox: parts::read_reached(&mut reader)?,
                limits: parts::read_report(&mut reader)?,
            }),
            3 => Self::Refused { run: reader.long()?, why: read_refusal(&mut reader)? },
            4 => Self::RootEnded { run: reader.long()? },
            5 => Self::Killing { run: reader.long()? },
            6 => Self::Calls { run: reader.long()? },
            7 => Self::Ended(read_ended(&mut reader)?),
            _ => return Err(Malformed),
        };
        reader.finish().map(|()| message)
    }
}

fn write_refusal(writer: &mut Writer, why: &Refusal) {
    match why {
        Refusal::Failed { step, errno } => {
            writer.byte(1);
            parts::write_step(writer, *step);
            writer.signed(*errno);
        }
        Refusal::Sandbox { needed, reached, why } => {
            writer.byte(2);
            parts::write_level(writer, *needed);
            parts::write_level(writer, *reached);
            writer.bytes(why.as_bytes());
        }
        Refusal::Limit { limit, why } => {
            writer.byte(3);
            writer.bytes(limit.as_bytes());
            writer.bytes(why.as_bytes());
        }
        Refusal::TooLate => writer.byte(4),
    }
}

fn read_refusal(reader: &mut Reader<'_>) -> Result<Refusal, Malformed> {
    match reader.byte()? {
        1 => Ok(Refusal::Failed { step: parts::read_step(reader)?, errno: reader.signed()? }),
        2 => Ok(Refusal::Sandbox {
            needed: parts::read_level(reader)?,
            reached: parts::read_level(reader)?,
            why: reader.words()?,
        }),
        3 => Ok(Refusal::Limit { limit: reader.words()?, why: reader.words()? }),
        4 => Ok(Refusal::TooLate),
        _ => Err(Malformed),
    }
}

fn write_ended(writer: &mut Writer, ended: &EndedMessage) {
    writer.long(ended.run);
    parts::write_how(writer, ended.how);
    writer.byte(ended.stopped.map_or(0, |stopped| stopped as u8));
    parts::write_usage(writer, &ended.usage);
    writer.list(&ended.survivors, parts::write_survivor);
    writer.optional(ended.oom.as_ref(), parts::write_oom);
    writer.flag(ended.is_incomplete);
}

fn read_ended(reader: &mut Reader<'_>) -> Result<EndedMessage, Malformed> {
    Ok(EndedMessage {
        run: reader.long()?,
        how: parts::read_how(reader)?,
        stopped: match reader.byte()? {
            0 => None,
            1 => Some(StoppedBy::Timeout),
            2 => Some(StoppedBy::Worker),
            3 => Some(StoppedBy::Fence),
            _ => return Err(Malformed),
        },
        usage: parts::read_usage(reader)?,
        survivors: reader.list(parts::read_survivor)?,
        oom: reader.optional(parts::read_oom)?,
        is_incomplete: reader.flag()?,
    })
}
