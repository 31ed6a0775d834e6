use std::time::Duration;

use serde::Deserialize;

use crate::secret_url::SecretUrl;
use crate::sections::Trust;

/// The broker that hurries work to the workers.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageQueue {
    /// `amqp://...` or `amqps://...`; absent: a queue inside the process.
    pub url: Option<SecretUrl>,
    /// How long the broker may take to confirm a message before it is sent again.
    #[serde(with = "crate::duration::millis")]
    pub confirm_timeout: Duration,
    /// Whom it trusts.
    pub tls: Trust,
}
