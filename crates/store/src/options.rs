//! How a store is opened.

use std::path::PathBuf;
use std::time::Duration;

use attune_types::PlainText;

use crate::api_token::ApiToken;
use crate::model::ReaperPolicy;

/// How a store is opened. [`OpenOptions::default`] suits a program that has nothing special to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenOptions {
    /// What the database shows as the name of this program, e.g. `attune-worker/w1`.
    pub application_name: String,
    /// The most connections that are held at once. SQLite uses one of them for writing.
    pub max_connections: u32,
    /// How long a call waits for a connection before it answers [`crate::StoreError::Away`].
    pub acquire_timeout: Duration,
    /// How long a call may take before it is given up with [`crate::StoreError::Away`] and its connection is closed.
    pub call_timeout: Duration,
    /// How many attempts of an execution may be handed back before anything ran until it fails as undeliverable.
    pub most_unstarted: i32,
    /// The key that a worker was given when its name was enrolled; it registers the name with it.
    pub enrolment_key: Option<ApiToken>,
    /// Certificates of the authority that vouches for the database. Set: its certificate and its name are verified.
    pub ca_file: Option<PathBuf>,
    /// Which databases may be spoken to without encryption.
    pub plain_text: PlainText,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            application_name: "attune".to_owned(),
            max_connections: 8,
            acquire_timeout: Duration::from_secs(10),
            call_timeout: Duration::from_secs(30),
            most_unstarted: ReaperPolicy::default().most_unstarted,
            enrolment_key: None,
            ca_file: None,
            plain_text: PlainText::default(),
        }
    }
}
