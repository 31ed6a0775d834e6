//! Why the store could not do what it was asked.

/// A failed call. [`StoreError::is_passing`] tells whether the same call may succeed later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database URL cannot be used.
    #[error("database URL {url:?} cannot be used: {reason}")]
    Url {
        /// The URL with its password masked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The database did not answer, is starting, is read-only or has no connection to spare.
    #[error("the database did not answer while {doing}")]
    Away {
        /// What was being done.
        doing: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// The database refused the statement.
    #[error("the database refused while {doing}")]
    Refused {
        /// What was being done.
        doing: &'static str,
        /// The driver's error.
        #[source]
        source: sqlx::Error,
    },
    /// A migration failed.
    #[error("the database schema could not be brought up to date")]
    Migrate {
        /// The migrator's error.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// Something stored does not read back.
    #[error("{what} in the database cannot be read: {reason}")]
    Corrupt {
        /// What.
        what: &'static str,
        /// Why.
        reason: String,
    },
    /// A file could not be kept where files are kept.
    #[error("{reason}")]
    Content {
        /// Why.
        reason: String,
        /// Whether the same may succeed later.
        passing: bool,
    },
    /// An execution has secret parameters, and who wants to repeat it has no key to seal them anew with.
    #[error("the secret parameters of execution {execution} cannot be repeated without a key")]
    NoKey {
        /// Which execution.
        execution: attune_types::ExecutionId,
    },
    /// A ciphertext could not be made, or moved to where it is needed.
    #[error("a ciphertext could not be made")]
    Secret {
        /// Why.
        #[source]
        source: attune_secret::SecretError,
    },
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system: {reason}")]
    Random {
        /// Why.
        reason: String,
    },
}

impl StoreError {
    /// Whether waiting and trying again makes sense.
    #[must_use]
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Content { passing: true, .. })
    }
}
