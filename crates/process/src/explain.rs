//! Explains why a child could not be started.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::command::Command;
use crate::spawn_error::SpawnError;
use crate::step::Step;
use crate::system;
use crate::texts::Texts;
use crate::wire::Refusal;

/// Says in the words of this crate why a guard started nothing.
pub(crate) fn explain_refusal(refusal: Refusal, command: &Command, texts: &Texts) -> SpawnError {
    match refusal {
        Refusal::Sandbox { needed, reached, why } => SpawnError::SandboxUnavailable { needed, reached, why },
        Refusal::TooLate => SpawnError::TooLate { program: command.program.clone() },
        Refusal::Limit { limit, why } => SpawnError::LimitUnavailable { limit, why },
        Refusal::Failed { step, errno } => {
            let source = io::Error::from_raw_os_error(errno);
            let is_exhausted = matches!(errno, libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE);
            match step {
                Step::Execute | Step::Clone | Step::Directory => explain(source, command, texts),
                _ if is_exhausted => SpawnError::Exhausted { program: command.program.clone(), source },
                step => SpawnError::Step { program: command.program.clone(), step, source },
            }
        }
    }
}

/// Finds out what an error number meant. The kernel says "no such file" of the program, of the interpreter that its
/// first line names, and of the working directory alike; people need to know which.
pub(crate) fn explain(source: io::Error, command: &Command, texts: &Texts) -> SpawnError {
    let program = command.program.clone();
    match source.raw_os_error() {
        Some(libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE) => SpawnError::Exhausted { program, source },
        Some(libc::E2BIG) => SpawnError::TooLong { program, bytes: texts.bytes() },
        Some(libc::ENOEXEC) => SpawnError::NotExecutable { program },
        Some(libc::ETXTBSY) => SpawnError::Busy { program },
        Some(libc::ENOENT | libc::ENOTDIR | libc::EACCES) => {
            if let Err(source) = usable(&command.directory, texts) {
                return SpawnError::Directory { directory: command.directory.clone(), source };
            }
            let path = command.directory.join(&program);
            match (source.raw_os_error(), fs::symlink_metadata(&path)) {
                (Some(libc::EACCES), _) => SpawnError::PermissionDenied { program },
                (_, Ok(_)) if path.exists() => {
                    SpawnError::InterpreterNotFound { program, interpreter: interpreter_of(&path) }
                }
                _ => SpawnError::NotFound { program },
            }
        }
        _ => SpawnError::Other { program, source },
    }
}

fn usable(directory: &Path, texts: &Texts) -> io::Result<()> {
    if !fs::metadata(directory)?.is_dir() {
        return Err(io::Error::from_raw_os_error(libc::ENOTDIR));
    }
    system::may_enter(&texts.directory)
}

/// What the first line of a script names, made printable; for a binary, the loader that it was linked against.
fn interpreter_of(path: &Path) -> String {
    use std::io::Read;
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(256).read_to_end(&mut head));
    let line = head.strip_prefix(b"#!").and_then(|rest| rest.split(|byte| *byte == b'\n').next());
    match (read, line) {
        (Ok(_), Some(line)) => {
            let line = String::from_utf8_lossy(OsStr::from_bytes(line).as_bytes()).into_owned();
            let name = line.split_ascii_whitespace().next().unwrap_or_default();
            name.chars().map(|character| if character.is_control() { '?' } else { character }).collect()
        }
        _ => "the dynamic loader that it was linked for".into(),
    }
}
