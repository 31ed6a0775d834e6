//! Whom an HTTPS connection trusts.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::error::CliError;

/// Trusts the authorities in the file that `SSL_CERT_FILE` names, as OpenSSL and curl do, else the usual ones, which are
/// built in: a container may have none.
pub(super) fn tls() -> Result<TlsConfig, CliError> {
    // An error only says that a provider is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots = match env::var_os("SSL_CERT_FILE").filter(|path| !path.is_empty()) {
        Some(path) => authorities(PathBuf::from(path))?,
        None => RootCerts::WebPki,
    };
    Ok(TlsConfig::builder().root_certs(roots).build())
}

fn authorities(path: PathBuf) -> Result<RootCerts, CliError> {
    let text = fs::read(&path).map_err(CliError::file("reading", &path))?;
    let unusable = |reason: String| CliError::Input {
        what: format!("the certificate file {}", path.display()),
        hint: "SSL_CERT_FILE must name a file of certificates in PEM form".into(),
        source: reason.into(),
    };
    let mut certificates = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| unusable(error.to_string()))? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(unusable("it holds no certificate".to_owned()));
    }
    Ok(RootCerts::Specific(Arc::new(certificates)))
}
