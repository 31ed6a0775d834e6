//! Programs and signatures for tests.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};

use super::offer::Offer;
use super::public_key::PublicKey;

/// The header and the mark of an agent for this machine.
pub(super) fn program(version: &str) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1];
    bytes.resize(18, 0);
    bytes.extend(if cfg!(target_arch = "x86_64") { [62, 0] } else { [183, 0] });
    bytes.extend(format!("attune-agent-version={version}\0").bytes());
    bytes
}

/// Somebody with a private key.
pub(super) struct Signer(Ed25519KeyPair);

impl Signer {
    pub(super) fn new() -> Self {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).expect("random bytes");
        Self(Ed25519KeyPair::from_seed_unchecked(&seed).expect("any seed is one"))
    }

    pub(super) fn public_key(&self) -> PublicKey {
        PublicKey::of_bytes(self.0.public_key().as_ref().try_into().expect("32 bytes"))
    }

    pub(super) fn sign(&self, bytes: &[u8]) -> String {
        STANDARD.encode(self.0.sign(bytes))
    }

    /// What an honest server says about `program`.
    pub(super) fn offer(&self, version: &str, program: &[u8]) -> Offer {
        Offer {
            version: version.to_owned(),
            architecture: std::env::consts::ARCH.to_owned(),
            size: program.len() as u64,
            sha256: Sha256::digest(program).iter().map(|byte| format!("{byte:02x}")).collect(),
            signature: Some(self.sign(program)),
        }
    }
}
