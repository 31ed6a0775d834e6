//! A folder with a pack, and the program run in it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use attune_testkit::processes::Tag;
use serde_json::Value;

/// A private working directory, and a mark for the processes that run in it.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    tag: Tag,
}

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// What a process that ended left.
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Its standard output as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The repository.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/cli lies in a repository")
}

/// Scripts of the pack `proof`. `$TRUTH` is a file in the place; every line is one append, so writers never mix.
const ACTIONS: &[(&str, &str, &str)] = &[
    (
        "quick",
        "echo \"start $ATTUNE_EXECUTION_ID\" >>$TRUTH\necho \"end $ATTUNE_EXECUTION_ID\" >>$TRUTH\n",
        "idempotent: true\nretry: {on: [lost], backoff: {initial_seconds: 0}}\n",
    ),
    ("slow", "echo \"start $ATTUNE_EXECUTION_ID\" >>$TRUTH\nsleep 1\necho \"end $ATTUNE_EXECUTION_ID\" >>$TRUTH\n", ""),
    // Two generations in two sessions, so that killing the group of the first is not enough.
    ("tree", "setsid sleep 600 &\necho \"$! $$\" >>$TRUTH\nsleep 600\n", ""),
    ("stubborn", "trap '' TERM INT\nsleep 600 &\necho \"$! $$\" >>$TRUTH\nwhile :; do sleep 1; done\n", ""),
    (
        "number",
        "echo \"$ATTUNE_PARAM_COUNT\" >>$TRUTH\n",
        "parameters:\n  count: {type: integer, required: true, minimum: 1}\n  note: {type: string}\n",
    ),
];

impl Place {
    /// A place with the pack `proof` and the packs of the repository.
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("attune-cli-").tempdir().expect("a folder");
        let place = Self { folder, tag: Tag::new() };
        let truth = place.path("truth").display().to_string();
        place.write("packs/proof/pack.yaml", "ref: proof\nversion: 1.0.0\n");
        for (name, script, extra) in ACTIONS {
            let script = script.replace("$TRUTH", &format!("'{truth}'"));
            place.write(&format!("packs/proof/actions/{name}.sh"), &script);
            let declared = format!(
                "ref: proof.{name}\nrunner_type: shell\nentry_point: {name}.sh\nparameter_delivery: env\n{extra}"
            );
            place.write(&format!("packs/proof/actions/{name}.yaml"), &declared);
        }
        place
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
        fs::write(&path, content).expect("a file");
        path
    }

    /// The lines that actions wrote so far.
    pub(crate) fn truth(&self) -> Vec<String> {
        fs::read_to_string(self.path("truth")).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// The program, ready to run here with an environment of its own.
    pub(crate) fn attune(&self, arguments: &[&str]) -> Command {
        #[expect(clippy::disallowed_methods, reason = "the program under test is run as a shell would run it")]
        let mut command = Command::new(env!("CARGO_BIN_EXE_attune"));
        let (name, value) = self.tag.variable();
        let packs = format!("packs,{}", repository().join("packs").display());
        command.args(arguments).current_dir(self.folder.path()).env_clear().env(name, value);
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.folder.path());
        command.env("ATTUNE__PACKS__DIRECTORIES", packs);
        command.stdin(Stdio::null());
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.attune(arguments).output().expect("the program starts"))
    }

    /// Runs it with something on standard input.
    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let file = self.write("input", input);
        let input = fs::File::open(file).expect("a file");
        Ran::of(self.attune(arguments).stdin(input).output().expect("the program starts"))
    }

    /// Starts it with both outputs kept.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let child = self.attune(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        Running { child: Some(child.expect("the program starts")) }
    }

    /// Starts `attune dev` and reads the five lines.
    pub(crate) fn dev(&self, arguments: &[&str]) -> Dev {
        let log = fs::File::options().create(true).append(true).open(self.path("dev.log")).expect("a file");
        let port: &[&str] = if arguments.contains(&"--port") { &[] } else { &["--port", "0"] };
        let all = [&["dev"], port, arguments].concat();
        let mut child = self.attune(&all).stdout(Stdio::piped()).stderr(log).spawn().expect("the program starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let lines: Vec<String> = lines.take(5).map(|line| line.expect("a line")).collect();
        let mut dev = Dev { running: Running { child: Some(child) }, lines };
        if dev.lines.len() < 5 {
            let status = dev.running.child.as_mut().map(Child::wait);
            panic!("attune dev ended: {status:?}\n{}", fs::read_to_string(self.path("dev.log")).unwrap_or_default());
        }
        dev
    }
}

/// A program that runs; killed when it is dropped.
pub(crate) struct Running {
    child: Option<Child>,
}

impl Running {
    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: i32) {
        let pid = self.child.as_ref().expect("it runs").id();
        // SAFETY: kill takes two integers; the child was not waited for, so its number is its own.
        let sent = unsafe { libc::kill(pid as i32, signal) };
        assert_eq!(sent, 0, "the signal was not sent");
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Ran {
        Ran::of(self.child.take().expect("it runs").wait_with_output().expect("it ends"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().and_then(|()| child.wait()).expect("it is killed");
        }
    }
}

/// An `attune dev` that runs.
pub(crate) struct Dev {
    pub(crate) running: Running,
    pub(crate) lines: Vec<String>,
}

impl Dev {
    /// What a line says behind its name.
    pub(crate) fn line(&self, name: &str) -> &str {
        let line = self.lines.iter().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no line {name}: {:?}", self.lines)).trim()
    }

    /// Kills it with its worker, as a power failure would.
    pub(crate) fn kill(self) {
        drop(self.running);
    }
}

/// Waits until `look` finds something.
pub(crate) fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

/// Whether a process is there and not a zombie.
pub(crate) fn is_alive(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}
