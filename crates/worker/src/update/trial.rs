//! Whether a program can be the agent here.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use attune_process::{Command, How, Launcher, LauncherProgram};

/// How long each question may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// What is shown of an answer, in bytes.
const MOST_SHOWN: usize = 300;

/// Asks `program` for its version, and whether it can do its work here with these variables; what speaks against it.
///
/// Its own `doctor` is the judge: a newer version may need more than this one.
pub(super) async fn objection(
    program: &Path,
    version: &str,
    arguments: &[OsString],
    variables: &[(OsString, OsString)],
) -> Option<String> {
    let launcher = match Launcher::start(LauncherProgram::Own) {
        Ok(launcher) => launcher,
        Err(error) => return Some(format!("it cannot be tried: {error}")),
    };
    let ask = async |question: &[&str]| -> Result<String, String> {
        let mut command = Command::new(program);
        command.arguments = arguments.iter().cloned().chain(question.iter().map(OsString::from)).collect();
        command.environment = variables.to_vec();
        command.timeout = Some(PATIENCE);
        let collected = launcher.run_to_end(command).await.map_err(|error| error.to_string())?;
        let said = String::from_utf8_lossy(&collected.stdout).into_owned();
        match collected.ended.how {
            How::Exited(0) => Ok(said),
            how => {
                let errors = String::from_utf8_lossy(&collected.stderr).into_owned();
                let text = if errors.trim().is_empty() { said } else { errors };
                Err(format!("`{}` ended as {how:?}: {}", question.join(" "), shown(&text)))
            }
        }
    };
    match ask(&["--version"]).await {
        Err(why) => return Some(why),
        Ok(said) if said.trim().rsplit(' ').next() != Some(version) => {
            return Some(format!("it says {:?} and should be {version}", shown(&said)));
        }
        Ok(_) => {}
    }
    ask(&["doctor"]).await.err()
}

fn shown(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(MOST_SHOWN).collect()
}
