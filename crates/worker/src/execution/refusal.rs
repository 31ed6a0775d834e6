//! Why a child could not be started, in words that say what to do.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use attune_process::SpawnError;
use attune_types::Outcome;
use rustix::fs::{StatVfsMountFlags, statvfs};

/// The pauses before a start is tried again that failed for want of something. Together less than two seconds: an
/// attempt whose start was allowed must not hang.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(400),
    Duration::from_millis(800),
];

/// How often a start was tried again.
#[derive(Debug, Default)]
pub(crate) struct Patience(usize);

impl Patience {
    /// How long to wait before the next try; `None` when there is no point in one. Only what provably never ran is tried
    /// again.
    pub(crate) fn after(&mut self, error: &SpawnError) -> Option<Duration> {
        // What is too late does not become less so.
        let is_worth_it = is_starved(error) && !matches!(error, SpawnError::TooLate { .. });
        let pause = PAUSES.get(self.0).filter(|_| is_worth_it)?;
        self.0 += 1;
        tracing::warn!(error = error as &dyn std::error::Error, tries = self.0, "a start is tried again");
        Some(*pause)
    }
}

/// Whether nothing ran for want of something that another worker, or this one a little later, may have.
pub(crate) const fn is_starved(error: &SpawnError) -> bool {
    matches!(
        error,
        SpawnError::Exhausted { .. }
            | SpawnError::Busy { .. }
            | SpawnError::NoLauncher { .. }
            | SpawnError::TooLate { .. }
    )
}

/// The outcome of a child that could not be started.
pub(crate) fn outcome(error: &SpawnError) -> Outcome {
    let more = match error {
        SpawnError::InterpreterNotFound { interpreter, .. } => {
            return Outcome::InterpreterMissing { name: interpreter_words(interpreter) };
        }
        // It may have run for a moment, and unknown is not called failed.
        SpawnError::Unconfirmed { loss } => {
            return Outcome::Interrupted { by: format!("the loss of its guard: {loss}") };
        }
        SpawnError::NotFound { .. } => {
            Some("it was there when it was looked for: put it back, or restart the worker".to_owned())
        }
        SpawnError::PermissionDenied { program } => Some(permission_words(program)),
        SpawnError::NotExecutable { program } => Some(format_words(program)),
        SpawnError::TooLong { .. } => {
            Some("let the action take its parameters with `parameter_delivery: stdin` or `file`".to_owned())
        }
        SpawnError::SandboxUnavailable { .. } => {
            Some("run it on a worker that reaches this level: `attune worker list`".to_owned())
        }
        SpawnError::LimitUnavailable { .. } => {
            Some("run it on a worker that can hold this limit: `attune worker list`".to_owned())
        }
        SpawnError::Exhausted { .. }
        | SpawnError::Busy { .. }
        | SpawnError::NoLauncher { .. }
        | SpawnError::TooLate { .. } => Some("nothing of it ran, so running it again is safe".to_owned()),
        SpawnError::Directory { .. }
        | SpawnError::InvalidText { .. }
        | SpawnError::Step { .. }
        | SpawnError::Other { .. } => None,
    };
    let mut reason = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        reason = format!("{reason}: {cause}");
        source = cause.source();
    }
    if let Some(more) = more {
        reason = format!("{reason}; {more}");
    }
    Outcome::NotExecutable { reason }
}

fn interpreter_words(interpreter: &str) -> String {
    match interpreter.strip_suffix('\r') {
        Some(name) => format!("{name:?} followed by a carriage return (the script has the line ends of Windows)"),
        None => interpreter.to_owned(),
    }
}

/// Why a program may not be executed. The kernel gives one word for all of these.
fn permission_words(program: &Path) -> String {
    let Ok(metadata) = fs::metadata(program) else {
        return "a folder above it may not be entered by the worker's user".to_owned();
    };
    if metadata.is_dir() {
        return "it is a folder".to_owned();
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return format!("it has no execute bit: `chmod +x {}`", program.display());
    }
    if statvfs(program).is_ok_and(|system| system.f_flag.contains(StatVfsMountFlags::NOEXEC)) {
        return "it lies on a file system that is mounted `noexec`: move it, or name a runtime that reads it"
            .to_owned();
    }
    "the worker's user may not execute it, or may not enter a folder above it".to_owned()
}

/// What a file is that the kernel does not know as a program.
fn format_words(program: &Path) -> String {
    let mut start = Vec::new();
    let read = File::open(program).and_then(|file| file.take(20).read_to_end(&mut start));
    match (read, start.as_slice()) {
        (Err(_) | Ok(0), _) => "it is empty or cannot be read".to_owned(),
        (_, [0x7f, b'E', b'L', b'F', _, order, ..]) => {
            let built_for = match (start.get(18), start.get(19), *order) {
                (Some(low), Some(high), 1) => u16::from_le_bytes([*low, *high]),
                (Some(high), Some(low), _) => u16::from_be_bytes([*high, *low]),
                _ => 0,
            };
            let here = std::env::consts::ARCH;
            match machine(built_for) {
                Some(machine) if machine != here => format!("it is built for {machine}, and this machine is {here}"),
                _ => "it is a damaged program, or its loader is not here".to_owned(),
            }
        }
        (_, [b'M', b'Z', ..]) => "it is a program for Windows".to_owned(),
        (_, [0xca, 0xfe, 0xba, 0xbe, ..] | [0xcf, 0xfa, 0xed, 0xfe, ..]) => {
            "it is a program for macOS, or a Java class".to_owned()
        }
        _ => "begin it with a line like `#!/bin/sh`, or name a runtime that reads it".to_owned(),
    }
}

/// The name of a machine in the header of a program (`e_machine`, elf(5)).
const fn machine(number: u16) -> Option<&'static str> {
    Some(match number {
        3 => "x86",
        8 => "mips",
        20 => "powerpc",
        21 => "powerpc64",
        22 => "s390x",
        40 => "arm",
        62 => "x86_64",
        183 => "aarch64",
        243 => "riscv64",
        258 => "loongarch64",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_process::{GuardLoss, SandboxLevel};
    use std::io;

    fn words(error: SpawnError) -> String {
        match outcome(&error) {
            Outcome::NotExecutable { reason } => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, content: &[u8], mode: u32| {
            let path = folder.path().join(name);
            fs::write(&path, content).expect("written");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
            path
        };
        let foreign: u16 = if std::env::consts::ARCH == "aarch64" { 62 } else { 183 };
        let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
        elf.resize(18, 0);
        elf.extend(foreign.to_le_bytes());
        for (error, expected) in [
            (SpawnError::PermissionDenied { program: file("plain", b"true\n", 0o644) }, "chmod +x"),
            (SpawnError::PermissionDenied { program: folder.path().to_owned() }, "it is a folder"),
            (SpawnError::PermissionDenied { program: file("other", b"true\n", 0o755) }, "worker's user"),
            (SpawnError::NotExecutable { program: file("text", b"true\n", 0o755) }, "#!/bin/sh"),
            (SpawnError::NotExecutable { program: file("empty", b"", 0o755) }, "empty"),
            (SpawnError::NotExecutable { program: file("elf", &elf, 0o755) }, machine(foreign).expect("known")),
            (SpawnError::NotExecutable { program: file("windows", b"MZ\x90", 0o755) }, "Windows"),
            (SpawnError::NotFound { program: "/gone".into() }, "put it back"),
            (SpawnError::TooLong { program: "/x".into(), bytes: 9 }, "parameter_delivery: stdin"),
            (SpawnError::InvalidText { what: "argument 1".into() }, "argument 1"),
            (
                SpawnError::Directory { directory: "/gone".into(), source: io::ErrorKind::NotFound.into() },
                "/gone cannot be used: entity not found",
            ),
            (
                SpawnError::SandboxUnavailable {
                    needed: SandboxLevel::Filtered,
                    reached: SandboxLevel::Base,
                    why: "no seccomp".into(),
                },
                "no seccomp; run it on a worker",
            ),
            (SpawnError::LimitUnavailable { limit: "memory".into(), why: "no group".into() }, "no group; run it on"),
            (
                SpawnError::Exhausted { program: "/x".into(), source: io::ErrorKind::OutOfMemory.into() },
                "again is safe",
            ),
            (SpawnError::Busy { program: "/x".into() }, "again is safe"),
            (SpawnError::TooLate { program: "/x".into() }, "too late to start /x; nothing of it ran"),
            (SpawnError::NoLauncher { source: io::ErrorKind::OutOfMemory.into() }, "again is safe"),
        ] {
            let reason = words(error);
            assert!(reason.contains(expected), "{reason:?} does not say {expected:?}");
        }
        let missing = |interpreter: &str| {
            outcome(&SpawnError::InterpreterNotFound { program: "/x".into(), interpreter: interpreter.into() })
        };
        assert_eq!(missing("/no/ruby"), Outcome::InterpreterMissing { name: "/no/ruby".into() });
        assert!(matches!(missing("/bin/sh\r"), Outcome::InterpreterMissing { name } if name.contains("Windows")));
        let lost = outcome(&SpawnError::Unconfirmed { loss: GuardLoss::LauncherGone });
        assert!(matches!(lost, Outcome::Interrupted { .. }), "it may have run");
    }

    #[test]
    fn only_what_never_ran_is_tried_again_and_not_for_ever() {
        let exhausted = SpawnError::Exhausted { program: "/x".into(), source: io::ErrorKind::OutOfMemory.into() };
        let mut patience = Patience::default();
        let pauses: Vec<Duration> = std::iter::from_fn(|| patience.after(&exhausted)).collect();
        assert_eq!(pauses, PAUSES);
        assert!(pauses.iter().sum::<Duration>() < Duration::from_secs(2));
        let lost = SpawnError::Unconfirmed { loss: GuardLoss::LauncherGone };
        assert_eq!(Patience::default().after(&lost), None);
        assert_eq!(Patience::default().after(&SpawnError::NotFound { program: "/x".into() }), None);
    }
}
