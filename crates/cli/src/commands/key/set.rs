//! `attune key set`.

use std::io::{IsTerminal as _, Read as _};
use std::process::ExitCode;

use attune_control::{LEAST_SECRET_BYTES, MOST_SECRET_BYTES};
use clap::Args;

use super::{Directory, Place, Which};
use crate::arguments::Global;
use crate::error::CliError;
use crate::output::remark;

/// Stores a secret, or replaces its value
///
/// The value comes on standard input and is never shown again. One line is stored without its end; a text of several lines
/// (a key in PEM, say) is stored exactly as it is. Actions get what they list in `secrets:`; of several owners the narrowest
/// wins: action, pack, system.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  attune key set db.password --stdin < password.txt
  printf %s \"$TOKEN\" | attune key set api.token --pack reports --stdin")]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// Read the value from standard input: the only way, because arguments are seen by everybody on this machine
    #[arg(long, required = true)]
    stdin: bool,
    /// Store it though it has less than 8 bytes, and so cannot be hidden in logs
    #[arg(long)]
    unmaskable: bool,
    #[command(flatten)]
    directory: Directory,
}

/// Stores it.
pub(crate) fn run(global: &Global, arguments: Arguments) -> Result<ExitCode, CliError> {
    let Arguments { which, stdin: _, unmaskable, directory } = arguments;
    let id = which.id()?;
    let value = read()?;
    if value.len() < LEAST_SECRET_BYTES && !unmaskable {
        return Err(CliError::usage(
            format!("the value has less than {LEAST_SECRET_BYTES} bytes and could not be hidden in logs"),
            "use a longer one, or store it all the same: --unmaskable",
        ));
    }
    let stored = Place::with(global, &directory.dir, |place| place.put(&id, &value, unmaskable))?;
    remark(&format!("secret {id} is stored, version {}", stored.version));
    global.printer().one(&stored, |stored| stored.name.clone(), |_| String::new())?;
    Ok(ExitCode::SUCCESS)
}

fn read() -> Result<zeroize::Zeroizing<String>, CliError> {
    let mut input = std::io::stdin().lock();
    if input.is_terminal() {
        remark("type the value, then Enter and Ctrl-D; it is shown while you type");
    }
    let mut bytes = zeroize::Zeroizing::new(Vec::with_capacity(MOST_SECRET_BYTES + 2));
    let most = MOST_SECRET_BYTES as u64 + 2;
    input.by_ref().take(most).read_to_end(&mut bytes).map_err(|source| CliError::Input {
        what: "standard input".into(),
        hint: "give the value on standard input: attune key set NAME --stdin < FILE".into(),
        source: Box::new(source),
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|_| {
        CliError::usage("the value is not text (UTF-8)", "encode it, e.g. with base64, and decode it in the action")
    })?;
    let text = one_line(text);
    if text.is_empty() {
        return Err(CliError::usage(
            "the value is empty",
            "give it on standard input: attune key set NAME --stdin < FILE",
        ));
    }
    if text.len() > MOST_SECRET_BYTES {
        return Err(CliError::usage(format!("the value has more than {MOST_SECRET_BYTES} bytes"), "secrets are small"));
    }
    Ok(zeroize::Zeroizing::new(text.to_owned()))
}

/// One line without its end; several lines as they are.
fn one_line(text: &str) -> &str {
    let without = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    if without.contains('\n') { text } else { without }
}

#[cfg(test)]
mod tests {
    use super::one_line;

    #[test]
    fn one_line_loses_its_end_and_several_lines_keep_everything() {
        for (text, value) in
            [("a\n", "a"), ("a\r\n", "a"), ("a", "a"), ("a\nb\n", "a\nb\n"), ("\n", ""), ("a\n\n", "a\n\n")]
        {
            assert_eq!(one_line(text), value, "{text:?}");
        }
    }
}
