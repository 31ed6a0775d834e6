//! Free ports.

use std::net::TcpListener;

use crate::start_error::StartError;

/// Finds `N` different free TCP ports of 127.0.0.1. They are free now, not for ever: a server that finds its port taken
/// is started again with others.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N], StartError> {
    let failed = |source| StartError::Io { doing: "looking for a free port", source };
    // All listeners live until all ports are known, so that no port is found twice.
    let mut listeners = Vec::with_capacity(N);
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed)?;
        *port = listener.local_addr().map_err(failed)?.port();
        listeners.push(listener);
    }
    Ok(ports)
}
