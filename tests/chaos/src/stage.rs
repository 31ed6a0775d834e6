//! A whole deployment on which faults happen.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use attune_end_to_end::binary;
use attune_testkit::postgres::{Durability, TestDatabase};
use attune_testkit::proxy::Link;
use attune_testkit::rabbitmq::TestBroker;
use tokio::task::JoinHandle;

use crate::api::Api;
use crate::host::Host;
use crate::keeper::{Keeper, Recipe, tool};
use crate::pack;
use crate::query::Query;
use crate::settings::{Backend, Settings};

/// Database, broker, programs and the links between them, in a folder of their own.
pub(crate) struct Stage {
    pub(crate) settings: Settings,
    pub(crate) servers: Vec<Arc<Host>>,
    pub(crate) workers: Vec<Arc<Host>>,
    pub(crate) query: Query,
    pub(crate) database: Option<TestDatabase>,
    pub(crate) broker: Option<TestBroker>,
    pub(crate) folder: PathBuf,
    /// Faults of the broker itself happen one after the other, and so do those of the database.
    pub(crate) broker_faults: tokio::sync::Mutex<()>,
    pub(crate) database_faults: tokio::sync::Mutex<()>,
    /// Processes that outlived their executions while the run was under way.
    pub(crate) orphans: std::sync::Mutex<std::collections::BTreeSet<String>>,
    token: Option<String>,
    tending: JoinHandle<()>,
    /// Removed last, when everything that writes to it has ended.
    _folder: tempfile::TempDir,
}

impl Stage {
    /// Starts everything and waits until it works.
    pub(crate) async fn start(settings: Settings, keep: Option<&Path>) -> Result<Self, String> {
        let made = match keep {
            Some(folder) => {
                std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
                tempfile::Builder::new().prefix("run-").disable_cleanup(true).tempdir_in(folder)
            }
            None => tempfile::Builder::new().prefix("attune-chaos-").tempdir(),
        };
        let holder = made.map_err(|error| format!("no temporary folder: {error}"))?;
        let folder = holder.path().canonicalize().map_err(|error| error.to_string())?;
        pack::write(&folder).map_err(|error| format!("writing the pack: {error}"))?;
        std::fs::create_dir_all(folder.join("tmp")).map_err(|error| error.to_string())?;
        let mut parts = match settings.backend {
            Backend::Pg => distributed(&settings, &folder).await?,
            Backend::Sqlite => embedded(&settings, &folder).await.map_err(|error| error.to_string())?,
        };
        if settings.small_disk {
            small_disk(&parts.workers)?;
        }
        let everybody: Vec<Arc<Host>> = parts.servers.iter().chain(&parts.workers).cloned().collect();
        for host in &everybody {
            host.keeper.start().map_err(|error| format!("{}: {error}", host.name))?;
        }
        let tending = tokio::spawn(async move {
            loop {
                everybody.iter().for_each(|host| host.keeper.tick());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let stage = Self {
            servers: std::mem::take(&mut parts.servers),
            workers: std::mem::take(&mut parts.workers),
            query: parts.query,
            database: parts.database,
            broker: parts.broker,
            broker_faults: tokio::sync::Mutex::new(()),
            database_faults: tokio::sync::Mutex::new(()),
            orphans: std::sync::Mutex::default(),
            token: parts.token,
            folder,
            tending,
            settings,
            _folder: holder,
        };
        stage.wait_until_working(Duration::from_secs(90)).await?;
        Ok(stage)
    }

    /// Everybody.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &Arc<Host>> {
        self.servers.iter().chain(&self.workers)
    }

    /// A client of the API of one server, through its link.
    pub(crate) fn api(&self, server: usize) -> Api {
        let host = &self.servers[server % self.servers.len()];
        let port = host.api.as_ref().map_or(0, Link::port);
        let kept = || std::fs::read_to_string(host.state.join("token")).ok().map(|text| text.trim().to_owned());
        Api::new(port, self.token.clone().or_else(kept))
    }

    pub(crate) fn truth(&self) -> PathBuf {
        self.folder.join("out/truth")
    }

    /// The folder of the pack: every process of an action has it in its environment.
    pub(crate) fn mark(&self) -> String {
        self.folder.join("packs/chaos").display().to_string()
    }

    /// Whether this server says that it is ready.
    pub(crate) async fn is_ready(&self, server: usize) -> bool {
        self.api(server).get("/health/ready").await.status == 200
    }

    /// Waits until every server is ready and every worker active.
    pub(crate) async fn wait_until_working(&self, within: Duration) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            let mut ready = 0;
            for server in 0..self.servers.len() {
                ready += usize::from(self.is_ready(server).await);
            }
            let wanted = self.workers.len().max(1);
            let answer = self.api(0).get("/api/v1/workers").await;
            let workers = answer.body["items"].as_array().cloned().unwrap_or_default();
            let active = workers.iter().filter(|worker| worker["status"] == "active").count();
            if ready == self.servers.len() && active >= wanted {
                return Ok(());
            }
            if begun.elapsed() > within {
                let printed = self.hosts().map(|host| tail(&host.keeper.log(), 15)).collect::<Vec<_>>().join("\n");
                return Err(format!(
                    "not working after {within:?}: {ready} servers ready, {active} of {wanted} workers active; {} {}\n{printed}",
                    answer.status, answer.body
                ));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends every program in order; the names of those that had to be killed.
    pub(crate) async fn end(&self) -> Vec<String> {
        for host in self.hosts() {
            host.keeper.retire();
            host.keeper.signal(libc::SIGCONT);
            host.heal();
        }
        let mut stubborn = Vec::new();
        for group in [&self.workers, &self.servers] {
            group.iter().for_each(|host| host.keeper.signal(libc::SIGTERM));
            for host in group {
                if !host.keeper.down(Duration::from_secs(40)).await {
                    stubborn.push(host.name.clone());
                    host.keeper.kill();
                    host.keeper.down(Duration::from_secs(5)).await;
                }
            }
        }
        stubborn
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.tending.abort();
        if let Some(broker) = &self.broker {
            broker.may_leave_unacknowledged();
        }
        for host in self.hosts() {
            host.keeper.retire();
            host.keeper.kill();
        }
        if let (true, Some(host)) = (self.settings.small_disk, self.workers.first()) {
            // It is busy until the worker is gone, and gone from view at once.
            let _ = tool("umount".as_ref(), &["-l", &host.state.display().to_string()], &[]);
        }
    }
}

/// Puts a file system of its own under the state directory of the first worker.
fn small_disk(workers: &[Arc<Host>]) -> Result<(), String> {
    let Some(host) = workers.first() else { return Ok(()) };
    std::fs::create_dir_all(&host.state).map_err(|error| error.to_string())?;
    let place = host.state.display().to_string();
    tool("mount".as_ref(), &["-t", "tmpfs", "-o", "size=64m", "attune-chaos", &place], &[]).map(drop)
}

/// The last lines of a file.
pub(crate) fn tail(path: &Path, count: usize) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    format!("--- {}\n{}", path.display(), lines[lines.len().saturating_sub(count)..].join("\n"))
}

struct Parts {
    servers: Vec<Arc<Host>>,
    workers: Vec<Arc<Host>>,
    query: Query,
    database: Option<TestDatabase>,
    broker: Option<TestBroker>,
    token: Option<String>,
}

/// The same URL with another port.
fn through(url: &str, from: u16, to: u16) -> String {
    url.replacen(&format!(":{from}"), &format!(":{to}"), 1)
}

fn common(settings: &Settings, folder: &Path, state: &Path) -> Vec<(String, String)> {
    let mut environment: Vec<(String, String)> = [
        ("ATTUNE__PACKS__DIRECTORIES", folder.join("packs").display().to_string()),
        ("ATTUNE__PATHS__STATE_DIR", state.display().to_string()),
        ("ATTUNE__LOG__FORMAT", "text".to_owned()),
        ("ATTUNE__LOG__LEVEL", settings.log.clone()),
        ("TMPDIR", folder.join("tmp").display().to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    environment.extend(settings.extra.iter().cloned());
    environment
}

async fn link(to: u16) -> Result<Link, String> {
    Link::start(to).await.map_err(|error| format!("a link cannot be made: {error}"))
}

async fn distributed(settings: &Settings, folder: &Path) -> Result<Parts, String> {
    let durability = if settings.durable { Durability::On } else { Durability::Off };
    let (database, broker) = tokio::join!(TestDatabase::alone(durability), TestBroker::alone());
    let database_port = database.server().map_or(0, attune_testkit::postgres::PostgresServer::port);
    let broker_port = broker.node().map_or(0, attune_testkit::rabbitmq::RabbitNode::port);
    let mut parts = Parts {
        servers: Vec::new(),
        workers: Vec::new(),
        query: Query::postgres(database.url()),
        database: None,
        broker: None,
        token: None,
    };
    for number in 0..settings.servers + settings.workers {
        let is_server = number < settings.servers;
        let name = match is_server {
            true => format!("server{}", number + 1),
            false => format!("worker{}", number + 1 - settings.servers),
        };
        let state = folder.join(format!("state-{name}"));
        let (to_database, to_broker) = (link(database_port).await?, link(broker_port).await?);
        let mut environment = common(settings, folder, &state);
        let mut set = |key: &str, value: String| environment.push((key.to_owned(), value));
        set("ATTUNE__DATABASE__URL", through(database.url(), database_port, to_database.port()));
        set("ATTUNE__MESSAGE_QUEUE__URL", through(broker.url(), broker_port, to_broker.port()));
        // What actions leave is downloaded from servers, so both look in one place.
        set("ATTUNE__PATHS__ARTIFACTS_DIR", folder.join("artifacts").display().to_string());
        let mut api = None;
        if is_server {
            let port = free_port().map_err(|error| error.to_string())?;
            set("ATTUNE__SERVER__PORT", port.to_string());
            api = Some(link(port).await?);
        } else {
            set("ATTUNE__WORKER__NAME", name.clone());
            set("ATTUNE__WORKER__MAX_CONCURRENT_TASKS", settings.slots.to_string());
        }
        let recipe = Recipe {
            program: binary(if is_server { "attune-server" } else { "attune-worker" }),
            arguments: Vec::new(),
            environment,
            directory: folder.to_owned(),
            log: folder.join(format!("{name}.log")),
        };
        let keeper = Keeper::new(&name, recipe);
        let host = Host { name, keeper, database: Some(to_database), broker: Some(to_broker), api, state };
        if is_server { &mut parts.servers } else { &mut parts.workers }.push(Arc::new(host));
    }
    (parts.database, parts.broker) = (Some(database), Some(broker));
    Ok(parts)
}

async fn embedded(settings: &Settings, folder: &Path) -> io::Result<Parts> {
    let state = folder.join("dev");
    let port = free_port()?;
    let mut environment = common(settings, folder, &state);
    environment.push(("ATTUNE__WORKER__MAX_CONCURRENT_TASKS".to_owned(), settings.slots.to_string()));
    let recipe = Recipe {
        program: binary("attune"),
        arguments: ["dev", "--port", &port.to_string(), "--dir", &state.display().to_string()]
            .map(str::to_owned)
            .to_vec(),
        environment,
        directory: folder.to_owned(),
        log: folder.join("dev.log"),
    };
    let keeper = Keeper::new("dev", recipe);
    let api = Some(Link::start(port).await?);
    let query = Query::Sqlite { file: state.join("attune.db") };
    let host = Host { name: "dev".to_owned(), keeper, database: None, broker: None, api, state };
    Ok(Parts { servers: vec![Arc::new(host)], workers: Vec::new(), query, database: None, broker: None, token: None })
}

fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
