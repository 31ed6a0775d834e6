//! One connection, and the means to end it for certain.

use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use lapin::Connection;

/// How long a broker may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(2);

/// A socket that is shut down when this is dropped. The client's thread holds the same socket and ends when it does;
/// without this, a thread would wait for ever for a broker that does not answer.
#[derive(Debug)]
pub(crate) struct Socket(TcpStream);

impl Socket {
    pub(crate) fn new(shared: TcpStream) -> Self {
        Self(shared)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // It may be closed already, which is what is wanted.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// A connection to the broker. Dropping it cuts it.
#[derive(Debug)]
pub(crate) struct Wire {
    // Before the connection, so that the goodbye of its destructor finds the socket already closed and cannot block.
    _socket: Socket,
    connection: Connection,
    name: String,
}

impl Wire {
    pub(crate) fn new(socket: Socket, connection: Connection, name: String) -> Self {
        Self { _socket: socket, connection, name }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Its name at the broker.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Says goodbye, then cuts it.
    pub(crate) async fn close(self) {
        // A broker that does not answer loses the connection anyway.
        let _ = tokio::time::timeout(GOODBYE, self.connection.close(200, "OK".into())).await;
    }
}
