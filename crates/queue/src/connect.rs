//! Reaching a broker for the first time.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attune_names::Dns;
use attune_types::PlainText;

use crate::error::QueueError;
use crate::queue::Queue;
use crate::rabbit::{BrokerAddress, Dialer, RabbitQueue};

/// How to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectOptions {
    /// Shown to the broker's operator, e.g. `attune-worker w3`; each connection adds what it is for.
    pub name: String,
    /// How long to try to reach the broker at the start before giving up.
    pub start_deadline: Duration,
    /// How long the broker may take to confirm a batch of messages. What is not confirmed by then is unknown, and sent
    /// again by whoever holds the truth.
    pub confirm_timeout: Duration,
    /// Certificates of the authority that vouches for an `amqps://` broker; absent: the well-known ones.
    pub ca_file: Option<PathBuf>,
    /// Which brokers may be spoken to without encryption.
    pub plain_text: PlainText,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self {
            name: "attune".to_owned(),
            start_deadline: Duration::from_secs(30),
            confirm_timeout: Duration::from_secs(5),
            ca_file: None,
            plain_text: PlainText::default(),
        }
    }
}

/// Connects to the RabbitMQ that an `amqp://` or `amqps://` URL names. Must be called inside a tokio runtime whose threads
/// are not blocked by others: the connections are driven by it.
///
/// # Errors
/// At once, when the URL is wrong ([`QueueError::Url`]), the broker refuses the user, the password or the virtual host
/// ([`QueueError::Refused`]) or cannot be trusted ([`QueueError::Untrusted`]); after the start deadline, when nobody answers ([`QueueError::Unreachable`]).
pub async fn connect(url: &str, options: ConnectOptions) -> Result<Arc<dyn Queue>, QueueError> {
    let address = BrokerAddress::parse(url)?;
    let dialer = Dialer::new(address, Dns::from_system(), &options)?;
    Ok(Arc::new(RabbitQueue::start(dialer, options.start_deadline, options.confirm_timeout).await?))
}
