//! A test that runs again, alone, in process, mount and control-group surroundings of its own.
//!
//! Tests of what hostile children do must not reach the machine they run on: `kill -9 -1` in a test must kill nothing
//! but the test, and a fork bomb must be over when the test is. So the test starts its own program once more, for itself
//! only, as the only process of a fresh PID namespace with a `/proc` of its own. There every process that is to be seen
//! belongs to the test, which makes "nothing is left" a statement about everything there is, and whatever the test
//! leaves when it fails dies with the namespace.

mod surroundings;
mod user;

pub use surroundings::Surroundings;
pub use user::User;

use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::Stdio;

use crate::directory::TestDirectory;
use crate::programs;

/// The variable that tells the inner program which enclosure it is in.
const KEY: &str = "ATTUNE_TEST_ENCLOSURE";
/// The variable that tells an inner program which part it plays.
const ROLE: &str = "ATTUNE_TEST_ROLE";
/// The variable with the test's name.
const NAME: &str = "ATTUNE_TEST_NAME";

/// Process 1 of the namespace: it reaps orphans and passes on how the test ended. A shell that ends with another command
/// does not replace itself with the first.
const PROCESS_ONE: &str = r#""$0" "$@"; code=$?; exit $code"#;

/// One run of a test in surroundings of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enclosure {
    /// What tells it from the test's other enclosures.
    pub key: String,
    /// Whom the inner program runs as.
    pub user: User,
    /// Programs to put into the inner program's directory, whoever may not enter the folders they lie in.
    pub programs: Vec<PathBuf>,
}

impl Enclosure {
    /// An enclosure that `key` tells from the test's others.
    #[must_use]
    pub fn new(key: impl Into<String>, user: User) -> Self {
        Self { key: key.into(), user, programs: Vec::new() }
    }

    /// Runs `body` inside, as a part of `test`: its whole name with modules, see [`test_of`].
    ///
    /// The test function runs a second time inside, from its beginning; what precedes this call must be free of effects.
    ///
    /// # Panics
    /// When the inner run fails.
    pub fn run(&self, test: &str, body: impl FnOnce(&Surroundings)) {
        match std::env::var(KEY) {
            Err(_) => self.enter(test, None),
            Ok(key) if key == self.key => {
                let surroundings = Surroundings::of_this_process();
                if role().is_none() {
                    surroundings.write("ran", "");
                }
                body(&surroundings);
            }
            Ok(_) => {}
        }
    }

    /// The same for a body that is to be killed by `signal`, for instance because it may signal all processes there are.
    ///
    /// # Panics
    /// When the inner run ends otherwise.
    pub fn run_until_killed(&self, test: &str, signal: i32, body: impl FnOnce(&Surroundings)) {
        match std::env::var(KEY) {
            Err(_) => self.enter(test, Some(signal)),
            Ok(_) => self.run(test, body),
        }
    }

    fn enter(&self, test: &str, signal: Option<i32>) {
        let directory = TestDirectory::create();
        let groups = surroundings::Groups::create();
        for program in &self.programs {
            let name = program.file_name().unwrap_or_default();
            if let Err(error) = std::fs::copy(program, directory.path().join(name)) {
                panic!("{} could not be copied: {error}", program.display());
            }
        }
        let program = std::env::current_exe().unwrap_or_else(|error| panic!("this program is not known: {error}"));
        let mut command = programs::command("unshare");
        command.args(["--pid", "--fork", "--kill-child=KILL", "--mount-proc"]);
        if !programs::are_root() {
            command.args(match self.user {
                User::Root => ["--user", "--map-root-user"],
                User::Ordinary => ["--user", "--map-current-user"],
            });
        }
        command.args(["/bin/sh", "-c", PROCESS_ONE]).arg(program);
        command.args(["--exact", test, "--nocapture", "--test-threads=1"]);
        command.env(KEY, &self.key).env(NAME, test).stdin(Stdio::null());
        command.env("TMPDIR", directory.path());
        surroundings::prepare(&mut command, directory.path(), self.user, &groups);
        // SAFETY: prctl with these arguments only sets an attribute of the calling process.
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                Ok(())
            });
        }
        let status = match command.status() {
            Ok(status) => status,
            Err(error) => panic!("unshare (util-linux) could not be started: {error}"),
        };
        assert!(directory.path().join("ran").exists(), "{test} was not found inside {}: {status}", self.key);
        match signal {
            None => assert!(status.success(), "{test} failed as {}: {status}", self.key),
            Some(signal) => {
                let ended = status.code().map(|code| code - 128).or(status.signal());
                assert_eq!(ended, Some(signal), "{test} as {}: {status}", self.key);
            }
        }
        groups.assert_empty_and_remove(&self.key);
    }
}

/// Which part this program plays: `None` for the one that drives the test.
#[must_use]
pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// Starts this test's program once more beside this one, inside the same surroundings, to play a part: there
/// [`Enclosure::run`] runs the body again, and [`role`] answers.
///
/// # Panics
/// When it does not start, or outside of an enclosure.
#[must_use]
pub fn play(role: &str) -> std::process::Child {
    let test = std::env::var(NAME).unwrap_or_else(|_| panic!("only inside of an enclosure"));
    // By this name it can be executed whoever may not enter the folder it lies in.
    let mut command = programs::command("/proc/self/exe");
    command.args(["--exact", &test, "--nocapture", "--test-threads=1"]).env(ROLE, role).stdin(Stdio::null());
    match command.spawn() {
        Ok(child) => child,
        Err(error) => panic!("this program could not be started again: {error}"),
    }
}

/// The name of the test that a closure of this type was written in, by which a test program runs that test alone.
#[must_use]
pub fn test_of<B>(_closure: &B) -> String {
    // The compiler calls it `crate::module::test::{{closure}}`.
    let path = std::any::type_name::<B>();
    let path = path.split_once("::").map_or(path, |(_, rest)| rest);
    path.split("::{{closure}}").next().unwrap_or(path).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_there_is_nobody_but_the_test() {
        let body = |user: User, surroundings: &Surroundings| {
            let processes = crate::leaks::processes();
            assert_eq!(processes.len(), 2, "the first process and this one: {processes:?}");
            assert_eq!(user.is_root(), programs::are_root());
            surroundings.write("mine", "written");
        };
        for user in User::ALL {
            Enclosure::new(format!("{user:?}"), user).run(&test_of(&body), |surroundings| body(user, surroundings));
        }
    }

    #[test]
    #[should_panic(expected = "failed as only")]
    fn a_failure_inside_is_a_failure() {
        let body = |_: &Surroundings| panic!("as wanted");
        Enclosure::new("only", User::Root).run(&test_of(&body), body);
    }

    #[test]
    fn a_signal_to_everybody_stays_inside() {
        let body = |_: &Surroundings| {
            // SAFETY: kill has no memory effects; the namespace holds nobody else.
            unsafe { libc::kill(-1, libc::SIGKILL) };
            // Everybody but the caller.
            // SAFETY: as above, this process alone.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        };
        for user in User::ALL {
            Enclosure::new(format!("{user:?}"), user).run_until_killed(&test_of(&body), libc::SIGKILL, body);
        }
    }
}
