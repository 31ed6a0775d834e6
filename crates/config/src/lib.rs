//! Layered configuration: defaults < file < environment < command line < validation.
//!
//! # Theory of operation
//!
//! Every key is declared once, in [`KEYS`]: its path, its kind, its default, what it means, whether it is secret and
//! which short environment name it has. Everything else is made from that table: the defaults, the reference page
//! ([`reference_markdown`]), the commented example ([`example_yaml`]), the suggestions for misspelt keys and what
//! `--print-config` shows ([`Config::print_with_origins`]).
//!
//! [`Config::load`] reads the layers in order. Each value keeps where it came from. Then every value is read by the
//! kind of its key, and last the values are checked against each other. Nothing is opened or connected to before all
//! of that is done, and all problems are reported together, one line each: the key, the value (secrets as `***`),
//! what to do, and the origin.
//!
//! What can be relied on:
//!
//! * an unknown key is refused in the file, in `ATTUNE__...` names and on the command line, with a suggestion;
//! * text stays text: a password that looks like a number is never turned into one (in the file it must be quoted,
//!   and the error says so);
//! * a secret is never shown, not in errors, not by `Debug`, not by `--print-config`; URLs are shown without password;
//! * `ATTUNE__A__B_FILE` names a file that holds the value of a credential `a.b`; naming both is an error;
//! * an empty environment variable counts as absent, because Compose files write `${NAME:-}`;
//! * no URL for database and broker means embedded: SQLite in `paths.state_dir` and a queue in the process;
//! * the process environment is only read through [`Environment`], so tests never change it.

mod config;
mod credentials;
mod cross_check;
mod duration;
mod environment;
mod error;
mod example;
mod key;
mod keys;
mod kind;
mod layers;
mod print;
mod problem;
mod reading;
mod reference;
mod secret;
mod secret_url;
mod sections;
mod setting;
mod size;
mod sources;
mod suggestion;

pub use config::Config;
pub use environment::{Environment, ProcessEnvironment};
pub use error::ConfigError;
pub use example::example_yaml;
pub use key::Key;
pub use keys::{KEYS, reference};
pub use kind::Kind;
pub use problem::Problem;
pub use reference::reference_markdown;
pub use secret::Secret;
pub use secret_url::SecretUrl;
pub use sections::{
    ArtifactStoreKind, Artifacts, Client, Database, Log, LogFormat, MessageQueue, OutputPolicy, Packs, Paths, Protocol,
    Retention, Sandbox, SandboxFilesystem, SandboxLevel, Security, Server, Trust, Worker, WorkerCapabilities,
    WorkerType,
};
pub use setting::Setting;
pub use sources::Sources;
