//! Fetching a pack from a git repository, by the git program.
//!
//! The program, because it brings what people have set up: credentials, proxies, ssh keys. A library was rejected: it
//! would be larger than the rest of this program and know less of that.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use attune_process::{Collected, Command, How, Launcher, LauncherProgram};
use attune_runtime::NETWORK_VARIABLES;

use crate::dev::TemporaryDirectory;
use crate::error::CliError;
use crate::output::remark;
use crate::session;

/// How long a repository may take to fetch.
const LONGEST: Duration = Duration::from_secs(600);

/// What git is told about its surroundings, when it is set here, besides [`NETWORK_VARIABLES`].
const PASSED_ON: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LANG",
    "LC_ALL",
    "TZ",
    "XDG_CONFIG_HOME",
    "SSH_AUTH_SOCK",
    "GIT_SSH_COMMAND",
    "GIT_SSH",
    "GIT_ASKPASS",
    "GIT_SSL_CAINFO",
];

/// What git is told whatever is set here: nobody is there to type a password, and only transports that carry data are
/// used (`ext::` would run a command that the address names).
const ALWAYS: &[(&str, &str)] = &[("GIT_TERMINAL_PROMPT", "0"), ("GIT_ALLOW_PROTOCOL", "https:http:ssh:git:file")];

/// Whether a source is the address of a repository and not a path.
pub(super) fn is_address(source: &str) -> bool {
    let is_url = ["https://", "http://", "ssh://", "git://", "file://"].iter().any(|scheme| source.starts_with(scheme));
    is_url || source.starts_with("git@")
}

/// A repository that was fetched. Dropping it removes it.
pub(super) struct Checkout {
    folder: TemporaryDirectory,
}

impl Checkout {
    /// Fetches `reference` (a branch, a tag or a commit), or what the repository calls its own.
    pub(super) fn fetch(address: &str, reference: Option<&str>) -> Result<Self, CliError> {
        if reference.is_some_and(|reference| reference.starts_with('-')) {
            return Err(CliError::usage("a reference does not begin with '-'", "name a branch, a tag or a commit"));
        }
        let program = which::which("git").map_err(|error| CliError::Unavailable {
            what: "the git program".to_owned(),
            hint: "install git, or download the pack as an archive and install that".to_owned(),
            source: Box::new(error),
        })?;
        let checkout = Self { folder: TemporaryDirectory::create("attune-pack")? };
        remark(&format!("fetching {}", without_password(address)));
        let git = |arguments: &[&str]| checkout.command(&program, arguments);
        let steps = [
            git(&["init", "--quiet", "."]),
            // A name for the remote would be stored with the address, password included; so there is none.
            git(&["fetch", "--quiet", "--depth", "1", "--no-tags", "--", address, reference.unwrap_or("HEAD")]),
            git(&["-c", "core.hooksPath=/dev/null", "checkout", "--quiet", "--detach", "FETCH_HEAD"]),
        ];
        session::block_on(async {
            let launcher = Launcher::start(LauncherProgram::Own)
                .map_err(|error| CliError::internal("starting the launcher", error))?;
            for step in steps {
                let ended =
                    launcher.run_to_end(step).await.map_err(|error| CliError::internal("starting git", error))?;
                judge(&ended, address)?;
            }
            Ok(())
        })?;
        Ok(checkout)
    }

    /// The folder of the repository, or one inside it.
    pub(super) fn folder(&self, inside: Option<&Path>) -> Result<PathBuf, CliError> {
        let Some(inside) = inside else { return Ok(self.folder.path().to_path_buf()) };
        if !inside.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(CliError::usage(
                format!("{} leaves the repository", inside.display()),
                "name a folder inside it, such as packs/weather",
            ));
        }
        Ok(self.folder.path().join(inside))
    }

    fn command(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program).arguments(arguments);
        let given = PASSED_ON.iter().chain(&NETWORK_VARIABLES);
        let given = given.filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
        let always = ALWAYS.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
        command.environment = given.chain(always).collect();
        command.directory = self.folder.path().to_path_buf();
        command.timeout = Some(LONGEST);
        command
    }
}

fn judge(collected: &Collected, address: &str) -> Result<(), CliError> {
    if collected.ended.is_success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&collected.stderr);
    let last = words.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("git said nothing").to_owned();
    let reason = match collected.ended.how {
        How::Exited(_) if collected.ended.stopped_because.is_none() => last,
        _ => format!("it took longer than {} s", LONGEST.as_secs()),
    };
    Err(CliError::Input {
        what: without_password(address),
        hint: "check the address and --ref; `git ls-remote ADDRESS` shows what is there".to_owned(),
        source: without_password(&reason).into(),
    })
}

/// The text without what stands between `//` and `@` of an address.
fn without_password(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after.find(|character: char| character == '/' || character.is_whitespace()).unwrap_or(after.len());
        let host = after[..end].rfind('@').map_or(0, |at| at + 1);
        if host > 0 {
            shown.push_str("***@");
        }
        shown.push_str(&after[host..end]);
        rest = &after[end..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_from_paths() {
        for (source, expected) in [
            ("https://example.org/x.git", true),
            ("git@example.org:x.git", true),
            ("file:///srv/x.git", true),
            ("./x", false),
            ("x.tar.gz", false),
            ("ext::sh -c id", false),
        ] {
            assert_eq!(is_address(source), expected, "{source}");
        }
    }

    #[test]
    fn passwords_in_addresses_are_not_shown() {
        for (text, shown) in [
            ("https://ada:secret@example.org/x.git", "https://***@example.org/x.git"),
            ("https://example.org/a@b", "https://example.org/a@b"),
            (
                "fatal: 'https://t:p@h/x' not found at https://t:q@h2",
                "fatal: 'https://***@h/x' not found at https://***@h2",
            ),
            ("nothing", "nothing"),
        ] {
            assert_eq!(without_password(text), shown);
        }
    }
}
