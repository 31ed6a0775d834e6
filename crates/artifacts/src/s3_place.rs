//! A bucket of an S3-compatible service.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use attune_config::{ArtifactStoreKind, Config};
use attune_types::{AttemptNumber, ExecutionId};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use ureq::http::Response;
use ureq::{Agent, Body, SendBody};

use crate::place::{Content, Digest, Stored};
use crate::place_error::PlaceError;
use crate::trust::{TrustError, trusted};

/// How long a signed address is good for; longer than any transfer of one file takes to begin.
const SIGNED_FOR: Duration = Duration::from_secs(600);
/// How long the service may take to accept a connection, and to answer when it has everything.
const PATIENCE: Duration = Duration::from_secs(30);
/// How much of what the service says about a refusal is kept.
const MOST_SAID: u64 = 600;

/// What must be known about a bucket.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Options {
    /// The address of the service: `https://s3.eu-central-1.amazonaws.com`, `http://127.0.0.1:9000`.
    pub endpoint: String,
    /// The bucket's name. It must exist.
    pub bucket: String,
    /// Its region; services without regions take `us-east-1`.
    pub region: String,
    /// What every key begins with, e.g. `attune/`; may be empty.
    pub prefix: String,
    /// The id of the access key.
    pub access_key_id: String,
    /// The access key.
    pub secret_access_key: String,
}

impl std::fmt::Debug for S3Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("S3Options")
            .field("endpoint", &self.endpoint)
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl S3Options {
    /// The bucket that the configuration names; `None` when files go to a directory.
    #[must_use]
    pub fn from_config(config: &Config) -> Option<Self> {
        let artifacts = &config.artifacts;
        if artifacts.store == ArtifactStoreKind::Local {
            return None;
        }
        Some(Self {
            endpoint: artifacts.endpoint.clone()?,
            bucket: artifacts.bucket.clone()?,
            region: artifacts.region.clone(),
            prefix: artifacts.prefix.clone(),
            access_key_id: artifacts.access_key_id.as_ref()?.expose().to_owned(),
            secret_access_key: artifacts.secret_access_key.as_ref()?.expose().to_owned(),
        })
    }
}

/// A bucket of an S3-compatible service, addressed by path, which every such service understands.
#[derive(Debug, Clone)]
pub struct S3Place {
    agent: Agent,
    bucket: Bucket,
    credentials: Arc<Credentials>,
    prefix: String,
}

impl S3Place {
    /// Makes ready to use a bucket. Nothing is asked of the service yet.
    ///
    /// # Errors
    /// [`PlaceError::Misconfigured`] when the address or a name cannot be one.
    pub fn new(options: &S3Options) -> Result<Self, PlaceError> {
        let wrong = |what: &str, why: String| PlaceError::Misconfigured(format!("{what}: {why}"));
        let endpoint = options.endpoint.parse().map_err(|error| wrong("artifacts.endpoint", format!("{error}")))?;
        let bucket = Bucket::new(endpoint, UrlStyle::Path, options.bucket.clone(), options.region.clone())
            .map_err(|error| wrong("artifacts.endpoint", error.to_string()))?;
        if options.bucket.is_empty() {
            return Err(wrong("artifacts.bucket", "a bucket is needed".to_owned()));
        }
        let mut configuration = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(PATIENCE))
            .timeout_recv_response(Some(PATIENCE * 2));
        if options.endpoint.starts_with("https://") {
            configuration = configuration.tls_config(trusted().map_err(distrusted)?);
        }
        Ok(Self {
            agent: configuration.build().into(),
            bucket,
            credentials: Arc::new(Credentials::new(options.access_key_id.clone(), options.secret_access_key.clone())),
            prefix: options.prefix.clone(),
        })
    }

    pub(crate) fn location_prefix(&self) -> String {
        format!("s3://{}/{}", self.bucket.name(), self.prefix)
    }

    pub(crate) fn put(
        &self,
        execution: ExecutionId,
        attempt: AttemptNumber,
        name: &str,
        file: &mut File,
        digest: &Digest,
    ) -> Result<Stored, PlaceError> {
        let key = format!("{}{execution}/{attempt}/{name}", self.prefix);
        let checksum = base64(&digest.bytes());
        let mut action = self.bucket.put_object(Some(&self.credentials), &key);
        // Signed, and checked by the service against what arrived.
        action.headers_mut().insert("x-amz-checksum-sha256", checksum.clone());
        let url = action.sign(SIGNED_FOR);
        // What grew since it was looked at is cut there, and refused by its checksum.
        let mut content = file.take(digest.size_bytes);
        let request = self
            .agent
            .put(url.as_str())
            .header("content-length", digest.size_bytes.to_string())
            .header("content-type", "application/octet-stream")
            .header("x-amz-checksum-sha256", checksum);
        let answer = request.send(SendBody::from_reader(&mut content));
        let answer = answer.map_err(|error| self.away(&error))?;
        self.checked(answer, "")?;
        Ok(Stored {
            location: format!("s3://{}/{key}", self.bucket.name()),
            size_bytes: digest.size_bytes,
            sha256: digest.hexadecimal(),
        })
    }

    pub(crate) fn open(&self, location: &str) -> Result<Content, PlaceError> {
        let key = self.key(location)?;
        let url = self.bucket.get_object(Some(&self.credentials), key).sign(SIGNED_FOR);
        let answer = self.agent.get(url.as_str()).call().map_err(|error| self.away(&error))?;
        let answer = self.checked(answer, location)?;
        let size_bytes = answer.headers().get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Content { reader: Box::new(answer.into_body().into_reader()), size_bytes })
    }

    pub(crate) fn remove(&self, location: &str) -> Result<(), PlaceError> {
        let key = self.key(location)?;
        let url = self.bucket.delete_object(Some(&self.credentials), key).sign(SIGNED_FOR);
        let answer = self.agent.delete(url.as_str()).call().map_err(|error| self.away(&error))?;
        match self.checked(answer, location) {
            Err(PlaceError::Missing { .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    fn key<'l>(&self, location: &'l str) -> Result<&'l str, PlaceError> {
        let key = location
            .strip_prefix("s3://")
            .and_then(|rest| rest.strip_prefix(self.bucket.name())?.strip_prefix('/'))
            .filter(|key| key.starts_with(&self.prefix));
        key.ok_or_else(|| PlaceError::Foreign { location: location.to_owned(), place: self.location_prefix() })
    }

    fn away(&self, error: &ureq::Error) -> PlaceError {
        // An address that was signed must not be told: it is a key for ten minutes.
        let reason = match error {
            ureq::Error::StatusCode(status) => format!("HTTP {status}"),
            ureq::Error::Io(error) => error.to_string(),
            ureq::Error::Timeout(_) => "no answer in time".to_owned(),
            ureq::Error::HostNotFound => "its address is unknown".to_owned(),
            ureq::Error::ConnectionFailed => "no connection".to_owned(),
            other => format!("{other}").split("http").next().unwrap_or_default().to_owned(),
        };
        PlaceError::Away { place: self.location_prefix(), reason }
    }

    fn checked(&self, mut answer: Response<Body>, location: &str) -> Result<Response<Body>, PlaceError> {
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        if status == 404 && !location.is_empty() {
            return Err(PlaceError::Missing { location: location.to_owned() });
        }
        let mut said = Vec::new();
        let _cut = answer.body_mut().as_reader().take(MOST_SAID).read_to_end(&mut said);
        let said = String::from_utf8_lossy(&said);
        let code = said.split("<Code>").nth(1).and_then(|rest| rest.split("</Code>").next()).unwrap_or("no code");
        let reason = format!("HTTP {} {code}", status.as_u16());
        let place = self.location_prefix();
        Err(match status.as_u16() {
            507 => PlaceError::Full { place },
            429 | 500.. => PlaceError::Away { place, reason },
            _ => PlaceError::Refused { place, reason },
        })
    }
}

fn distrusted(error: TrustError) -> PlaceError {
    match error {
        TrustError::Unreadable(source) => PlaceError::io("read SSL_CERT_FILE")(source),
        TrustError::Empty => PlaceError::Misconfigured(error.to_string()),
    }
}

/// Base64 with padding, RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let number =
            group.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)) << (8 * (3 - group.len()));
        for position in 0..4 {
            let digit = ALPHABET[(number >> (18 - 6 * position)) as usize & 63];
            text.push(if position <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}
