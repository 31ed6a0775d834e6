//! Encryption of connections to the broker.

use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

/// Trusts the well-known roots that are compiled in, since an image may have none, and those of the file that
/// `SSL_CERT_FILE` names. The platform's verifier is not used: it cannot even be built where there are no certificates.
pub(crate) fn connector() -> Result<RustlsConnector, String> {
    let mut config = RustlsConnectorConfig::new_with_webpki_root_certs();
    if let Some(file) = std::env::var_os("SSL_CERT_FILE") {
        let shown = file.display();
        let certificates = CertificateDer::pem_file_iter(&file)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| format!("SSL_CERT_FILE {shown} cannot be read: {error}"))?;
        config.add_parsable_certificates(certificates);
    }
    config.connector_with_no_client_auth().map_err(|error| format!("TLS cannot be set up: {error}"))
}
