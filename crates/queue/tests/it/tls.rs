//! Whom the queue speaks to: a real broker with a private authority.

use std::time::Duration;

use attune_queue::{ConnectOptions, QueueError, connect};
use attune_testkit::Authority;
use attune_testkit::rabbitmq::TestBroker;
use attune_types::PlainText;

fn options(authority: Option<&Authority>) -> ConnectOptions {
    ConnectOptions {
        name: "tls".into(),
        start_deadline: Duration::from_secs(20),
        ca_file: authority.map(Authority::ca_file),
        ..ConnectOptions::default()
    }
}

async fn refusal(url: &str, options: ConnectOptions) -> (QueueError, String) {
    let error = connect(url, options).await.map(drop).expect_err("it is refused");
    let text = error.to_string();
    assert!(!text.contains('\n') && !text.contains("guest:guest"), "{text}");
    (error, text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrk_06_a_broker_is_trusted_only_with_a_certificate_that_holds() {
    let authority = Authority::create();
    let broker = TestBroker::alone().await;
    let node = broker.node().expect("its own node");
    let port = node.encrypt(&authority.sign("good", "DNS:localhost,IP:127.0.0.1", 1)).await.expect("starts again");
    let url = |host: &str, port: u16| format!("amqps://guest:guest@{host}:{port}/{}", broker.vhost());
    for host in ["127.0.0.1", "localhost"] {
        let queue = connect(&url(host, port), options(Some(&authority))).await.expect("is trusted");
        queue.ping().await.expect("answers");
        queue.close().await;
    }
    // Nobody's authority, and somebody else's.
    let (error, text) = refusal(&url("localhost", port), options(None)).await;
    assert!(matches!(error, QueueError::Untrusted { .. }) && text.contains("UnknownIssuer"), "{text}");
    let (_, text) = refusal(&url("localhost", port), options(Some(&Authority::create()))).await;
    assert!(text.contains("is not trusted: invalid peer certificate"), "{text}");
    let missing = ConnectOptions { ca_file: Some("/nowhere/ca.pem".into()), ..options(None) };
    let (_, text) = refusal(&url("localhost", port), missing).await;
    assert!(text.contains("message_queue.tls.ca_path /nowhere/ca.pem cannot be read"), "{text}");

    let port = node.encrypt(&authority.sign("late", "DNS:localhost", -1)).await.expect("starts again");
    let (_, text) = refusal(&url("localhost", port), options(Some(&authority))).await;
    assert!(text.contains("certificate expired"), "{text}");

    let port = node.encrypt(&authority.sign("other", "DNS:other.example", 1)).await.expect("starts again");
    let (_, text) = refusal(&url("localhost", port), options(Some(&authority))).await;
    assert!(text.contains("not valid for name"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrk_06_plain_text_to_another_machine_is_refused_and_says_what_to_do() {
    // An address for documentation: whatever is tried there goes nowhere.
    let url = "amqp://guest:guest@192.0.2.1:5672/";
    let (error, text) = refusal(url, options(None)).await;
    assert!(matches!(error, QueueError::Url { .. }), "{text}");
    for words in ["192.0.2.1", "security.allow_insecure", "ATTUNE__SECURITY__ALLOW_INSECURE", "amqps://"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let allowed = ConnectOptions {
        plain_text: PlainText::allowing(["192.0.2.1"]),
        start_deadline: Duration::from_millis(100),
        ..options(None)
    };
    let (error, _) = refusal(url, allowed).await;
    assert!(matches!(error, QueueError::Unreachable { .. }), "it was tried: {error}");
}
