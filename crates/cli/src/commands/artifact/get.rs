//! `attune artifact get`.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use attune_types::{AttemptNumber, ExecutionId};
use clap::Args;

use crate::backend::Client;
use crate::error::CliError;
use crate::output::{remark, write_stdout};

/// How much is in memory at once.
const BUFFER_BYTES: usize = 64 << 10;

/// Downloads a file that an execution left behind
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune artifact get 42 report.csv                  into ./report.csv
  attune artifact get 42 a/report.csv --to r.csv
  attune artifact get 42 report.csv --to - | head    to standard output")]
pub(crate) struct Arguments {
    /// The execution's id
    #[arg(value_name = "ID")]
    id: i64,
    /// The file's name, as `attune artifact list` shows it
    name: String,
    /// Where to; `-` is standard output. A file that is there is not written over
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    /// Of this attempt, rather than of the newest that left it
    #[arg(long, value_name = "NUMBER")]
    attempt: Option<i32>,
}

/// Downloads it.
pub(crate) fn run(client: &Client, arguments: Arguments) -> Result<ExitCode, CliError> {
    let Arguments { id, name, to, attempt } = arguments;
    let mut content = client.artifact(ExecutionId(id), &name, attempt.map(AttemptNumber))?;
    if to.as_deref() == Some(Path::new("-")) {
        copy(client, &mut *content, &mut |bytes| write_stdout(bytes))?;
        return Ok(ExitCode::SUCCESS);
    }
    // The server's name for it decides nothing but the last part, and that only below this directory.
    let last = name.rsplit('/').next().filter(|last| !matches!(*last, "" | "." | "..")).unwrap_or("artifact");
    let path = to.unwrap_or_else(|| PathBuf::from(last));
    let aside = path.with_file_name(format!(".{last}.{}", std::process::id()));
    let failed = |source: io::Error| CliError::file("writing", &path)(source);
    if path.exists() {
        return Err(failed(io::Error::from(io::ErrorKind::AlreadyExists)));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&aside).map_err(&failed)?;
    let copied = copy(client, &mut *content, &mut |bytes| file.write_all(bytes).map_err(&failed));
    // A link fails where a file has come to be meanwhile; a rename would take its place.
    let placed = copied.and_then(|()| fs::hard_link(&aside, &path).map_err(&failed));
    let removed = fs::remove_file(&aside);
    placed?;
    removed.map_err(&failed)?;
    remark(&format!("written to {}", path.display()));
    Ok(ExitCode::SUCCESS)
}

fn copy(
    client: &Client,
    content: &mut dyn Read,
    to: &mut dyn FnMut(&[u8]) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match content.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => to(&buffer[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(client.broke_off(error)),
        }
    }
}
