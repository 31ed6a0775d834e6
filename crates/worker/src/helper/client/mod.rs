//! The program that actions call: `attune-agent output set`, `artifact put`, `progress`, `secret get`, `log`.
//!
//! It is whatever program runs the worker, under this name. It starts in about a millisecond because it is asked before
//! anything else of the program is: no runtime, no configuration, no parser of command lines.

mod arguments;
mod caller;
mod help;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use super::protocol::VARIABLE;
use arguments::Asked;

/// The name under which the program is the helper.
pub(crate) const NAME: &str = "attune-agent";
/// The worker refused.
const REFUSED: u8 = 1;
/// The command line cannot be understood.
const BAD_INPUT: u8 = 64;
/// There is no worker to ask.
const UNAVAILABLE: u8 = 69;

/// Whether this program can be the helper.
static CAN_BE_CALLED: AtomicBool = AtomicBool::new(false);

/// Whether [`run_if_called`] was called in this process: only then may its program be offered to actions as the helper.
pub(crate) fn can_be_called() -> bool {
    CAN_BE_CALLED.load(Ordering::Relaxed)
}

/// Acts as the helper when this process was started as one; its exit code. `None`: it was not, go on.
///
/// Call it first in `main` of every program that runs a worker: actions find that program as `attune-agent`. It is asked
/// for when the process's own name is `attune-agent` and its first argument is one of the helper's words.
#[must_use]
pub fn run_if_called() -> Option<ExitCode> {
    CAN_BE_CALLED.store(true, Ordering::Relaxed);
    let mut arguments = std::env::args_os();
    let program = arguments.next()?;
    if Path::new(&program).file_name() != Some(OsStr::new(NAME)) {
        return None;
    }
    let arguments: Vec<OsString> = arguments.collect();
    let is_inside = std::env::var_os(VARIABLE).is_some();
    is_for_helper(&arguments, is_inside).then(|| run(&arguments))
}

/// The agent has this name, too. Outside of an execution, only a word of the helper's is for the helper; inside of one,
/// so is everything that starts no agent.
fn is_for_helper(arguments: &[OsString], is_inside: bool) -> bool {
    let Some(first) = arguments.first() else { return is_inside };
    let Some(first) = first.to_str() else { return is_inside };
    help::WORDS.contains(&first) || (is_inside && (matches!(first, "-h" | "--help") || !first.starts_with('-')))
}

fn run(arguments: &[OsString]) -> ExitCode {
    let asked = match arguments::read(arguments) {
        Ok(asked) => asked,
        Err(why) => return failed(&why, BAD_INPUT),
    };
    let request = match asked {
        Asked::Help(text) => return printed(text.as_bytes()),
        Asked::Request(request) => request,
    };
    let doing = request.doing();
    match request.make().and_then(|(call, body, file)| caller::call(&call, &body, file)) {
        Ok(answer) => printed(&answer),
        Err(caller::Failure::Input(why)) => failed(&format!("{doing}: {why}"), BAD_INPUT),
        Err(caller::Failure::Refused(why)) => failed(&format!("{doing}: {why}"), REFUSED),
        Err(caller::Failure::Unavailable(why)) => failed(&format!("{doing}: {why}"), UNAVAILABLE),
    }
}

fn printed(bytes: &[u8]) -> ExitCode {
    let mut output = io::stdout().lock();
    match output.write_all(bytes).and_then(|()| output.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&format!("standard output: {error}"), REFUSED),
    }
}

fn failed(why: &str, code: u8) -> ExitCode {
    // One line, whatever is in it. A standard error that is closed is no reason to end otherwise.
    let line: String = why.chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    let _unheard = writeln!(io::stderr(), "{NAME}: {line}");
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_agent_and_the_helper_share_a_name_and_are_told_apart() {
        for (arguments, inside, expected) in [
            (&["output", "set", "a=1"][..], false, true),
            (&["secret"], false, true),
            (&[], false, false),
            (&[], true, true),
            (&["--help"], false, false),
            (&["--help"], true, true),
            (&["--config", "x"], true, false),
            (&["--detect-only"], false, false),
            (&["outptu"], true, true),
            (&["outptu"], false, false),
        ] {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            assert_eq!(is_for_helper(&arguments, inside), expected, "{arguments:?} {inside}");
        }
    }
}
