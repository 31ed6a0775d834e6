//! The server that gives agents out.

use std::io::{self, Read};
use std::net::{IpAddr, ToSocketAddrs};
use std::time::Duration;

use attune_artifacts::{TrustError, trusted};
use attune_config::{Config, Secret};
use attune_types::{PlainText, PlainTextAnswer};
use ureq::{Agent, Body};

use super::offer::Offer;

/// How long the server may take to accept a connection, and to begin its answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long the program may take to arrive.
const TRANSFER: Duration = Duration::from_secs(600);
/// No agent is larger, in bytes.
const MOST_BYTES: u64 = 256 << 20;

/// Why nothing could be had.
#[derive(Debug, thiserror::Error)]
pub(super) enum SourceError {
    /// It cannot be asked with this configuration.
    #[error("{0}")]
    Unusable(String),
    /// It is not known whom to trust.
    #[error("the server cannot be trusted")]
    Distrusted(#[from] TrustError),
    /// It did not answer.
    #[error("no answer from {url}")]
    Away {
        url: String,
        #[source]
        source: Box<ureq::Error>,
    },
    /// It answered with something else.
    #[error("{url} answered {what}")]
    Answer { url: String, what: String },
    /// What came cannot be written down.
    #[error("failed to keep the newer agent")]
    Kept(#[source] io::Error),
    /// It stopped in the middle of its answer.
    #[error("{url} broke off")]
    Broken {
        url: String,
        #[source]
        source: io::Error,
    },
}

/// The server that gives agents out. Every call blocks.
pub(super) struct Source {
    agent: Agent,
    url: String,
    token: Option<Secret>,
}

impl Source {
    /// The server of the configuration.
    pub(super) fn of(config: &Config) -> Result<Self, SourceError> {
        let Some(url) = &config.client.api_url else {
            return Err(SourceError::Unusable("client.api_url (ATTUNE_API_URL) does not name the server".to_owned()));
        };
        let url = url.trim_end_matches('/').to_owned();
        let mut settings = Agent::config_builder()
            .http_status_as_error(false)
            // A token is for the server that it was given for.
            .max_redirects(0)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE))
            .timeout_recv_body(Some(TRANSFER));
        if url.starts_with("https://") {
            settings = settings.tls_config(trusted()?);
        } else {
            refuse_strangers(&url, &PlainText::allowing(&config.security.allow_insecure))?;
        }
        Ok(Self { agent: settings.build().into(), url, token: config.client.api_token.clone() })
    }

    /// The agent for this architecture; `None` when there is none.
    pub(super) fn offer(&self) -> Result<Option<Offer>, SourceError> {
        let url = format!("{}/api/v1/agent/info?arch={}", self.url, std::env::consts::ARCH);
        let (status, mut body) = self.get(&url)?;
        if status == 404 {
            return Ok(None);
        }
        let wrong = |what: String| SourceError::Answer { url: url.clone(), what };
        let text = body.with_config().limit(64 << 10).read_to_string().map_err(|error| wrong(error.to_string()))?;
        let value = serde_json::from_str(&text).map_err(|error| wrong(format!("what cannot be read: {error}")))?;
        Offer::read(&value).map(Some).ok_or_else(|| wrong("no offer of an agent".to_owned()))
    }

    /// What the server sends as the program, and no more of it than was offered and one byte, which tells that it is more.
    pub(super) fn fetch(&self, offer: &Offer) -> Result<Vec<u8>, SourceError> {
        let url = format!("{}/api/v1/agent/binary?arch={}", self.url, std::env::consts::ARCH);
        if offer.size > MOST_BYTES {
            return Err(SourceError::Answer { url, what: format!("with {} bytes", offer.size) });
        }
        let (status, mut body) = self.get(&url)?;
        if status != 200 {
            return Err(SourceError::Answer { url, what: format!("HTTP {status}") });
        }
        let mut program = Vec::new();
        let reader = body.with_config().limit(MOST_BYTES + 1).reader();
        match reader.take(offer.size + 1).read_to_end(&mut program) {
            Ok(_) => Ok(program),
            Err(source) => Err(SourceError::Broken { url, source }),
        }
    }

    fn get(&self, url: &str) -> Result<(u16, Body), SourceError> {
        let mut request = self.agent.get(url);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {}", token.expose()));
        }
        let away = |source| SourceError::Away { url: url.to_owned(), source: Box::new(source) };
        let (parts, body) = request.call().map_err(away)?.into_parts();
        match parts.status.as_u16() {
            status @ (200 | 404) => Ok((status, body)),
            status => Err(SourceError::Answer { url: url.to_owned(), what: format!("HTTP {status}") }),
        }
    }
}

/// A program that comes unencrypted from another machine is whoever's who stands between.
fn refuse_strangers(url: &str, policy: &PlainText) -> Result<(), SourceError> {
    let Some((host, port)) = PlainText::http_place(url) else {
        return Err(SourceError::Unusable(format!("client.api_url {url:?} is no address of a server")));
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses: Vec<IpAddr> =
        (bare, port).to_socket_addrs().map(|found| found.map(|address| address.ip()).collect()).unwrap_or_default();
    match policy.judge(host, &addresses) {
        PlainTextAnswer::Local => Ok(()),
        PlainTextAnswer::Allowed => {
            tracing::warn!(server.host = host, "newer agents come without encryption, as security.allow_insecure says");
            Ok(())
        }
        PlainTextAnswer::Refused => {
            Err(SourceError::Unusable(PlainText::refusal("the server", host, "use https:// in client.api_url")))
        }
    }
}
