//! The narrow waist between the protocol and the two databases.
//!
//! What both databases do alike is written once, against [`Session`]: statements with numbered parameters, rows with
//! named columns. sqlx's own `Any` driver was rejected because it knows no byte strings in rows and no arrays; generic
//! functions over `sqlx::Database` were rejected because every one of them repeats a page of bounds.

use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Type};
#[cfg(feature = "sqlite")]
use sqlx::{Sqlite, sqlite::SqliteRow};

use crate::trouble::Trouble;

/// One statement in both dialects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sql {
    pub(crate) postgres: &'static str,
    #[cfg_attr(not(feature = "sqlite"), expect(dead_code, reason = "built without SQLite"))]
    pub(crate) sqlite: &'static str,
}

impl Sql {
    /// A statement that reads the same in both.
    pub(crate) const fn same(text: &'static str) -> Self {
        Self { postgres: text, sqlite: text }
    }
}

/// A parameter. `None` is NULL of that type.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Number(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    Flag(bool),
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Some(number))
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Number(Some(i64::from(number)))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(Some(bytes))
    }
}

impl From<[u8; 16]> for Value {
    fn from(bytes: [u8; 16]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl From<[u8; 32]> for Value {
    fn from(bytes: [u8; 32]) -> Self {
        Self::Bytes(Some(bytes.to_vec()))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// What every database that is built in can read.
#[cfg(feature = "sqlite")]
pub(crate) trait Readable:
    for<'r> Decode<'r, Postgres> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + Type<Sqlite>
{
}
#[cfg(feature = "sqlite")]
impl<T> Readable for T where T: for<'r> Decode<'r, Postgres> + Type<Postgres> + for<'r> Decode<'r, Sqlite> + Type<Sqlite>
{}

/// What every database that is built in can read.
#[cfg(not(feature = "sqlite"))]
pub(crate) trait Readable: for<'r> Decode<'r, Postgres> + Type<Postgres> {}
#[cfg(not(feature = "sqlite"))]
impl<T> Readable for T where T: for<'r> Decode<'r, Postgres> + Type<Postgres> {}

/// A row of either database.
pub(crate) enum Row {
    Postgres(PgRow),
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteRow),
}

impl Row {
    /// The value of a column.
    pub(crate) fn get<T: Readable>(&self, column: &'static str) -> Result<T, Trouble> {
        use sqlx::Row as _;
        Ok(match self {
            Self::Postgres(row) => row.try_get(column)?,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(row) => row.try_get(column)?,
        })
    }
}

/// A connection, with or without a transaction around it.
#[async_trait]
pub(crate) trait Session: Send {
    /// Runs a statement and returns its rows.
    async fn all(&mut self, sql: Sql, values: Vec<Value>) -> Result<Vec<Row>, Trouble>;

    /// Runs a statement and returns how many rows it touched.
    async fn run(&mut self, sql: Sql, values: Vec<Value>) -> Result<u64, Trouble>;
}

/// A transaction. Dropped without [`Transact::commit`], it is rolled back.
#[async_trait]
pub(crate) trait Transact: Session {
    /// Makes everything durable.
    async fn commit(self: Box<Self>) -> Result<(), Trouble>;
}
