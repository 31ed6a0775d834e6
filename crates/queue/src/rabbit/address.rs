//! Where the broker is.

use lapin::uri::{AMQPScheme, AMQPUri};

use crate::error::QueueError;

/// Seconds without a sign of life after which either side calls the connection dead, unless the URL says otherwise.
const HEARTBEAT_SECONDS: u16 = 10;

/// The client keeps room for 32 frames in each direction of each connection. Messages hold ids only, so with the usual
/// 128 KiB a frame most of a worker's memory would be such room.
const FRAME_BYTES: u32 = 16 * 1024;

/// A broker's URL, read.
#[derive(Clone)]
pub(crate) struct BrokerAddress {
    uri: AMQPUri,
}

impl BrokerAddress {
    /// Reads a URL.
    pub(crate) fn parse(url: &str) -> Result<Self, QueueError> {
        let failed = |reason: String| QueueError::Url { url: masked(url), reason };
        if !url.starts_with("amqp://") && !url.starts_with("amqps://") {
            return Err(failed("it must start with amqp:// or amqps://".to_owned()));
        }
        let mut uri: AMQPUri = url.parse().map_err(|error: String| failed(error))?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_SECONDS);
        uri.query.frame_max.get_or_insert(FRAME_BYTES);
        Ok(Self { uri })
    }

    /// For the client. Holds the credentials.
    pub(crate) fn uri(&self) -> &AMQPUri {
        &self.uri
    }

    /// Whether it is to be encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.uri.scheme == AMQPScheme::AMQPS
    }

    /// Host and port, for people.
    pub(crate) fn shown(&self) -> String {
        format!("{}:{}", self.uri.authority.host, self.uri.authority.port)
    }
}

// The derived form would print the password.
impl std::fmt::Debug for BrokerAddress {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("BrokerAddress").field("broker", &self.shown()).finish_non_exhaustive()
    }
}

/// The URL without its password. A URL that cannot be read may hide one anywhere before the last `@`.
fn masked(url: &str) -> String {
    let Some((before, host)) = url.rsplit_once('@') else { return url.to_owned() };
    let (scheme, credentials) = before.split_once("://").unwrap_or(("", before));
    let separator = if scheme.is_empty() { "" } else { "://" };
    let user = credentials.split(':').next().unwrap_or_default();
    format!("{scheme}{separator}{user}:***@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_small_unless_the_url_says_otherwise() {
        let frame_max = |url| BrokerAddress::parse(url).expect("is a url").uri().query.frame_max;
        assert_eq!(frame_max("amqp://localhost"), Some(16_384));
        assert_eq!(frame_max("amqp://localhost?frame_max=131072"), Some(131_072));
    }

    #[test]
    fn heartbeats_are_ten_seconds_unless_the_url_says_otherwise() {
        let heartbeat = |url| BrokerAddress::parse(url).expect("is a url").uri().query.heartbeat;
        assert_eq!(heartbeat("amqp://localhost"), Some(10));
        assert_eq!(heartbeat("amqp://localhost?heartbeat=3"), Some(3));
    }

    #[test]
    fn a_password_is_never_shown() {
        for url in
            ["http://user:secret@host/", "user:secret@host", "amqp://user:secret@host:port/", "amqq://u:sec@ret@h"]
        {
            let error = BrokerAddress::parse(url).expect_err("is no broker's url").to_string();
            assert!(!error.contains("sec"), "{error}");
        }
        let address = BrokerAddress::parse("amqp://user:secret@host:1/v").expect("is a url");
        assert!(!format!("{address:?}").contains("secret"));
        assert_eq!(address.shown(), "host:1");
    }
}
