//! Whom credentials and rows are sent to.

use std::net::IpAddr;

use attune_types::{PlainText, PlainTextAnswer};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::error::StoreError;
use crate::open::masked;
use crate::options::OpenOptions;

/// Makes connections as safe as is asked for, and refuses those that are not safe enough: what is neither encrypted and
/// verified, nor within this machine, nor allowed by name.
pub(super) async fn secured(
    connect: PgConnectOptions,
    url: &str,
    options: &OpenOptions,
) -> Result<PgConnectOptions, StoreError> {
    let refused = |reason: String| StoreError::Url { url: masked(url), reason };
    let connect = match &options.ca_file {
        Some(file) => {
            if let Err(error) = std::fs::File::open(file) {
                return Err(refused(format!("database.tls.ca_path {} cannot be read: {error}", file.display())));
            }
            let connect = connect.ssl_root_cert(file);
            if is_verified(&connect) { connect } else { connect.ssl_mode(PgSslMode::VerifyFull) }
        }
        None => connect,
    };
    let host = connect.get_host().to_owned();
    if is_verified(&connect) || connect.get_socket().is_some() || host.starts_with('/') {
        return Ok(connect);
    }
    // By the same resolver that the driver asks afterwards.
    let looked_up = tokio::net::lookup_host((host.trim_matches(['[', ']']), connect.get_port())).await;
    let found = looked_up.map_err(|error| StoreError::Away { doing: "looking its host up", source: error.into() })?;
    let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    match options.plain_text.judge(&host, &addresses) {
        PlainTextAnswer::Local => Ok(connect),
        PlainTextAnswer::Allowed => {
            tracing::warn!(
                database = host,
                "credentials and rows go to the database without proof of who it is: allowed by {}",
                PlainText::KEY
            );
            Ok(connect)
        }
        PlainTextAnswer::Refused => Err(refused(PlainText::refusal(
            "the database",
            &host,
            "set database.tls.ca_path, or add ?sslmode=verify-full to the URL",
        ))),
    }
}

fn is_verified(connect: &PgConnectOptions) -> bool {
    matches!(connect.get_ssl_mode(), PgSslMode::VerifyCa | PgSslMode::VerifyFull)
}

/// Why the database is not trusted, when that is what went wrong: then no patience helps.
pub(crate) fn distrust(error: &sqlx::Error) -> bool {
    match error {
        // The driver hands on what the handshake said.
        sqlx::Error::Io(cause) => cause.to_string().contains("invalid peer certificate"),
        sqlx::Error::Tls(_) => true,
        _ => false,
    }
}
