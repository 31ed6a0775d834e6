//! A private PostgreSQL server.

use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::authority::Certificate;
use crate::guard::Guard;
use crate::ports::free_ports;
use crate::programs;
use crate::start_error::StartError;

/// The variable that names a running server to use instead of a private one.
pub(crate) const URL_VARIABLE: &str = "ATTUNE_TEST_DATABASE_URL";

/// Whether a commit survives the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Nothing is synchronised: for tests that only want answers.
    Off,
    /// As in production: for anything that is measured or killed.
    On,
}

/// A private server. It ends with this value, or with the process.
#[derive(Debug)]
pub struct PostgresServer {
    guard: Guard,
    programs: PathBuf,
    port: u16,
}

impl PostgresServer {
    /// Starts one in a temporary directory on a free port; takes two seconds or so.
    pub async fn start(durability: Durability) -> Result<Self, StartError> {
        let missing = || StartError::Missing { program: "PostgreSQL", variable: URL_VARIABLE };
        let programs = programs::postgres_directory().ok_or_else(missing)?;
        // Root is refused by the server itself; Debian's package brings the user.
        let user = if programs::are_root() { "postgres" } else { "" };
        let durable = match durability {
            Durability::Off => "off",
            Durability::On => "on",
        };
        let mut attempts_left = 3;
        loop {
            let [port] = free_ports()?;
            let shown = port.to_string();
            let arguments = [programs.as_os_str(), OsStr::new(&shown), durable.as_ref(), user.as_ref()];
            let guard = Guard::start("PostgreSQL", "attune-postgres-", include_str!("guard.sh"), &arguments)?;
            let server = Self { guard, programs: programs.clone(), port };
            attempts_left -= 1;
            match server.wait().await {
                Ok(()) => return Ok(server),
                // Somebody may have taken the port in between.
                Err(_) if attempts_left > 0 => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// URL of a database on it. Everybody is trusted.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://test@127.0.0.1:{}/{database}", self.port)
    }

    /// Kills the server with SIGKILL, as if the machine had failed.
    pub fn crash(&self) -> Result<(), StartError> {
        self.guard.order("crash")
    }

    /// Stops the server in order, disconnecting everybody.
    pub fn stop(&self) -> Result<(), StartError> {
        self.guard.order("stop")
    }

    /// Stops it at once and in disorder (`pg_ctl stop -m immediate`): connections break, and the next start recovers.
    pub fn quit(&self) -> Result<(), StartError> {
        self.guard.order("quit")
    }

    /// Stops all of its processes in their tracks (SIGSTOP): connections stay open and nobody answers.
    /// Returns when that is so.
    ///
    /// # Errors
    /// When its guard is gone.
    pub async fn freeze(&self) -> Result<(), StartError> {
        self.guard.freeze().await
    }

    /// Lets them go on after [`freeze`](Self::freeze).
    pub fn thaw(&self) -> Result<(), StartError> {
        self.guard.order("thaw")
    }

    /// Starts it anew with this certificate: it takes encrypted connections, too. Must be called on a server that nobody
    /// else uses.
    ///
    /// # Errors
    /// When it does not come up again.
    ///
    /// # Panics
    /// When the certificate cannot be put in its place.
    pub async fn encrypt(&self, certificate: &Certificate) -> Result<(), StartError> {
        let data = self.directory().join("data");
        let install = |from: &Path, name: &str| {
            let text = std::fs::read(from)?;
            let path = data.join(name);
            std::fs::write(&path, text)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
            let owner = std::fs::metadata(&data)?;
            std::os::unix::fs::chown(&path, Some(owner.uid()), Some(owner.gid()))
        };
        let installed = install(&certificate.certificate_file, "server.crt")
            .and_then(|()| install(&certificate.key_file, "server.key"))
            .and_then(|()| std::fs::OpenOptions::new().append(true).open(data.join("postgresql.conf")))
            .and_then(|mut settings| std::io::Write::write_all(&mut settings, b"ssl = on\n"));
        if let Err(error) = installed {
            panic!("the certificate could not be installed: {error}");
        }
        self.stop()?;
        self.start_again().await
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory that holds its cluster in `data`, and its log.
    #[must_use]
    pub fn directory(&self) -> &std::path::Path {
        self.guard.directory()
    }

    /// Starts it again after [`crash`](Self::crash), [`stop`](Self::stop) or [`quit`](Self::quit) and waits until it answers.
    pub async fn start_again(&self) -> Result<(), StartError> {
        self.guard.wait_until_silent(self.port).await?;
        self.guard.order("start")?;
        self.wait().await
    }

    async fn wait(&self) -> Result<(), StartError> {
        let port = self.port.to_string();
        self.guard
            .wait_until(|| {
                programs::command(self.programs.join("pg_isready"))
                    .args(["-q", "-h", "127.0.0.1", "-p", &port, "-d", "postgres", "-U", "test"])
                    .stdin(Stdio::null())
                    .status()
                    .is_ok_and(|status| status.success())
            })
            .await
    }
}
