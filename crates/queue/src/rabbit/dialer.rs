//! Makes connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_compat::Compat;
use attune_names::Dns;
use attune_types::{PlainText, PlainTextAnswer};
use lapin::tcp::{AsyncTcpStream, RustlsConnector};
use lapin::{Connection, ConnectionProperties};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::BrokerAddress;
use super::dial_error::DialError;
use super::tls;
use super::wire::{Socket, Wire};
use crate::connect::ConnectOptions;
use crate::error::QueueError;

/// For names, TCP and TLS together, and again for the handshake with the broker.
const DEADLINE: Duration = Duration::from_secs(10);

/// Knows where the broker is and how to get there.
#[derive(Clone)]
pub(crate) struct Dialer {
    address: BrokerAddress,
    dns: Dns,
    tls: Option<RustlsConnector>,
    name: String,
    plain_text: PlainText,
}

impl Dialer {
    /// Sets TLS up when the URL asks for it.
    pub(crate) fn new(address: BrokerAddress, dns: Dns, options: &ConnectOptions) -> Result<Self, QueueError> {
        let tls = if address.is_encrypted() {
            let refused = |reason| QueueError::Url { url: format!("amqps://{}", address.shown()), reason };
            Some(tls::connector(options.ca_file.as_deref()).map_err(refused)?)
        } else {
            None
        };
        Ok(Self { address, dns, tls, name: options.name.clone(), plain_text: options.plain_text.clone() })
    }

    /// Host and port, for people.
    pub(crate) fn shown(&self) -> String {
        self.address.shown()
    }

    /// Makes one connection, asking for the address anew. `purpose` becomes part of its name at the broker.
    pub(crate) async fn dial(&self, purpose: &str) -> Result<Wire, DialError> {
        let (socket, stream) = match timeout(DEADLINE, self.open()).await {
            Ok(opened) => opened?,
            Err(_) => return Err(DialError::Unreachable(format!("no connection within {} s", DEADLINE.as_secs()))),
        };
        let name = format!("{} {purpose}", self.name);
        let properties = ConnectionProperties::default().with_connection_name(name.as_str().into());
        let runtime = lapin::runtime::default_runtime().map_err(DialError::while_doing("starting"))?;
        // The client may ask again; a connection that ended is replaced by us, not by it.
        let stream = Arc::new(Mutex::new(Some(stream)));
        let hand_over = async move |_uri, _runtime| {
            let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
            stream.ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted).into())
        };
        let connecting = Connection::connector(self.address.uri().clone(), runtime, hand_over, properties);
        match timeout(DEADLINE, connecting).await {
            Ok(connected) => {
                let connection = connected.map_err(DialError::while_doing("connecting"))?;
                Ok(Wire::new(socket, connection, name))
            }
            // Dropping the socket ends the client's thread.
            Err(_) => Err(DialError::Unreachable(format!("no AMQP handshake within {} s", DEADLINE.as_secs()))),
        }
    }

    async fn open(&self) -> Result<(Socket, AsyncTcpStream<Compat<TcpStream>>), DialError> {
        let authority = &self.address.uri().authority;
        let resolved = self.dns.resolve(&authority.host, authority.port).await;
        let addresses = resolved.map_err(|error| DialError::Unreachable(error.to_string()))?;
        if self.tls.is_none() {
            // At every connection, since a name may lead elsewhere by then.
            let found: Vec<IpAddr> = addresses.iter().map(SocketAddr::ip).collect();
            match self.plain_text.judge(&authority.host, &found) {
                PlainTextAnswer::Local => {}
                PlainTextAnswer::Allowed => {
                    tracing::warn!(broker = %self.shown(), "credentials and work go to the broker in plain text: allowed by {}", PlainText::KEY);
                }
                PlainTextAnswer::Refused => {
                    let instead = "use an amqps:// URL, with message_queue.tls.ca_path for an authority of your own";
                    return Err(DialError::PlainText(PlainText::refusal("the broker", &authority.host, instead)));
                }
            }
        }
        self.secured(&addresses).await.map_err(|error| match tls::distrust(&error) {
            Some(why) => DialError::Untrusted(why),
            None => DialError::Unreachable(error.to_string()),
        })
    }

    async fn secured(&self, addresses: &[SocketAddr]) -> io::Result<(Socket, AsyncTcpStream<Compat<TcpStream>>)> {
        let authority = &self.address.uri().authority;
        let tcp = TcpStream::connect(addresses).await?;
        tcp.set_nodelay(true)?;
        let tcp = tcp.into_std()?;
        let socket = Socket::new(tcp.try_clone()?);
        let plain = AsyncTcpStream::Plain(Compat::new(TcpStream::from_std(tcp)?));
        let stream = match &self.tls {
            Some(tls) => plain.into_rustls(tls, &authority.host).await?,
            None => plain,
        };
        Ok((socket, stream))
    }
}

// The derived form would need one of the TLS connector.
impl std::fmt::Debug for Dialer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Dialer")
            .field("address", &self.address)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
