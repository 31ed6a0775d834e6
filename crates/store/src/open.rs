//! From a URL to a store.

use std::sync::Arc;

use crate::PostgresStore;
#[cfg(feature = "sqlite")]
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
        Some("postgres" | "postgresql") => Ok(Arc::new(PostgresStore::open(url, options).await?)),
        #[cfg(feature = "sqlite")]
        Some("sqlite") => Ok(Arc::new(SqliteStore::open(url, options).await?)),
        #[cfg(not(feature = "sqlite"))]
        Some("sqlite") => Err(StoreError::Url {
            url: masked(url),
            reason: "this program speaks to PostgreSQL alone; `attune dev` has all in one process, on SQLite"
                .to_owned(),
        }),
        _ => Err(StoreError::Url {
            // What is not understood may hold a password anywhere, so none of it is repeated.
            url: "***".to_owned(),
            reason: "expected postgres://user@host/database, sqlite:path or sqlite::memory:".to_owned(),
        }),
    }
}

/// A URL without what may be secret in it: the password, and the parameters behind the question mark.
pub(crate) fn masked(url: &str) -> String {
    let plain = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = plain.split_once("://") else { return "***".to_owned() };
    // A password may hold a slash or an at sign that nobody escaped: everything up to the last one is masked.
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split(':').next().unwrap_or_default();
            let secret = if user.contains(':') { ":***" } else { "" };
            format!("{scheme}://{name}{secret}@{host}")
        }
        None => plain.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_their_secrets() {
        for (url, shown) in [
            ("postgres://attune:s3cret@db:5432/attune", "postgres://attune:***@db:5432/attune"),
            ("postgres://attune:a@b/c@db/attune", "postgres://attune:***@db/attune"),
            ("postgres://attune@db/attune?password=s3cret", "postgres://attune@db/attune"),
            ("postgres://db/attune", "postgres://db/attune"),
            ("host=db password=s3cret", "***"),
        ] {
            assert_eq!(masked(url), shown);
        }
    }

    #[tokio::test]
    async fn an_unknown_scheme_is_refused_without_repeating_it() {
        let error = open("mysql://root:s3cret@db/x", OpenOptions::default()).await.err().expect("refused");
        assert!(!format!("{error:?}").contains("s3cret"));
        assert!(error.to_string().contains("expected postgres://"));
    }
}
