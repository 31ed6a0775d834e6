//! Puts a control plane together.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use attune_artifacts::Place;
use attune_pack::Shelf;
use attune_queue::Queue;
use attune_store::{ReaperPolicy, RetentionPolicy, Store};

use crate::agents::AgentShelf;
use crate::api::ApiLimits;
use crate::api::packs::contents_of;
use crate::error::ControlError;
use crate::handle::ControlHandle;
use crate::scheduler::PlacementPolicy;
use crate::secrets::Vault;
use crate::ticks::Ticks;
use crate::tree::{self, Parts};

/// The least length of a token, in characters.
const LEAST_TOKEN: usize = 16;

/// The least number of different characters in a token: random ones have many more, and `changemechangeme` does not.
const LEAST_VARIETY: usize = 8;

/// Words that nobody's token consists of by chance.
const WELL_KNOWN: &[&str] = &["changeme", "password", "secret", "example", "default", "admin", "token", "attune"];

/// Whether a token is one that somebody would try: a well-known word again and again, or few different characters.
fn is_guessable(token: &str) -> bool {
    let variety: std::collections::BTreeSet<char> = token.chars().collect();
    let mut rest = token.to_lowercase();
    for word in WELL_KNOWN {
        rest = rest.replace(word, "");
    }
    rest.retain(|character| character.is_alphanumeric());
    variety.len() < LEAST_VARIETY || rest.trim_matches(|character: char| character.is_ascii_digit()).is_empty()
}

/// The control plane: API, scheduler, relay and reaper.
#[derive(Debug, Clone, Copy)]
pub struct Control;

impl Control {
    /// Begins a control plane on `store` and `queue`. The packs of `shelf` are stored when it starts, and when they change.
    #[must_use]
    pub fn builder(store: Arc<dyn Store>, queue: Arc<dyn Queue>, shelf: Shelf) -> ControlBuilder {
        ControlBuilder {
            store,
            queue,
            shelf: Arc::new(shelf),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            listener: None,
            api: true,
            token: None,
            limits: ApiLimits::default(),
            timing: ReaperPolicy::default(),
            placement: PlacementPolicy::default(),
            retention: RetentionPolicy::default(),
            place: None,
            agents: None,
            vault: None,
            ticks: Ticks::default(),
            threads: 2,
            fault_injection: false,
        }
    }
}

/// What a control plane is made of.
pub struct ControlBuilder {
    store: Arc<dyn Store>,
    queue: Arc<dyn Queue>,
    shelf: Arc<Shelf>,
    address: SocketAddr,
    listener: Option<TcpListener>,
    api: bool,
    token: Option<String>,
    limits: ApiLimits,
    timing: ReaperPolicy,
    placement: PlacementPolicy,
    retention: RetentionPolicy,
    place: Option<Place>,
    agents: Option<Arc<AgentShelf>>,
    vault: Option<Arc<Vault>>,
    ticks: Ticks,
    threads: usize,
    fault_injection: bool,
}

impl ControlBuilder {
    /// Where the API listens; port 0 takes any free one. Absent: 127.0.0.1 and any free port.
    #[must_use]
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// A socket that listens already, e.g. one that was found by trying ports.
    #[must_use]
    pub fn listener(mut self, listener: TcpListener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// No API: nothing is listened on, and [`ControlHandle::address`] is 127.0.0.1 with port 0. For a program that speaks
    /// to the store itself.
    #[must_use]
    pub fn without_api(mut self) -> Self {
        self.api = false;
        self
    }

    /// The token that every request must carry, at least 16 characters. Without one the API listens on loopback alone.
    #[must_use]
    pub fn api_token(mut self, token: Option<String>) -> Self {
        self.token = token;
        self
    }

    /// What one caller of the API may ask for.
    #[must_use]
    pub fn limits(mut self, limits: ApiLimits) -> Self {
        self.limits = limits;
        self
    }

    /// When leases end, and how long an outbox message is held.
    #[must_use]
    pub fn timing(mut self, timing: ReaperPolicy) -> Self {
        self.timing = timing;
        self
    }

    /// How work is placed.
    #[must_use]
    pub fn placement(mut self, placement: PlacementPolicy) -> Self {
        self.placement = placement;
        self
    }

    /// How long what has ended is kept. Absent: output and files for 30 days, executions for 90.
    #[must_use]
    pub fn retention(mut self, retention: RetentionPolicy) -> Self {
        self.retention = retention;
        self
    }

    /// Where workers keep files of executions, so that they can be downloaded here.
    #[must_use]
    pub fn artifacts(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// The folder with the agents that are given out. Absent: none are.
    #[must_use]
    pub fn agents(mut self, directory: Option<PathBuf>) -> Self {
        self.agents = directory.map(|directory| Arc::new(AgentShelf::new(directory)));
        self
    }

    /// The keys of secrets. Absent: none can be stored, none are given to executions, and parameters marked secret are
    /// refused.
    #[must_use]
    pub fn vault(mut self, vault: Option<Arc<Vault>>) -> Self {
        self.vault = vault;
        self
    }

    /// How often things are done without being woken.
    #[must_use]
    pub fn ticks(mut self, ticks: Ticks) -> Self {
        self.ticks = ticks;
        self
    }

    /// How many threads read requests; at least 1. Absent: 2.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = threads.max(1);
        self
    }

    /// Allows [`attune_supervise::Crash`] on the tree. For tests.
    #[must_use]
    pub fn fault_injection(mut self, allowed: bool) -> Self {
        self.fault_injection = allowed;
        self
    }

    fn listen_error(&self, source: std::io::Error) -> ControlError {
        ControlError::Listen { address: self.address, source }
    }

    /// The socket of the API, which is on loopback unless there is a token.
    fn open_socket(&mut self) -> Result<TcpListener, ControlError> {
        let given = match &self.listener {
            Some(listener) => listener.local_addr().map_err(|source| self.listen_error(source))?,
            None => self.address,
        };
        if self.token.is_none() && !given.ip().is_loopback() {
            return Err(ControlError::Exposed { address: given });
        }
        match self.listener.take() {
            Some(listener) => Ok(listener),
            None => TcpListener::bind(self.address).map_err(|source| self.listen_error(source)),
        }
    }

    /// Opens the socket, stores the packs and starts the tree. The store's schema must be up to date. Must run inside an
    /// actix system on a tokio runtime that outlives it.
    ///
    /// # Errors
    /// [`ControlError`] when the API would be open to everybody, the socket cannot be opened or a pack cannot be stored.
    pub async fn start(mut self) -> Result<ControlHandle, ControlError> {
        if let Some(token) = &self.token
            && token.chars().count() < LEAST_TOKEN
        {
            return Err(ControlError::WeakToken { length: token.chars().count(), least: LEAST_TOKEN });
        }
        if let Some(token) = &self.token
            && is_guessable(token)
        {
            return Err(ControlError::GuessableToken);
        }
        let listener = if self.api { Some(self.open_socket()?) } else { None };
        let address = match &listener {
            Some(listener) => listener.local_addr().map_err(|source| self.listen_error(source))?,
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        };

        if let Some(vault) = &self.vault {
            vault.check(self.store.as_ref()).await.map_err(ControlError::Secrets)?;
        }
        for pack in self.shelf.library().packs() {
            let contents = contents_of(pack);
            let name = contents.pack.pack_ref.clone();
            self.store.put_pack(&contents).await.map_err(|source| ControlError::StorePack { pack: name, source })?;
        }
        let (supervisor, ending) = tree::start(Parts {
            shelf: self.shelf,
            store: self.store,
            queue: self.queue,
            listener,
            token: self.token,
            limits: self.limits,
            timing: self.timing,
            placement: self.placement,
            retention: self.retention,
            place: self.place,
            agents: self.agents,
            vault: self.vault,
            ticks: self.ticks,
            threads: self.threads,
            fault_injection: self.fault_injection,
        });
        tracing::info!(api.address = %address, "control plane started");
        Ok(ControlHandle::new(address, supervisor, ending))
    }
}
