//! Why the control plane could not be started.

use std::net::SocketAddr;

use attune_store::StoreError;

use crate::secrets::VaultError;

/// A failed start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// Anybody who reaches the address could run anything.
    #[error("refusing to listen on {address} without a token: set server.api_token or listen on 127.0.0.1")]
    Exposed {
        /// The address that is not a loopback address.
        address: SocketAddr,
    },
    /// The token is too easy to guess.
    #[error("server.api_token has {length} characters, and needs at least {least}")]
    WeakToken {
        /// How many it has.
        length: usize,
        /// How many it needs.
        least: usize,
    },
    /// The token is one of those that everybody tries.
    #[error("server.api_token is easy to guess: set it to random characters, e.g. those of `openssl rand -hex 24`")]
    GuessableToken,
    /// The address cannot be listened on.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The keys that are here do not open what is stored. The message says which key is missing.
    #[error("{0}")]
    Secrets(VaultError),
    /// A pack could not be stored.
    #[error("failed to store the pack {pack}")]
    StorePack {
        /// The pack's name.
        pack: String,
        /// Why.
        #[source]
        source: StoreError,
    },
}
