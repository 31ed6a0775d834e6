//! Sessions over PostgreSQL.

use async_trait::async_trait;
use sqlx::Transaction;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgConnection, Postgres};
use sqlx::query::Query;

use crate::session::{Row, Session, Sql, Transact, Value};
use crate::trouble::Trouble;

fn bound(sql: Sql, values: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
    values.into_iter().fold(sqlx::query(sql.postgres), |query, value| match value {
        Value::Number(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Flag(flag) => query.bind(flag),
    })
}

async fn all(connection: &mut PgConnection, sql: Sql, values: Vec<Value>) -> Result<Vec<Row>, Trouble> {
    Ok(bound(sql, values).fetch_all(connection).await?.into_iter().map(Row::Postgres).collect())
}

async fn run(connection: &mut PgConnection, sql: Sql, values: Vec<Value>) -> Result<u64, Trouble> {
    Ok(bound(sql, values).execute(connection).await?.rows_affected())
}

/// A connection outside a transaction.
pub(super) struct Reader(pub(super) PoolConnection<Postgres>);

#[async_trait]
impl Session for Reader {
    async fn all(&mut self, sql: Sql, values: Vec<Value>) -> Result<Vec<Row>, Trouble> {
        all(&mut self.0, sql, values).await
    }

    async fn run(&mut self, sql: Sql, values: Vec<Value>) -> Result<u64, Trouble> {
        run(&mut self.0, sql, values).await
    }
}

/// A transaction.
pub(super) struct Writing(pub(super) Transaction<'static, Postgres>);

#[async_trait]
impl Session for Writing {
    async fn all(&mut self, sql: Sql, values: Vec<Value>) -> Result<Vec<Row>, Trouble> {
        all(&mut self.0, sql, values).await
    }

    async fn run(&mut self, sql: Sql, values: Vec<Value>) -> Result<u64, Trouble> {
        run(&mut self.0, sql, values).await
    }
}

#[async_trait]
impl Transact for Writing {
    async fn commit(self: Box<Self>) -> Result<(), Trouble> {
        Ok(self.0.commit().await?)
    }
}
