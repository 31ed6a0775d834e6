//! What a guard is asked to run.

use std::ffi::{CStr, CString};
use std::time::Duration;

use super::{Malformed, Reader, Writer, parts};
use crate::command::Command;
use crate::limits::Limits;
use crate::sandbox::Sandbox;

/// Texts of a command, one after the other, each with a zero at its end: exactly as the kernel wants to be shown them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Texts<'a>(&'a [u8]);

impl<'a> Texts<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        match reader.bytes()? {
            bytes if bytes.last().is_none_or(|last| *last == 0) => Ok(Self(bytes)),
            _ => Err(Malformed),
        }
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'a CStr> {
        self.0.split_inclusive(|byte| *byte == 0).filter_map(|text| CStr::from_bytes_with_nul(text).ok())
    }
}

/// One execution, as its guard sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunSpec<'a> {
    pub(crate) program: &'a CStr,
    /// The first is the program's own name.
    pub(crate) arguments: Texts<'a>,
    pub(crate) environment: Texts<'a>,
    pub(crate) directory: &'a CStr,
    pub(crate) timeout: Option<Duration>,
    pub(crate) start_before: Option<Duration>,
    pub(crate) grace: Duration,
    pub(crate) limits: Limits,
    pub(crate) sandbox: Sandbox,
    pub(crate) has_helper_socket: bool,
}

/// Writes the part of a request that says what to run.
pub(crate) fn write_run(
    writer: &mut Writer,
    command: &Command,
    program: &CStr,
    arguments: &[CString],
    environment: &[CString],
    directory: &CStr,
) {
    writer.bytes(program.to_bytes_with_nul());
    for texts in [arguments, environment] {
        let bytes: Vec<u8> = texts.iter().flat_map(|text| text.as_bytes_with_nul()).copied().collect();
        writer.bytes(&bytes);
    }
    writer.bytes(directory.to_bytes_with_nul());
    writer.optional(command.timeout, Writer::duration);
    writer.optional(command.start_before, Writer::duration);
    writer.duration(command.grace);
    parts::write_limits(writer, &command.limits);
    parts::write_sandbox(writer, &command.sandbox);
    writer.flag(command.has_helper_socket);
}

impl<'a> RunSpec<'a> {
    pub(crate) fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            program: reader.text()?,
            arguments: Texts::read(reader)?,
            environment: Texts::read(reader)?,
            directory: reader.text()?,
            timeout: reader.optional(Reader::duration)?,
            start_before: reader.optional(Reader::duration)?,
            grace: reader.duration()?,
            limits: parts::read_limits(reader)?,
            sandbox: parts::read_sandbox(reader)?,
            has_helper_socket: reader.flag()?,
        })
    }
}
