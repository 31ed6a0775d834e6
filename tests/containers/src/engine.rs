//! The engine that runs containers.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use crate::Outcome;
use crate::docker::Docker;
use crate::guardian::Guardian;
use crate::site::until;

/// An engine: one that runs already, or a private one that ends when this is dropped.
#[derive(Debug)]
pub struct Engine {
    docker: Docker,
    _daemon: Option<Guardian>,
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
            return Ok(Self { docker: found, _daemon: None, _lock: None });
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
        // Short, because the path of a socket may have 108 bytes. The guardian removes it.
        let folder = tempfile::Builder::new().prefix("attune-engine-").tempdir_in("/tmp")?.keep();
        let socket = format!("unix://{}", folder.join("docker.sock").display());
        let log = File::create(cache.join("engine.log"))?;
        let docker = Docker::find(Some(socket.clone())).ok_or("the docker command went away")?;
        let mut command = docker.for_program(Guardian::program());
        command.env_remove("DOCKER_HOST").stdout(log.try_clone()?).stderr(log).stdin(Stdio::null());
        let (data, execution, number) = (cache.join("engine"), folder.join("exec"), folder.join("pid"));
        let options = [
            ("--host", OsStr::new(&socket)),
            ("--data-root", data.as_os_str()),
            ("--exec-root", execution.as_os_str()),
            ("--pidfile", number.as_os_str()),
        ];
        let options = options.into_iter().flat_map(|(name, value)| [OsStr::new(name), value]);
        let daemon = Guardian::start(command, &folder, std::iter::once(daemon.as_os_str()).chain(options))?;
        let engine = Self { docker, _daemon: Some(daemon), _lock: Some(lock) };
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
