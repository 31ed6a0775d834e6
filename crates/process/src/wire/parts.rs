//! How the types of this crate travel.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::{Malformed, Reader, Writer};
use crate::how::How;
use crate::identity::ProcessIdentity;
use crate::limits::{By, LimitEntry, LimitName, Limits, LimitsReport, OomEvidence, OomScope};
use crate::sandbox::{FilesystemPolicy, KillWay, Sandbox, SandboxLevel, SandboxReached};
use crate::step::Step;
use crate::survivor::Survivor;
use crate::usage::Usage;

fn write_paths(writer: &mut Writer, paths: &[PathBuf]) {
    writer.list(paths, |writer, path| writer.bytes(path.as_os_str().as_bytes()));
}

fn read_paths(reader: &mut Reader<'_>) -> Result<Vec<PathBuf>, Malformed> {
    reader.list(|reader| Ok(PathBuf::from(OsStr::from_bytes(reader.bytes()?))))
}

pub(super) fn read_level(reader: &mut Reader<'_>) -> Result<SandboxLevel, Malformed> {
    let number = reader.byte()?;
    let known = [SandboxLevel::Base, SandboxLevel::Isolated, SandboxLevel::Filtered];
    known.into_iter().find(|level| *level as u8 == number).ok_or(Malformed)
}

pub(super) fn write_level(writer: &mut Writer, level: SandboxLevel) {
    writer.byte(level as u8);
}

pub(super) fn write_step(writer: &mut Writer, step: Step) {
    writer.byte(step as u8);
}

pub(super) fn read_step(reader: &mut Reader<'_>) -> Result<Step, Malformed> {
    let number = reader.byte()?;
    Step::ALL.into_iter().find(|step| *step as u8 == number).ok_or(Malformed)
}

pub(super) fn write_sandbox(writer: &mut Writer, sandbox: &Sandbox) {
    write_level(writer, sandbox.level);
    write_level(writer, sandbox.require);
    match &sandbox.filesystem {
        FilesystemPolicy::Open => writer.byte(1),
        FilesystemPolicy::Protect { hidden, read_only, own } => {
            writer.byte(2);
            write_paths(writer, hidden);
            write_paths(writer, read_only);
            write_paths(writer, own);
        }
        FilesystemPolicy::Strict { readable, writable } => {
            writer.byte(3);
            write_paths(writer, readable);
            write_paths(writer, writable);
        }
    }
}

pub(super) fn read_sandbox(reader: &mut Reader<'_>) -> Result<Sandbox, Malformed> {
    let (level, require) = (read_level(reader)?, read_level(reader)?);
    let filesystem = match reader.byte()? {
        1 => FilesystemPolicy::Open,
        2 => FilesystemPolicy::Protect {
            hidden: read_paths(reader)?,
            read_only: read_paths(reader)?,
            own: read_paths(reader)?,
        },
        3 => FilesystemPolicy::Strict { readable: read_paths(reader)?, writable: read_paths(reader)? },
        _ => return Err(Malformed),
    };
    Ok(Sandbox { level, require, filesystem })
}

pub(super) fn write_limits(writer: &mut Writer, limits: &Limits) {
    let Limits { memory_bytes, cpu_seconds, processes, open_files, file_bytes } = *limits;
    for limit in [memory_bytes, cpu_seconds, processes, open_files, file_bytes] {
        writer.optional(limit, Writer::long);
    }
}

pub(super) fn read_limits(reader: &mut Reader<'_>) -> Result<Limits, Malformed> {
    Ok(Limits {
        memory_bytes: reader.optional(Reader::long)?,
        cpu_seconds: reader.optional(Reader::long)?,
        processes: reader.optional(Reader::long)?,
        open_files: reader.optional(Reader::long)?,
        file_bytes: reader.optional(Reader::long)?,
    })
}

pub(super) fn write_report(writer: &mut Writer, report: &LimitsReport) {
    writer.list(&report.entries, |writer, entry| {
        let place = LimitName::ALL.iter().position(|name| *name == entry.name).unwrap_or(0);
        writer.byte(u8::try_from(place).unwrap_or(0));
        writer.long(entry.asked);
        match &entry.enforced {
            By::Cgroup => writer.byte(1),
            By::Rlimit => writer.byte(2),
            By::Nothing(why) => {
                writer.byte(3);
                writer.bytes(why.as_bytes());
            }
        }
    });
}

pub(super) fn read_report(reader: &mut Reader<'_>) -> Result<LimitsReport, Malformed> {
    let entries = reader.list(|reader| {
        let name = LimitName::ALL.into_iter().nth(usize::from(reader.byte()?)).ok_or(Malformed)?;
        let asked = reader.long()?;
        let enforced = match reader.byte()? {
            1 => By::Cgroup,
            2 => By::Rlimit,
            3 => By::Nothing(reader.words()?),
            _ => return Err(Malformed),
        };
        Ok(LimitEntry { name, asked, enforced })
    })?;
    Ok(LimitsReport { entries })
}

pub(super) fn write_reached(writer: &mut Writer, reached: &SandboxReached) {
    write_level(writer, reached.level);
    writer.byte(reached.kill_way as u8);
    writer.list(&reached.missing, |writer, why| writer.bytes(why.as_bytes()));
}

pub(super) fn read_reached(reader: &mut Reader<'_>) -> Result<SandboxReached, Malformed> {
    let level = read_level(reader)?;
    let number = reader.byte()?;
    let known = [KillWay::Cgroup, KillWay::Scope, KillWay::Scan];
    let kill_way = known.into_iter().find(|way| *way as u8 == number).ok_or(Malformed)?;
    Ok(SandboxReached { level, kill_way, missing: reader.list(Reader::words)? })
}

pub(super) fn write_oom(writer: &mut Writer, evidence: &OomEvidence) {
    writer.optional(evidence.limit_bytes, Writer::long);
    writer.optional(evidence.peak_bytes, Writer::long);
    writer.byte(evidence.scope as u8);
}

pub(super) fn read_oom(reader: &mut Reader<'_>) -> Result<OomEvidence, Malformed> {
    let (limit_bytes, peak_bytes) = (reader.optional(Reader::long)?, reader.optional(Reader::long)?);
    let number = reader.byte()?;
    let known = [OomScope::Execution, OomScope::Surroundings];
    let scope = known.into_iter().find(|scope| *scope as u8 == number).ok_or(Malformed)?;
    Ok(OomEvidence { limit_bytes, peak_bytes, scope })
}

/// How the root ended. That its guard was lost is not for a guard to say.
pub(super) fn write_how(writer: &mut Writer, how: How) {
    let (kind, number) = match how {
        How::Exited(code) => (1, code),
        How::Signaled(signal) => (2, signal),
        How::Unknown | How::GuardLost(_) => (3, 0),
    };
    writer.byte(kind);
    writer.signed(number);
}

pub(super) fn read_how(reader: &mut Reader<'_>) -> Result<How, Malformed> {
    match (reader.byte()?, reader.signed()?) {
        (1, code) => Ok(How::Exited(code)),
        (2, signal) => Ok(How::Signaled(signal)),
        (3, 0) => Ok(How::Unknown),
        _ => Err(Malformed),
    }
}

pub(super) fn write_usage(writer: &mut Writer, usage: &Usage) {
    writer.duration(usage.wall);
    writer.duration(usage.user);
    writer.duration(usage.system);
    writer.optional(usage.peak_rss_bytes, Writer::long);
    writer.optional(usage.peak_tree_bytes, Writer::long);
}

pub(super) fn read_usage(reader: &mut Reader<'_>) -> Result<Usage, Malformed> {
    Ok(Usage {
        wall: reader.duration()?,
        user: reader.duration()?,
        system: reader.duration()?,
        peak_rss_bytes: reader.optional(Reader::long)?,
        peak_tree_bytes: reader.optional(Reader::long)?,
    })
}

pub(super) fn write_survivor(writer: &mut Writer, survivor: &Survivor) {
    writer.signed(survivor.identity.pid);
    writer.long(survivor.identity.start_time);
    writer.bytes(survivor.name.as_bytes());
}

pub(super) fn read_survivor(reader: &mut Reader<'_>) -> Result<Survivor, Malformed> {
    let identity = ProcessIdentity { pid: reader.signed()?, start_time: reader.long()? };
    Ok(Survivor { identity, name: reader.words()? })
}
