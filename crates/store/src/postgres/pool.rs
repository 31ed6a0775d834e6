//! Connections that are set up alike and dropped when they cannot be trusted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{Connection, Row};

use crate::api_token::ApiToken;
use crate::options::OpenOptions;

/// A connection that lay idle so long is asked whether it still stands before it is used.
const IDLE: Duration = Duration::from_secs(10);

/// How many acquisitions are checked after a call failed in a way that may concern every connection.
///
/// A server that was demoted keeps its connections open and answers pings, so sqlx's own test does not notice; and a
/// check at every acquisition would cost every call a round trip.
#[derive(Debug, Clone, Default)]
pub(super) struct Suspicion(Arc<AtomicU32>);

impl Suspicion {
    /// Makes the next acquisitions check what they get.
    pub(super) fn raise(&self, connections: u32) {
        self.0.store(connections.saturating_mul(2), Ordering::Relaxed);
    }

    fn checks_next(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// What this process is to the database.
#[derive(Clone)]
pub(super) struct Who {
    /// Tells its commits from everybody else's; everybody sees it.
    pub(super) instance: String,
    /// By which a worker proves that it is the one that registered. Nobody else ever sees it: the database keeps a hash.
    pub(super) secret: String,
    /// The key of an enrolled worker.
    pub(super) worker_key: Option<ApiToken>,
}

/// What every connection is told. `instance` marks the notifications it causes.
///
/// Every statement here finds its rows by key, so the plans that read whole tables are switched off: a plan that is
/// made and kept while the tables are empty would otherwise go on to read millions of rows. (Planning every statement
/// anew was rejected: it costs more than running it.) With them off, costs look huge, which would start the
/// just-in-time compiler.
async fn set_up(connection: &mut PgConnection, who: &Who) -> Result<bool, sqlx::Error> {
    let row = sqlx::query(
        "SELECT set_config('attune.instance', $1, FALSE), set_config('attune.secret', $2, FALSE), \
         set_config('attune.worker_key', $3, FALSE), set_config('enable_seqscan', 'off', FALSE), \
         set_config('enable_hashjoin', 'off', FALSE), set_config('enable_mergejoin', 'off', FALSE), \
         set_config('jit', 'off', FALSE), set_config('plan_cache_mode', 'force_generic_plan', FALSE), \
         set_config('statement_timeout', '60s', FALSE), \
         set_config('idle_in_transaction_session_timeout', '60s', FALSE), \
         pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS read_only",
    )
    .bind(&who.instance)
    .bind(&who.secret)
    .bind(who.worker_key.as_ref().map_or("", ApiToken::expose))
    .fetch_one(connection)
    .await?;
    row.try_get("read_only")
}

fn read_only() -> sqlx::Error {
    sqlx::Error::Io(std::io::Error::other("the server is read-only: a replica, or a primary that is being replaced"))
}

/// A pool of at most `most` connections.
pub(super) fn options(options: &OpenOptions, most: u32, who: &Arc<Who>, suspicion: &Suspicion) -> PgPoolOptions {
    let who = Arc::clone(who);
    let suspicion = suspicion.clone();
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(options.acquire_timeout)
        // Below, where it knows when to ask.
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let who = Arc::clone(&who);
            Box::pin(async move { if set_up(connection, &who).await? { Err(read_only()) } else { Ok(()) } })
        })
        .before_acquire(move |connection, metadata| {
            let suspicious = suspicion.checks_next();
            Box::pin(async move {
                if suspicious {
                    let row = sqlx::query("SELECT current_setting('transaction_read_only') = 'off' AS usable")
                        .fetch_one(connection)
                        .await?;
                    return row.try_get("usable");
                }
                if metadata.idle_for > IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
}

/// Reads a URL. What libpq's environment variables say fills the gaps.
pub(super) fn connect_options(url: &str, options: &OpenOptions) -> Result<PgConnectOptions, sqlx::Error> {
    use sqlx::ConnectOptions as _;
    let parsed: PgConnectOptions = url.parse()?;
    // PostgreSQL cuts a longer name off with a notice.
    let name: String = options.application_name.chars().take(63).collect();
    Ok(parsed.application_name(&name).statement_cache_capacity(200).disable_statement_logging())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suspicion_lasts_for_as_many_acquisitions_as_there_may_be_stale_connections() {
        let suspicion = Suspicion::default();
        assert!(!suspicion.checks_next());
        suspicion.raise(2);
        assert_eq!([(); 5].map(|()| suspicion.checks_next()), [true, true, true, true, false]);
    }
}
