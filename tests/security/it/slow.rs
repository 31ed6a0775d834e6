//! Who is slow on purpose.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use attune_end_to_end::Deployment;
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_slow_with_a_request_is_sent_away() {
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let deployment = Deployment::start(database.url(), broker.url(), &[]).expect("a server");
    let address = deployment.client().address().trim_start_matches("http://").to_owned();
    // Two hundred that never end their first line, and one that is in earnest.
    let slow: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut stream = TcpStream::connect(&address).expect("accepted");
            stream.write_all(b"GET /api/v1/executions HTTP/1.1\r\nHost: x\r\nX-Slow: ").expect("written");
            stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
            stream
        })
        .collect();
    assert!(deployment.client().is_ready(), "others are served");
    for mut stream in slow {
        let mut said = Vec::new();
        stream.read_to_end(&mut said).expect("closed by the server, and not by our own limit");
        assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&said));
    }
    assert!(deployment.client().is_ready());
}
