//! One started program.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The repository's root.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Path of a program that cargo built beside the running one. `ATTUNE_BIN_DIR` names another folder.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    if let Some(folder) = std::env::var_os("ATTUNE_BIN_DIR") {
        return PathBuf::from(folder).join(name);
    }
    let mut folder = std::env::current_exe().unwrap_or_default();
    folder.pop();
    if folder.ends_with("deps") {
        folder.pop();
    }
    folder.join(name)
}

/// The agent as one static program that needs nothing of the system it runs on: `ATTUNE_STATIC_AGENT`, else where `make
/// build-agent` and `make test` put it.
///
/// # Errors
/// When it is in none of these places.
pub fn static_agent() -> io::Result<PathBuf> {
    let named = std::env::var_os("ATTUNE_STATIC_AGENT").map(PathBuf::from);
    // Programs lie in a folder of the target directory that is called by their profile.
    let target =
        binary("attune-agent").ancestors().nth(2).map_or_else(|| repository().join("target"), Path::to_path_buf);
    let folders = ["x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"]
        .into_iter()
        .flat_map(|triple| ["debug", "dist"].map(|profile| target.join("agent").join(triple).join(profile)));
    let places: Vec<PathBuf> = match named {
        Some(path) => vec![path],
        None => folders.chain([repository().join("target")]).map(|folder| folder.join("attune-agent")).collect(),
    };
    let found = places.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| {
        let looked: Vec<String> = places.iter().map(|path| path.display().to_string()).collect();
        let why = format!("there is no static agent; run `make static-agent` first (looked at {})", looked.join(", "));
        io::Error::new(io::ErrorKind::NotFound, why)
    })
}

/// A program that runs; dropping it kills it.
#[derive(Debug)]
pub struct Program {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Program {
    /// Starts `name` with nothing inherited but what a login shell has, plus `environment`. What it prints goes to
    /// `folder/<label>.log`.
    ///
    /// # Errors
    /// When the program is not built, or cannot be started.
    pub fn start(
        name: &str,
        label: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        folder: &Path,
    ) -> io::Result<Self> {
        Self::start_at(&binary(name), label, arguments, environment, folder)
    }

    /// Starts any program in the same way.
    ///
    /// # Errors
    /// When it is not there, or cannot be started.
    #[expect(clippy::disallowed_methods, reason = "the programs under test are not children of an Attune worker")]
    pub fn start_at(
        path: &Path,
        label: &str,
        arguments: &[&str],
        environment: &[(&str, &str)],
        folder: &Path,
    ) -> io::Result<Self> {
        if !path.exists() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                format!("{} is not built; run `cargo build --workspace --bins` first", path.display()),
            ));
        }
        let log = folder.join(format!("{label}.log"));
        let output = File::options().create(true).append(true).open(&log)?;
        let mut command = Command::new(path);
        command.args(arguments).env_clear().current_dir(folder);
        for name in ["PATH", "HOME", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.envs(environment.iter().copied());
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        Ok(Self { child: command.spawn()?, name: label.to_owned(), log })
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it printed so far.
    #[must_use]
    pub fn printed(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: i32) {
        if let Ok(pid) = libc::pid_t::try_from(self.pid()) {
            // SAFETY: kill has no memory effects; the pid is our own child that has not been waited for.
            unsafe { libc::kill(pid, signal) };
        }
    }

    /// Waits for its end, at most `within`; the exit code, or 128 + the signal.
    ///
    /// # Errors
    /// When it does not end in time; it is killed then.
    pub fn wait(&mut self, within: Duration) -> io::Result<i32> {
        use std::os::unix::process::ExitStatusExt;
        let deadline = Instant::now() + within;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)));
            }
            if Instant::now() > deadline {
                self.child.kill()?;
                self.child.wait()?;
                return Err(io::Error::new(io::ErrorKind::TimedOut, format!("{} did not end", self.name)));
            }
            pause();
        }
    }

    /// Resident memory in bytes.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        self.status_bytes("VmRSS:")
    }

    /// The most resident memory that it has had, in bytes.
    #[must_use]
    pub fn peak_bytes(&self) -> u64 {
        self.status_bytes("VmHWM:")
    }

    fn status_bytes(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap_or_default();
        status
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .and_then(|rest| rest.split_whitespace().next())
            .and_then(|kib| kib.parse::<u64>().ok())
            .map_or(0, |kib| kib * 1024)
    }

    /// Processor time in milliseconds so far (user and system together).
    #[must_use]
    pub fn processor_ms(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap_or_default();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        (ticks(11) + ticks(12)) * 10
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal(libc::SIGTERM);
            if self.wait(Duration::from_secs(8)).is_err() {
                eprintln!("{} had to be killed", self.name);
            }
        }
        if std::thread::panicking() {
            let printed = self.printed();
            let tail: Vec<&str> = printed.lines().rev().take(40).collect();
            eprintln!("--- last lines of {} ---", self.name);
            for line in tail.iter().rev() {
                eprintln!("{line}");
            }
        }
    }
}

/// The pause between two looks at a condition.
#[expect(clippy::disallowed_methods, reason = "a test's main thread looks again; no arbiter is blocked")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(5));
}
