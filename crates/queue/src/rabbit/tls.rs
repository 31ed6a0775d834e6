//! Encryption of connections to the broker.

use std::path::Path;

use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Trusts the well-known roots that are compiled in, since an image may have none, and those of the file that
/// `SSL_CERT_FILE` names. The platform's verifier is not used: it cannot even be built where there are no certificates.
///
/// With `ca_file` nobody is trusted but whom the certificates in it vouch for.
pub(crate) fn connector(ca_file: Option<&Path>) -> Result<RustlsConnector, String> {
    let config = match ca_file {
        Some(file) => {
            let mut config = RustlsConnectorConfig::default();
            config.add_parsable_certificates(certificates("message_queue.tls.ca_path", file)?);
            config
        }
        None => {
            let mut config = RustlsConnectorConfig::new_with_webpki_root_certs();
            if let Some(file) = std::env::var_os("SSL_CERT_FILE") {
                config.add_parsable_certificates(certificates("SSL_CERT_FILE", Path::new(&file))?);
            }
            config
        }
    };
    config.connector_with_no_client_auth().map_err(|error| format!("TLS cannot be set up: {error}"))
}

fn certificates(named_by: &str, file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let shown = file.display();
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| format!("{named_by} {shown} cannot be read: {error}"))?;
    if read.is_empty() { Err(format!("{named_by} {shown} holds no certificate")) } else { Ok(read) }
}

/// Why the broker's certificate was not accepted, when that is what went wrong.
pub(crate) fn distrust(error: &std::io::Error) -> Option<String> {
    let cause: &rustls::Error = error.get_ref()?.downcast_ref()?;
    matches!(cause, rustls::Error::InvalidCertificate(_)).then(|| cause.to_string())
}
