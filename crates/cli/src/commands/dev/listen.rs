//! Finds a port that is free.

use std::io::ErrorKind;
use std::net::{IpAddr, TcpListener};

use crate::error::CliError;

/// How many ports are tried.
const TRIES: u16 = 100;

/// Listens on `port`, or on the next one that is free.
pub(super) fn next_free(host: IpAddr, port: u16) -> Result<TcpListener, CliError> {
    let last = port.saturating_add(TRIES - 1);
    for candidate in port..=last {
        match TcpListener::bind((host, candidate)) {
            Ok(listener) => return Ok(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => {}
            Err(error) => {
                return Err(CliError::Unavailable {
                    what: format!("{host}:{candidate}"),
                    hint: "choose another with --port, or any free one with --port 0".into(),
                    source: Box::new(error),
                });
            }
        }
    }
    Err(CliError::usage(
        format!("the ports {port} to {last} of {host} are all busy"),
        "choose another with --port, or any free one with --port 0",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn a_busy_port_is_passed_over() {
        let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let busy = TcpListener::bind((host, 0)).expect("a port");
        let port = busy.local_addr().expect("an address").port();
        let taken = next_free(host, port).expect("another port").local_addr().expect("an address").port();
        assert!(taken > port, "{taken} {port}");
    }
}
