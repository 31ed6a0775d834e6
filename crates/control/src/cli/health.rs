//! `--health`: whether the server that runs here is ready.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
use std::time::Duration;

/// How long it may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the server is not ready.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReady {
    /// Nobody answers.
    #[error("no server answers at {address}")]
    Silent {
        /// Where.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It says so itself.
    #[error("the server at {address} is not ready: {answer}")]
    Says {
        /// Where.
        address: String,
        /// The first line of its answer, and the last of its body.
        answer: String,
    },
}

/// Asks `GET /health/ready`. Spoken by hand: one question in one line needs no client, and an image holds no `curl`.
pub(crate) fn ask(host: &str, port: u16) -> Result<(), NotReady> {
    let host = here(host);
    let address = format!("{host}:{port}");
    let silent = |source| NotReady::Silent { address: address.clone(), source };
    let answer = question(&host, port).map_err(silent)?;
    let status = answer.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("200") {
        return Ok(());
    }
    let body = answer.lines().last().unwrap_or_default();
    let answer: String = format!("{status} {body}").chars().filter(|letter| !letter.is_control()).take(500).collect();
    Err(NotReady::Says { address: address.clone(), answer })
}

fn question(host: &str, port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect((host, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(64 << 10).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// A server that listens everywhere also does here.
fn here(host: &str) -> String {
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) if address.is_unspecified() => Ipv4Addr::LOCALHOST.to_string(),
        Ok(IpAddr::V6(address)) if address.is_unspecified() => Ipv6Addr::LOCALHOST.to_string(),
        Ok(address) => address.to_string(),
        Err(_) => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn only_a_200_is_ready_and_the_reason_is_said() {
        assert!(matches!(answered("HTTP/1.1 200 OK\r\n\r\n{}"), Ok(())));
        let refused = answered("HTTP/1.1 503 Service Unavailable\r\n\r\n{\"broker\":\"away\"}").expect_err("not ready");
        assert!(refused.to_string().ends_with("HTTP/1.1 503 Service Unavailable {\"broker\":\"away\"}"), "{refused}");
    }

    #[test]
    fn a_server_that_listens_everywhere_is_asked_here() {
        let cases =
            [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("[::]", "::1"), ("10.0.0.7", "10.0.0.7"), ("api", "api")];
        for (host, expected) in cases {
            assert_eq!(here(host), expected);
        }
    }

    fn answered(answer: &'static str) -> Result<(), NotReady> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a question");
            let mut question = [0; 512];
            let read = stream.read(&mut question).expect("reads");
            assert!(question[..read].starts_with(b"GET /health/ready "));
            stream.write_all(answer.as_bytes()).expect("writes");
        });
        let said = ask("127.0.0.1", port);
        server.join().expect("it answered");
        said
    }
}
