//! Whom the HTTPS connections of workers and servers trust.

use std::io;
use std::sync::Arc;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

/// Why it is not known whom to trust.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrustError {
    /// The file that `SSL_CERT_FILE` names cannot be read.
    #[error("failed to read SSL_CERT_FILE")]
    Unreadable(#[source] io::Error),
    /// It was read, and is something else.
    #[error("SSL_CERT_FILE holds no certificate")]
    Empty,
}

/// Trusts the authorities in the file that `SSL_CERT_FILE` names, else the usual ones, which are built in: a container may
/// have none.
///
/// # Errors
/// [`TrustError`] when that file is of no use.
pub fn trusted() -> Result<TlsConfig, TrustError> {
    // An error only says that a provider is installed already.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let Some(path) = std::env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) else {
        return Ok(TlsConfig::builder().root_certs(RootCerts::WebPki).build());
    };
    let text = std::fs::read(path).map_err(TrustError::Unreadable)?;
    let certificates: Vec<_> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        return Err(TrustError::Empty);
    }
    Ok(TlsConfig::builder().root_certs(RootCerts::Specific(Arc::new(certificates))).build())
}
