//! Opening, migrating, and databases that go away.

use std::time::Duration;

use attune_store::{OpenOptions, PostgresStore, SqliteStore, Store, StoreError};
use attune_testkit::eventually;
use attune_testkit::postgres::{Durability, TestDatabase};
use sqlx::Row;

use crate::stage::{PATIENCE, Stage, request};

pub(crate) async fn migrating_again_does_nothing(stage: &Stage) {
    assert_eq!(stage.store.migrate().await.expect("migrated"), 0);
    stage.store.ping().await.expect("it is there");
    if let Some(other) = stage.opened_again().await {
        assert_eq!(other.migrate().await.expect("migrated"), 0);
        let id = other.submit(vec![request()]).await.expect("submitted")[0].id;
        assert!(stage.store.execution(id).await.expect("read").is_some());
        other.close().await;
        assert!(other.ping().await.expect_err("closed").is_passing());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_file_is_durable_and_two_processes_may_share_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("a.db").display());
    let one = SqliteStore::open(&url, OpenOptions::default()).await.expect("opened");
    let two = SqliteStore::open(&url, OpenOptions::default()).await.expect("opened");
    let (first, second) = tokio::join!(one.migrate(), two.migrate());
    let (first, second) = (first.expect("migrated"), second.expect("migrated"));
    assert_eq!(first.min(second), 0, "one of them had nothing left to do");
    assert!(first.max(second) > 0);
    for (pragma, expected) in [("PRAGMA journal_mode", "wal"), ("PRAGMA synchronous", "2")] {
        let row = sqlx::query(pragma).fetch_one(one.pool()).await.expect("a row");
        let found = row.try_get::<String, _>(0).or_else(|_| row.try_get::<i64, _>(0).map(|number| number.to_string()));
        assert_eq!(found.expect("a value"), expected);
    }
    let writing = |store: std::sync::Arc<SqliteStore>| {
        tokio::spawn(async move {
            for _ in 0..20 {
                store.submit(vec![request()]).await.expect("submitted");
            }
        })
    };
    let (one, two) = (std::sync::Arc::new(one), std::sync::Arc::new(two));
    let (left, right) = (writing(one.clone()), writing(two.clone()));
    left.await.expect("joined");
    right.await.expect("joined");
    one.close().await;
    let row = sqlx::query("SELECT count(*) FROM execution").fetch_one(two.pool()).await.expect("a row");
    assert_eq!(row.get::<i64, _>(0), 40);
    let row = sqlx::query("PRAGMA integrity_check").fetch_one(two.pool()).await.expect("a row");
    assert_eq!(row.get::<String, _>(0), "ok");
    two.close().await;
}

#[tokio::test]
async fn what_cannot_be_opened_is_said_without_its_password() {
    let options = OpenOptions { acquire_timeout: Duration::from_secs(1), ..OpenOptions::default() };
    // Nothing listens on port 1.
    let error = attune_store::open("postgres://ann:s3cret@127.0.0.1:1/x", options.clone()).await.err().expect("nobody");
    assert!(error.is_passing(), "{error:?}");
    let mut errors = vec![format!("{error:?}")];
    for url in ["postgres://ann:s3cret@127.0.0.1:notaport/x", "s3cret", "mysql://ann:s3cret@h/x"] {
        let error = attune_store::open(url, options.clone()).await.err().expect("refused");
        assert!(matches!(error, StoreError::Url { .. }), "{error:?}");
        errors.push(format!("{error:?} {error}"));
    }
    assert!(errors.iter().all(|text| !text.contains("s3cret")), "{errors:?}");
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().display());
    let error = attune_store::open(&url, options).await.err().expect("a folder is no file");
    assert!(matches!(error, StoreError::Url { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_migrate_one_server_once() {
    let database = TestDatabase::create().await;
    let one = attune_store::open(database.url(), OpenOptions::default()).await.expect("opened");
    let two = attune_store::open(database.url(), OpenOptions::default()).await.expect("opened");
    let (first, second) = tokio::join!(one.migrate(), two.migrate());
    first.expect("migrated");
    second.expect("migrated");
    assert!(one.packs().await.expect("packs").is_empty());
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_from_before_a_logical_restore_can_still_be_followed() {
    let stage = Stage::postgres().await;
    let before = stage.submit(request()).await;
    // What a dump of a server that had counted further looks like here.
    let foreign = "ALTER TABLE execution_event ALTER COLUMN written_by TYPE xid8 USING '900000000000'::xid8";
    stage.sql(foreign).await.expect("restored");
    assert!(stage.store.events(None, 0, 10).await.expect("events").events.is_empty());
    assert_eq!(stage.store.migrate().await.expect("migrated"), 0);
    let after = stage.submit(request()).await;
    let seen = eventually("both events", PATIENCE, || async {
        let events = stage.store.events(None, 0, 10).await.expect("events").events;
        (events.len() == 2).then(|| events.into_iter().map(|event| event.execution).collect::<Vec<_>>())
    });
    assert_eq!(seen.await, [before, after]);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_crashes_is_away_and_then_everything_is_still_there() {
    let database = TestDatabase::alone(Durability::On).await;
    let options = OpenOptions { acquire_timeout: Duration::from_secs(2), ..OpenOptions::default() };
    let store = attune_store::open(database.url(), options).await.expect("opened");
    store.migrate().await.expect("migrated");
    let mut wakes = store.wakes();
    let before = store.submit(vec![request()]).await.expect("submitted")[0].id;
    database.server().expect("its own").crash().expect("crashed");
    // Until the last of its processes is gone it may still answer; what it accepted counts.
    let mut accepted = vec![before];
    let error = loop {
        match store.submit(vec![request()]).await {
            Ok(submitted) => accepted.push(submitted[0].id),
            Err(error) => break error,
        }
    };
    assert!(error.is_passing(), "{error:?}");
    assert!(store.ping().await.expect_err("nobody is there").is_passing());
    database.server().expect("its own").start_again().await.expect("started");
    let after = eventually("the store answers again", PATIENCE, || async {
        store.submit(vec![request()]).await.ok().map(|submitted| submitted[0].id)
    });
    let after = after.await;
    accepted.push(after);
    for id in accepted {
        assert!(store.execution(id).await.expect("read").is_some(), "{id}");
    }
    // The listener comes back by itself and says that anything may have changed.
    let heard = async {
        loop {
            if matches!(wakes.recv().await, Ok(attune_store::Wake::Execution(None))) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("it listens again");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_to_what_became_a_replica_is_dropped() {
    let database = TestDatabase::create().await;
    let options = OpenOptions { max_connections: 1, ..OpenOptions::default() };
    let store = PostgresStore::open(database.url(), options).await.expect("opened");
    store.migrate().await.expect("migrated");
    store.submit(vec![request()]).await.expect("submitted");
    // What a demoted primary looks like to a connection that is open already.
    let demote = "SELECT set_config('default_transaction_read_only', 'on', FALSE)";
    sqlx::query(demote).execute(store.pool()).await.expect("demoted");
    let error = store.submit(vec![request()]).await.expect_err("read-only");
    assert!(error.is_passing(), "{error:?}");
    store.submit(vec![request()]).await.expect("on another connection");
    store.close().await;
}
