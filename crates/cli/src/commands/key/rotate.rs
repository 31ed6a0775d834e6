//! `attune key rotate`.

use std::process::ExitCode;

use attune_control::RotationStep;
use clap::Args;
use serde::Serialize;

use super::{Directory, Place};
use crate::arguments::Global;
use crate::error::CliError;
use crate::output::remark;

/// Moves everything that is encrypted to the current key
///
/// Online: secrets are handed out, stored and replaced all the while, and keys old and new work. Interrupted anywhere it
/// has done what it did; run it again and it goes on. First add the new key to `security.encryption_keys` of every server;
/// remove the old one when this says that nothing is left.
#[derive(Debug, Args)]
#[command(after_help = "Example:
  attune key rotate && echo 'the old key can go'")]
pub(crate) struct Arguments {
    /// Encrypt the values anew, too, and not only their keys
    #[arg(long)]
    re_encrypt: bool,
    #[command(flatten)]
    directory: Directory,
}

/// What all steps did.
#[derive(Debug, Default, Serialize)]
struct Rotated {
    key_id: u32,
    moved: u64,
    failed: Vec<String>,
}

/// Moves them.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let mut all = Rotated::default();
    Place::with(global, &arguments.directory.dir, |place| {
        let mut after = 0;
        loop {
            let RotationStep { key_id, moved, failed, next, .. } = place.rotate(after, arguments.re_encrypt)?;
            all.key_id = key_id;
            all.moved += moved;
            all.failed.extend(failed);
            match next {
                Some(next) => after = next,
                None => return Ok(()),
            }
        }
    })?;
    for failure in &all.failed {
        remark(&format!("error: {failure}"));
    }
    let people = |all: &Rotated| format!("{} moved to key {}, {} failed\n", all.moved, all.key_id, all.failed.len());
    global.printer().one(&all, |all| all.key_id.to_string(), people)?;
    if all.failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    remark("hint: the key that these were encrypted with is missing or is another one; put it back before it is lost");
    Ok(ExitCode::FAILURE)
}
