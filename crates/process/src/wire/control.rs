//! Between worker and launcher.

use super::{Malformed, Reader, Writer};
use crate::guard_kind::GuardKind;

/// What a worker says to its launcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ToLauncher {
    /// Make a guard. `request` comes back with the answer.
    NewGuard { request: u64, kind: GuardKind },
    /// This guard does not answer: kill it and what it guards.
    EndGuard { guard: u64 },
}

/// What a launcher says to its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FromLauncher {
    /// Here is a guard; the socket to talk to it comes with this.
    Guard { request: u64, guard: u64, pid: i32 },
    /// There can be no guard now, for this reason of the kernel's.
    NoGuard { request: u64, errno: i32 },
    /// A guard has ended, and nothing of what it guarded is alive. `left` counts what could not be killed all the same.
    GuardGone { guard: u64, signal: i32, code: i32, left: u32 },
}

impl ToLauncher {
    pub(crate) fn write(self) -> Vec<u8> {
        let mut writer;
        match self {
            Self::NewGuard { request, kind } => {
                writer = Writer::new(1);
                writer.long(request);
                writer.byte(kind.number());
            }
            Self::EndGuard { guard } => {
                writer = Writer::new(2);
                writer.long(guard);
            }
        }
        writer.finish()
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (kind, mut reader) = Reader::new(bytes)?;
        let message = match kind {
            1 => {
                let request = reader.long()?;
                Self::NewGuard { request, kind: GuardKind::from_number(reader.byte()?).ok_or(Malformed)? }
            }
            2 => Self::EndGuard { guard: reader.long()? },
            _ => return Err(Malformed),
        };
        reader.finish().map(|()| message)
    }
}

impl FromLauncher {
    pub(crate) fn write(self) -> Vec<u8> {
        let mut writer;
        match self {
            Self::Guard { request, guard, pid } => {
                writer = Writer::new(1);
                writer.long(request);
                writer.long(guard);
                writer.signed(pid);
            }
            Self::NoGuard { request, errno } => {
                writer = Writer::new(2);
                writer.long(request);
                writer.signed(errno);
            }
            Self::GuardGone { guard, signal, code, left } => {
                writer = Writer::new(3);
                writer.long(guard);
                writer.signed(signal);
                writer.signed(code);
                writer.short(left);
            }
        }
        writer.finish()
    }

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Malformed> {
        let (kind, mut reader) = Reader::new(bytes)?;
        let message = match kind {
            1 => Self::Guard { request: reader.long()?, guard: reader.long()?, pid: reader.signed()? },
            2 => Self::NoGuard { request: reader.long()?, errno: reader.signed()? },
            3 => Self::GuardGone {
                guard: reader.long()?,
                signal: reader.signed()?,
                code: reader.signed()?,
                left: reader.short()?,
            },
            _ => return Err(Malformed),
        };
        reader.finish().map(|()| message)
    }
}
