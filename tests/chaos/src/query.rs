//! What the database says, asked behind Attune's back.

use std::path::PathBuf;

use crate::keeper::tool;

/// Rows of text.
pub(crate) type Rows = Vec<Vec<String>>;

/// Separates columns; no value that is asked for holds it.
const COLUMN: &str = "\u{1f}";

/// What is made read-only for Attune is not for us.
const OPTIONS: &str = "-c default_transaction_read_only=off";

/// How to reach the database, not through any link.
#[derive(Debug, Clone)]
pub(crate) enum Query {
    /// By psql.
    Postgres { psql: PathBuf, url: String },
    /// By Python's own SQLite.
    Sqlite { file: PathBuf },
}

/// Prints the rows of a statement, and commits.
const SQLITE: &str = "import sqlite3, sys\n\
    database = sqlite3.connect(sys.argv[1], timeout=30)\n\
    for row in database.execute(sys.argv[2]):\n\
    \x20   print('\\x1f'.join('' if value is None else str(value) for value in row))\n\
    database.commit()\n";

impl Query {
    pub(crate) fn postgres(url: &str) -> Self {
        Self::Postgres { psql: psql(), url: url.to_owned() }
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// What the tool says.
    pub(crate) async fn rows(&self, statement: &str) -> Result<Rows, String> {
        let (query, statement) = (self.clone(), statement.to_owned());
        let done = tokio::task::spawn_blocking(move || query.rows_now(&statement)).await;
        done.map_err(|error| error.to_string())?
    }

    fn rows_now(&self, statement: &str) -> Result<Rows, String> {
        let text = match self {
            Self::Postgres { psql, url } => {
                let arguments = ["-XAtq", "-F", COLUMN, "-v", "ON_ERROR_STOP=1", "-d", url, "-c", statement];
                tool(psql, &arguments, &[("PGCONNECT_TIMEOUT", "10"), ("PGOPTIONS", OPTIONS)])?
            }
            Self::Sqlite { file } => {
                tool(&PathBuf::from("python3"), &["-c", SQLITE, &file.display().to_string(), statement], &[])?
            }
        };
        Ok(text
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| line.split(COLUMN).map(str::to_owned).collect())
            .collect())
    }

    /// The one number that a statement answers.
    ///
    /// # Errors
    /// What the tool says, or that it is no number.
    pub(crate) async fn number(&self, statement: &str) -> Result<i64, String> {
        let rows = self.rows(statement).await?;
        let text = rows.first().and_then(|row| row.first()).cloned().unwrap_or_default();
        text.parse::<f64>().map(|number| number as i64).map_err(|_| format!("{statement}: answered {text:?}"))
    }
}

/// The newest psql, or the one in the search path.
fn psql() -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin/psql"))))
        .filter(|(_, path)| path.exists())
        .collect();
    found.sort();
    found.pop().map_or_else(|| PathBuf::from("psql"), |(_, path)| path)
}
