//! The texts of a command as the kernel wants them.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;

use crate::command::Command;
use crate::spawn_error::SpawnError;

/// The texts of a command as the kernel wants them.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) program: CString,
    /// The first is the program's own name.
    pub(crate) arguments: Vec<CString>,
    pub(crate) environment: Vec<CString>,
    pub(crate) directory: CString,
}

impl Texts {
    pub(crate) fn of(command: &Command) -> Result<Self, SpawnError> {
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

    /// How long arguments and environment are together.
    pub(crate) fn bytes(&self) -> usize {
        self.arguments.iter().chain(&self.environment).map(|text| text.as_bytes_with_nul().len()).sum()
    }
}

fn text(bytes: Vec<u8>, what: impl FnOnce() -> String) -> Result<CString, SpawnError> {
    CString::new(bytes).map_err(|_| SpawnError::InvalidText { what: what() })
}
