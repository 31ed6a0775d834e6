//! Whom the store speaks to: a real PostgreSQL with a private authority.

use std::time::Duration;

use attune_store::{OpenOptions, StoreError, open};
use attune_testkit::Authority;
use attune_testkit::postgres::{Durability, PostgresServer};
use attune_types::PlainText;

fn options(authority: Option<&Authority>) -> OpenOptions {
    OpenOptions {
        acquire_timeout: Duration::from_secs(10),
        ca_file: authority.map(Authority::ca_file),
        ..OpenOptions::default()
    }
}

/// Everything that is said about it, in one line.
async fn refusal(url: &str, options: OpenOptions) -> (StoreError, String) {
    let error = open(url, options).await.err().expect("it is refused");
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    assert!(!text.contains('\n') && !text.contains("hunter2"), "{text}");
    (error, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrk_06_a_database_is_trusted_only_with_a_certificate_that_holds() {
    let authority = Authority::create();
    let server = PostgresServer::start(Durability::Off).await.expect("starts");
    server.encrypt(&authority.sign("good", "DNS:localhost,IP:127.0.0.1", 1)).await.expect("starts again");
    let url = |query: &str| format!("postgres://test:hunter2@localhost:{}/postgres{query}", server.port());
    for query in ["", "?sslmode=verify-full", "?sslmode=verify-ca"] {
        let store = open(&url(query), options(Some(&authority))).await.expect("is trusted");
        store.ping().await.expect("answers");
        store.close().await;
    }
    let (error, text) = refusal(&url("?sslmode=verify-full"), options(None)).await;
    assert!(!error.is_passing() && text.contains("UnknownIssuer"), "{text}");
    let (_, text) = refusal(&url(""), options(Some(&Authority::create()))).await;
    assert!(text.contains("invalid peer certificate"), "{text}");
    let missing = OpenOptions { ca_file: Some("/nowhere/ca.pem".into()), ..options(None) };
    let (_, text) = refusal(&url(""), missing).await;
    assert!(text.contains("database.tls.ca_path /nowhere/ca.pem cannot be read"), "{text}");

    server.encrypt(&authority.sign("late", "DNS:localhost", -1)).await.expect("starts again");
    let (error, text) = refusal(&url(""), options(Some(&authority))).await;
    assert!(!error.is_passing() && text.contains("certificate expired"), "{text}");

    server.encrypt(&authority.sign("other", "DNS:other.example", 1)).await.expect("starts again");
    let (error, text) = refusal(&url(""), options(Some(&authority))).await;
    assert!(!error.is_passing() && text.contains("not valid for name"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrk_06_plain_text_to_another_machine_is_refused_and_says_what_to_do() {
    for query in ["", "?sslmode=disable", "?sslmode=prefer", "?sslmode=require"] {
        // An address for documentation: whatever is tried there goes nowhere.
        let url = format!("postgres://attune:hunter2@192.0.2.1/attune{query}");
        let (error, text) = refusal(&url, options(None)).await;
        assert!(matches!(error, StoreError::Url { .. }), "{text}");
        for words in ["192.0.2.1", "security.allow_insecure", "sslmode=verify-full", "database.tls.ca_path"] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }
    let allowed = OpenOptions {
        plain_text: PlainText::allowing(["192.0.2.1"]),
        acquire_timeout: Duration::from_millis(100),
        ..options(None)
    };
    let (error, text) = refusal("postgres://attune:hunter2@192.0.2.1/attune", allowed).await;
    assert!(error.is_passing(), "it was tried: {text}");
}
