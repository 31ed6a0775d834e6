//! The engine that runs containers.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::Outcome;
use crate::docker::Docker;
use crate::site::until;

/// An engine: one that runs already, or a private one that ends when this is dropped.
#[derive(Debug)]
pub struct Engine {
    docker: Docker,
    daemon: Option<Child>,
    _folder: Option<tempfile::TempDir>,
    _lock: Option<File>,
}

impl Engine {
    /// The engine that `DOCKER_HOST` or the usual socket leads to, else a private one, which takes root and `dockerd`.
    ///
    /// # Errors
    /// Why none can be had, for people.
    pub fn start() -> Outcome<Self> {
        let found = Docker::find(None).ok_or("there is no docker command; run scripts/install-container-engine.sh")?;
        if found.run(["info"]).is_ok() {
            return Ok(Self { docker: found, daemon: None, _folder: None, _lock: None });
        }
        let daemon = ["/usr/sbin/dockerd", "/usr/bin/dockerd"].into_iter().map(Path::new).find(|path| path.is_file());
        let daemon = daemon.ok_or("no engine runs and there is no dockerd; run scripts/install-container-engine.sh")?;
        // SAFETY: geteuid has no preconditions and no effects.
        if unsafe { libc::geteuid() } != 0 {
            return Err("no engine runs, and only root can start one".into());
        }
        Self::start_private(daemon)
    }

    /// Images outlive it in the cache, so there is one at a time.
    fn start_private(daemon: &Path) -> Outcome<Self> {
        let cache = cache();
        std::fs::create_dir_all(&cache)?;
        let lock = File::create(cache.join("lock"))?;
        lock.lock()?;
        // Short, because the path of a socket may have 108 bytes.
        let folder = tempfile::Builder::new().prefix("attune-engine-").tempdir_in("/tmp")?;
        let socket = format!("unix://{}", folder.path().join("docker.sock").display());
        let log = File::create(cache.join("engine.log"))?;
        let docker = Docker::find(Some(socket.clone())).ok_or("the docker command went away")?;
        // It ends with this process, however that ends.
        let mut command = docker.for_program(Path::new("setpriv"));
        command.env_remove("DOCKER_HOST").args(["--pdeathsig", "TERM", "--"]).arg(daemon);
        command.args(["--host", &socket, "--data-root"]).arg(cache.join("engine"));
        command.arg("--exec-root").arg(folder.path().join("exec"));
        command.arg("--pidfile").arg(folder.path().join("pid"));
        command.stdout(log.try_clone()?).stderr(log).stdin(Stdio::null());
        let daemon = command.spawn()?;
        let engine = Self { docker, daemon: Some(daemon), _folder: Some(folder), _lock: Some(lock) };
        until("the engine to answer", Duration::from_secs(60), || engine.docker.run(["info"]).is_ok()).map_err(
            |error| {
                let log = std::fs::read_to_string(cache.join("engine.log")).unwrap_or_default();
                let last: Vec<&str> = log.lines().rev().take(5).collect();
                format!("{error}; it said: {}", last.join(" | "))
            },
        )?;
        Ok(engine)
    }

    /// The command that speaks to it.
    #[must_use]
    pub fn docker(&self) -> &Docker {
        &self.docker
    }
}

/// Where engine and images are kept between runs: `ATTUNE_CONTAINER_CACHE`, else a folder of the user's cache.
pub(crate) fn cache() -> PathBuf {
    let named = std::env::var_os("ATTUNE_CONTAINER_CACHE").map(PathBuf::from);
    let usual = || {
        let home = || std::env::var_os("HOME").map_or_else(|| PathBuf::from("/root"), PathBuf::from).join(".cache");
        std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("attune").join("containers")
    };
    named.unwrap_or_else(usual)
}

impl Drop for Engine {
    fn drop(&mut self) {
        let Some(daemon) = &mut self.daemon else { return };
        if let Ok(pid) = libc::pid_t::try_from(daemon.id()) {
            // SAFETY: kill has no memory effects; the pid is our own child that has not been waited for.
            unsafe { libc::kill(pid, libc::SIGTERM) };
        }
        let ended = until("the engine to end", Duration::from_secs(30), || matches!(daemon.try_wait(), Ok(Some(_))));
        if ended.is_err() {
            eprintln!("the engine had to be killed");
            let _gone: io::Result<()> = daemon.kill();
            let _gone = daemon.wait();
        }
    }
}
