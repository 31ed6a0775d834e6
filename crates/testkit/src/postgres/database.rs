//! A database for one test.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::OnceCell;

use super::server::{Durability, PostgresServer, URL_VARIABLE};
use crate::programs;
use crate::start_error::StartError;

/// The server that the tests of this process share. Never dropped: its guard ends it when the process is gone.
static SHARED: OnceCell<Shared> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(1);

/// Where the shared server is, and the server itself when it is ours.
#[derive(Debug)]
struct Shared {
    url: String,
    _server: Option<PostgresServer>,
}

/// An empty database of its own, dropped with this value.
#[derive(Debug)]
pub struct TestDatabase {
    url: String,
    administration_url: String,
    name: String,
    alone: Option<Arc<PostgresServer>>,
}

impl TestDatabase {
    /// Makes one on the server that all tests of this process share, or on the one `ATTUNE_TEST_DATABASE_URL` names.
    ///
    /// # Panics
    /// When there is no server and none can be started; the message says what to do.
    pub async fn create() -> Self {
        let shared = SHARED.get_or_try_init(|| async {
            match std::env::var(URL_VARIABLE) {
                Ok(url) => Ok(Shared { url, _server: None }),
                Err(_) => {
                    let server = PostgresServer::start(Durability::Off).await?;
                    Ok(Shared { url: server.url("postgres"), _server: Some(server) })
                }
            }
        });
        match shared.await {
            Ok(shared) => Self::on(shared.url.clone(), None).await.unwrap_or_else(|error| error.abort_test()),
            Err(error) => StartError::abort_test(&error),
        }
    }

    /// Makes one on a server of its own, which this test may crash.
    ///
    /// # Panics
    /// When no server can be started; the message says what to do.
    pub async fn alone(durability: Durability) -> Self {
        let made = async {
            let server = PostgresServer::start(durability).await?;
            Self::on(server.url("postgres"), Some(Arc::new(server))).await
        };
        made.await.unwrap_or_else(|error: StartError| error.abort_test())
    }

    async fn on(administration_url: String, alone: Option<Arc<PostgresServer>>) -> Result<Self, StartError> {
        let name = format!("attune_test_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let url = with_database(&administration_url, &name);
        let made = Self { url, administration_url: administration_url.clone(), name: name.clone(), alone };
        // A killed run with the same process id may have left one behind on a server that outlived it.
        let statements = [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")];
        let done = tokio::task::spawn_blocking(move || psql(&administration_url, &statements)).await;
        done.unwrap_or_else(|joined| std::panic::resume_unwind(joined.into_panic()))?;
        Ok(made)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Executes a statement in it, as its owner.
    ///
    /// # Panics
    /// When the server refuses it.
    pub fn execute(&self, statement: &str) {
        if let Err(error) = psql(&self.url, &[statement.to_owned()]) {
            panic!("{statement}: {error}");
        }
    }

    /// Everything that is in it, as `pg_dump` writes it.
    ///
    /// # Panics
    /// When the program is not there, or fails.
    #[must_use]
    pub fn dump(&self) -> Vec<u8> {
        let mut command = programs::command(tool("pg_dump"));
        match command.args(["--no-owner", "--dbname", &self.url]).stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => output.stdout,
            Ok(output) => panic!("pg_dump: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => panic!("pg_dump cannot be run: {error}"),
        }
    }

    /// The server, when it is this test's own.
    #[must_use]
    pub fn server(&self) -> Option<&PostgresServer> {
        self.alone.as_deref()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A server of its own goes with everything in it, and may be down.
        if self.alone.is_none() {
            // A foreign server that is gone keeps what it has; the next run drops it.
            let _ = psql(&self.administration_url, &[format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)]);
        }
    }
}

/// One of the programs that come with PostgreSQL.
fn tool(name: &str) -> PathBuf {
    let beside = programs::postgres_directory().map(|directory| directory.join(name)).filter(|tool| tool.exists());
    beside.or_else(|| programs::in_path(name)).unwrap_or_else(|| PathBuf::from(name))
}

fn psql(url: &str, statements: &[String]) -> Result<(), StartError> {
    let tool = tool("psql");
    let mut command = programs::command(&tool);
    command.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", url]).stdin(Stdio::null());
    for statement in statements {
        command.args(["-c", statement]);
    }
    let output = command.output().map_err(|source| match source.kind() {
        std::io::ErrorKind::NotFound => StartError::Missing { program: "psql", variable: URL_VARIABLE },
        _ => StartError::Io { doing: "running psql", source },
    })?;
    if output.status.success() {
        Ok(())
    } else {
        Err(StartError::Tool { tool, said: String::from_utf8_lossy(&output.stderr).trim().to_owned() })
    }
}

/// The same URL with another database.
fn with_database(url: &str, database: &str) -> String {
    let (before, query) = url.split_once('?').map_or((url, None), |(before, query)| (before, Some(query)));
    let authority_at = before.find("://").map_or(0, |at| at + 3);
    let end = before[authority_at..].find('/').map_or(before.len(), |at| authority_at + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{database}{query}", &before[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced_and_the_rest_is_kept() {
        let table = [
            ("postgres://u:p@h:5/old", "postgres://u:p@h:5/new"),
            ("postgres://h", "postgres://h/new"),
            ("postgres://u@h/old?sslmode=disable", "postgres://u@h/new?sslmode=disable"),
            ("postgres://h?sslmode=disable", "postgres://h/new?sslmode=disable"),
        ];
        for (given, expected) in table {
            assert_eq!(with_database(given, "new"), expected);
        }
    }

    #[tokio::test]
    async fn databases_are_separate_and_go_with_their_value() {
        let (first, second) = (TestDatabase::create().await, TestDatabase::create().await);
        psql(first.url(), &["CREATE TABLE here (x int)".to_owned()]).expect("the first database takes a table");
        psql(second.url(), &["SELECT * FROM here".to_owned()]).expect_err("the second does not have it");
        let url = first.url().to_owned();
        drop(first);
        psql(&url, &["SELECT 1".to_owned()]).expect_err("it is gone");
    }

    #[tokio::test]
    async fn a_crashed_server_comes_back_with_what_was_committed() {
        let database = TestDatabase::alone(Durability::On).await;
        psql(database.url(), &["CREATE TABLE here (x int)".to_owned()]).expect("takes a table");
        let server = database.server().expect("it is our own");
        server.crash().expect("is ordered");
        server.start_again().await.expect("comes back");
        psql(database.url(), &["SELECT * FROM here".to_owned()]).expect("the table is there");
    }
}
