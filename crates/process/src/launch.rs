//! Starts a child and explains why it could not be started.

use std::ffi::{CString, OsStr};
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::command::Command;
use crate::feed::Feed;
use crate::guarding::Guarding;
use crate::pump::Pump;
use crate::session::{self, Session};
use crate::shared::Leash;
use crate::spawn_error::SpawnError;
use crate::stream::Stream;
use crate::system;
use crate::system::old::ChildEnds;

/// A child that runs, and this side's ends of its streams.
#[derive(Debug)]
pub(crate) struct Launched {
    pub(crate) leash: Leash,
    pub(crate) feed: Feed,
    pub(crate) stdout: Pump,
    pub(crate) stderr: Pump,
}

/// Starts `command` in a session of its own.
pub(crate) fn launch(command: &mut Command) -> Result<Launched, SpawnError> {
    let texts = Texts::of(command)?;
    let input = std::mem::take(&mut command.input);
    let prepare = || -> io::Result<_> {
        let (feed, stdin) = Feed::new(input)?;
        let (stdout, child_stdout) = system::pipe()?;
        let (stderr, child_stderr) = system::pipe()?;
        let stdout = Pump::new(stdout, Stream::Stdout, command.stdout)?;
        let stderr = Pump::new(stderr, Stream::Stderr, command.stderr)?;
        Ok((feed, stdin, stdout, child_stdout, stderr, child_stderr))
    };
    let (feed, stdin, stdout, child_stdout, stderr, child_stderr) =
        prepare().map_err(|source| explain(source, command, &texts))?;
    let ends = ChildEnds { stdin: stdin.as_fd(), stdout: child_stdout.as_fd(), stderr: child_stderr.as_fd() };
    let pid = start(&texts, &ends).map_err(|source| explain(source, command, &texts))?;
    let pidfd = system::pidfd_open(pid).map_err(|source| {
        system::old::kill_and_reap(pid);
        explain(source, command, &texts)
    })?;
    let marker = command.marker.as_ref().and_then(|name| session::marker_of(name, &command.environment));
    let leash = Leash::new(Guarding::Session(Session::new(pid, pidfd, marker)));
    Ok(Launched { leash, feed, stdout, stderr })
}

/// How often a start is tried while the program is open for writing somewhere.
const TRIES_WHILE_BUSY: u32 = 16;

/// Starts the child.
///
/// A program that this process has just written may be "busy" although it was closed: another thread's child, between
/// its birth and its exec, holds a copy of the descriptor for a fraction of a millisecond. A start that fails takes
/// about as long, so trying a few times is all the waiting that is needed.
fn start(texts: &Texts, ends: &ChildEnds<'_>) -> io::Result<i32> {
    let mut tries = 1;
    loop {
        match system::old::spawn(&texts.program, &texts.arguments, &texts.environment, &texts.directory, ends) {
            Err(error) if error.raw_os_error() == Some(libc::ETXTBSY) && tries < TRIES_WHILE_BUSY => tries += 1,
            result => return result,
        }
        std::thread::yield_now();
    }
}

/// The texts of a command as the kernel wants them.
struct Texts {
    program: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
    directory: CString,
}

impl Texts {
    fn of(command: &Command) -> Result<Self, SpawnError> {
        let program = text(command.program.as_os_str().as_bytes().to_vec(), || "the program's path".into())?;
        let mut arguments = Vec::with_capacity(command.arguments.len() + 1);
        arguments.push(program.clone());
        for (index, argument) in command.arguments.iter().enumerate() {
            arguments.push(text(argument.as_bytes().to_vec(), || format!("argument {}", index + 1))?);
        }
        let environment = command
            .environment
            .iter()
            .map(|(name, value)| {
                // The value may be a secret: only the name is ever shown.
                let what = || format!("variable {name:?}");
                if name.is_empty() || name.as_bytes().contains(&b'=') {
                    return Err(SpawnError::InvalidText { what: what() });
                }
                let mut line = Vec::with_capacity(name.len() + value.len() + 2);
                line.extend_from_slice(name.as_bytes());
                line.push(b'=');
                line.extend_from_slice(value.as_bytes());
                text(line, what)
            })
            .collect::<Result<_, _>>()?;
        let directory = text(command.directory.as_os_str().as_bytes().to_vec(), || "the working directory".into())?;
        Ok(Self { program, arguments, environment, directory })
    }

    fn bytes(&self) -> usize {
        self.arguments.iter().chain(&self.environment).map(|text| text.as_bytes_with_nul().len()).sum()
    }
}

fn text(bytes: Vec<u8>, what: impl FnOnce() -> String) -> Result<CString, SpawnError> {
    CString::new(bytes).map_err(|_| SpawnError::InvalidText { what: what() })
}

/// Finds out what an error number meant. The kernel says "no such file" of the program, of the interpreter that its
/// first line names, and of the working directory alike; people need to know which.
fn explain(source: io::Error, command: &Command, texts: &Texts) -> SpawnError {
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
