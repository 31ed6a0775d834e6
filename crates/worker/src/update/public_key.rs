//! The key that a newer agent must be signed with.

use std::io;
use std::path::{Path, PathBuf};

use ring::signature::{ED25519, UnparsedPublicKey};
use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject;

/// What stands before the 32 bytes of an Ed25519 key (RFC 8410): that it is one.
const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The key that a newer agent must be signed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey([u8; 32]);

/// Why there is no key, and so no update.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PublicKeyError {
    /// Nobody named one.
    #[error("worker.self_update needs worker.self_update_key, the public key that a newer agent is signed with")]
    Missing,
    /// It cannot be read.
    #[error("failed to read worker.self_update_key {}", path.display())]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// It is something else.
    #[error("worker.self_update_key {} holds no Ed25519 public key in PEM", path.display())]
    Foreign { path: PathBuf },
}

impl PublicKey {
    /// The key in a PEM file, as `openssl pkey -pubout` writes it.
    pub(crate) fn read(path: &Path) -> Result<Self, PublicKeyError> {
        let text =
            std::fs::read(path).map_err(|source| PublicKeyError::Unreadable { path: path.to_owned(), source })?;
        Self::parse(&text).ok_or_else(|| PublicKeyError::Foreign { path: path.to_owned() })
    }

    /// The key of these bytes.
    #[cfg(test)]
    pub(super) fn of_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    fn parse(text: &[u8]) -> Option<Self> {
        let found = SubjectPublicKeyInfoDer::from_pem_slice(text).ok()?;
        let key = found.as_ref().strip_prefix(&PREFIX)?;
        key.try_into().ok().map(Self)
    }

    /// Whether `signature` is this key's, of exactly these bytes.
    pub(crate) fn has_signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(bytes, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of RFC 8410, section 10.1.
    const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

    #[test]
    fn a_key_is_what_openssl_writes_and_nothing_else() {
        let key = PublicKey::parse(PEM.as_bytes()).expect("a key");
        assert_eq!(key.0[..4], [0x19, 0xbf, 0x44, 0x09]);
        let private = PEM.replace("PUBLIC", "PRIVATE");
        // One byte less, and a key of another kind (X25519).
        let short = PEM.replace(
            "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=",
            "MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZg==",
        );
        let other = PEM.replace("K2Vw", "K2Vu");
        for text in ["", "19bf4409", private.as_str(), short.as_str(), other.as_str()] {
            assert_eq!(PublicKey::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_or_is_something_else_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("release.pub");
        let error = PublicKey::read(&path).expect_err("it is not there");
        assert!(error.to_string().contains("release.pub"), "{error}");
        std::fs::write(&path, "key").expect("written");
        let error = PublicKey::read(&path).expect_err("it is no key");
        assert!(error.to_string().contains("holds no Ed25519 public key"), "{error}");
    }
}
