//! How a deployment is set up.

/// The back end under a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Backend {
    /// PostgreSQL and RabbitMQ, servers and workers as programs of their own.
    Pg,
    /// `attune dev`: everything in one process, on SQLite.
    Sqlite,
}

/// How large it is, and what is set differently from the defaults.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) backend: Backend,
    pub(crate) servers: usize,
    pub(crate) workers: usize,
    pub(crate) slots: usize,
    /// Whether commits survive the machine, as in production.
    pub(crate) durable: bool,
    /// Whether the first worker's state lies on a small disk of its own, which root can make.
    pub(crate) small_disk: bool,
    /// Environment of every program, besides the necessary.
    pub(crate) extra: Vec<(String, String)>,
    /// The level of the programs' own logs.
    pub(crate) log: String,
}

impl Settings {
    pub(crate) fn of(backend: Backend) -> Self {
        Self {
            backend,
            servers: 2,
            workers: 3,
            slots: 20,
            durable: true,
            small_disk: false,
            extra: vec![
                // Head and tail of each stream; what is between is cut out and marked.
                ("ATTUNE__WORKER__MAX_STDOUT_BYTES".to_owned(), "1MiB".to_owned()),
            ],
            log: "info,attune_worker=debug,attune_queue=debug,attune_control=debug".to_owned(),
        }
    }
}
