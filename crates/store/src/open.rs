//! From a URL to a store.

use std::sync::Arc;

use crate::SqliteStore;
use crate::error::StoreError;
use crate::options::OpenOptions;
use crate::store::Store;

/// Opens the store that `url` names: `postgres://...`, `sqlite:path` or `sqlite::memory:`. The schema is not touched:
/// call [`Store::migrate`].
///
/// # Errors
/// [`StoreError::Url`] when the URL cannot be used, [`StoreError::Away`] when the database does not answer.
pub async fn open(url: &str, options: OpenOptions) -> Result<Arc<dyn Store>, StoreError> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Arc::new(SqliteStore::open(url, options).await?)),
        _ => Err(StoreError::Url {
            // What is not understood may hold a password anywhere, so none of it is repeated.
            url: "***".to_owned(),
            reason: "expected postgres://user@host/database, sqlite:path or sqlite::memory:".to_owned(),
        }),
    }
}
