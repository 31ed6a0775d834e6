//! A server with its workers.

use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::client::Client;
use crate::program::{Program, pause, repository};

/// One server and any number of workers on one database and one broker.
#[derive(Debug)]
pub struct Deployment {
    /// The server.
    pub server: Program,
    /// The workers, in the order they were started.
    pub workers: Vec<Program>,
    database_url: String,
    broker_url: String,
    address: String,
    folder: tempfile::TempDir,
}

impl Deployment {
    /// Starts a server and waits until it is ready.
    ///
    /// # Errors
    /// When it does not become ready within 30 s.
    pub fn start(database_url: &str, broker_url: &str, extra: &[(&str, &str)]) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("attune-deployment-").tempdir()?;
        let port = free_port()?;
        let packs = packs();
        let port_text = port.to_string();
        let mut environment = vec![
            ("ATTUNE__DATABASE__URL", database_url),
            ("ATTUNE__MESSAGE_QUEUE__URL", broker_url),
            ("ATTUNE__SERVER__PORT", port_text.as_str()),
            ("ATTUNE__PACKS__DIRECTORIES", packs.as_str()),
            ("ATTUNE__LOG__FORMAT", "text"),
        ];
        environment.extend_from_slice(extra);
        let server = Program::start("attune-server", "server", &[], &environment, folder.path())?;
        let deployment = Self {
            server,
            workers: Vec::new(),
            database_url: database_url.to_owned(),
            broker_url: broker_url.to_owned(),
            address: format!("http://127.0.0.1:{port}"),
            folder,
        };
        let client = deployment.client();
        wait_for("the server to be ready", Duration::from_secs(30), || client.is_ready())?;
        Ok(deployment)
    }

    /// Starts one more server on the same database and broker, without waiting for it. It listens on a port of its own that
    /// nobody needs to know.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn add_server(&self, label: &str, extra: &[(&str, &str)]) -> io::Result<Program> {
        let packs = packs();
        let mut environment = vec![
            ("ATTUNE__DATABASE__URL", self.database_url.as_str()),
            ("ATTUNE__MESSAGE_QUEUE__URL", self.broker_url.as_str()),
            ("ATTUNE__SERVER__PORT", "0"),
            ("ATTUNE__PACKS__DIRECTORIES", packs.as_str()),
            ("ATTUNE__LOG__FORMAT", "text"),
        ];
        environment.extend_from_slice(extra);
        Program::start("attune-server", label, &[], &environment, self.folder.path())
    }

    /// Starts one more worker, without waiting for it.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn add_worker(&mut self, name: &str, slots: u32, extra: &[(&str, &str)]) -> io::Result<()> {
        self.add("attune-worker", name, slots, extra)
    }

    /// Starts one more agent, without waiting for it: a worker that prepares what is asked of it, when it is asked.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn add_agent(&mut self, name: &str, slots: u32, extra: &[(&str, &str)]) -> io::Result<()> {
        self.add("attune-agent", name, slots, extra)
    }

    fn add(&mut self, program: &str, name: &str, slots: u32, extra: &[(&str, &str)]) -> io::Result<()> {
        let state = self.folder.path().join(format!("state-{name}")).display().to_string();
        let variables = self.variables(name, slots, &state, &packs());
        let mut environment: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        environment.extend_from_slice(extra);
        self.workers.push(Program::start(program, name, &[], &environment, self.folder.path())?);
        Ok(())
    }

    /// What a worker of this deployment is told, for whoever starts it otherwise: its name and slots, where it keeps its
    /// state and where packs lie, as it sees them.
    #[must_use]
    pub fn variables(&self, name: &str, slots: u32, state: &str, packs: &str) -> Vec<(&'static str, String)> {
        vec![
            ("ATTUNE__DATABASE__URL", self.database_url.clone()),
            ("ATTUNE__MESSAGE_QUEUE__URL", self.broker_url.clone()),
            ("ATTUNE__WORKER__NAME", name.to_owned()),
            ("ATTUNE__WORKER__MAX_CONCURRENT_TASKS", slots.to_string()),
            ("ATTUNE__PACKS__DIRECTORIES", packs.to_owned()),
            ("ATTUNE__PATHS__STATE_DIR", state.to_owned()),
            ("ATTUNE__LOG__FORMAT", "text".to_owned()),
        ]
    }

    /// Waits until so many workers are active.
    ///
    /// # Errors
    /// When they are not within 30 s.
    pub fn wait_for_workers(&self, count: usize) -> io::Result<()> {
        let client = self.client();
        wait_for("the workers to register", Duration::from_secs(30), || {
            client.get("/workers").is_ok_and(|body| {
                let workers = body["items"].as_array().cloned().unwrap_or_default();
                workers.iter().filter(|worker| worker["status"] == "active").count() >= count
            })
        })
    }

    /// Where its API listens, without a path.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// A client of its API.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// The folder that holds the programs' logs and states.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Looks at `condition` until it holds.
///
/// # Errors
/// When it does not hold within `within`.
pub(crate) fn wait_for(what: &str, within: Duration, mut condition: impl FnMut() -> bool) -> io::Result<()> {
    let deadline = Instant::now() + within;
    while !condition() {
        if Instant::now() > deadline {
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("waited {within:?} for {what}")));
        }
        pause();
    }
    Ok(())
}

fn packs() -> String {
    repository().join("packs").display().to_string()
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
