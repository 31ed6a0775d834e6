//! Keys, signatures and checksums, made with the programs that people make them with.

use std::path::{Path, PathBuf};
use std::process::Command;

/// An Ed25519 key pair in a folder of its own.
pub(crate) struct KeyPair {
    folder: tempfile::TempDir,
}

impl KeyPair {
    pub(crate) fn new() -> Self {
        let pair = Self { folder: tempfile::tempdir().expect("a folder") };
        openssl(&["genpkey", "-algorithm", "ed25519", "-out", &pair.path("key")]);
        openssl(&["pkey", "-in", &pair.path("key"), "-pubout", "-out", &pair.path("key.pub")]);
        pair
    }

    /// The file with the public key.
    pub(crate) fn public(&self) -> String {
        self.path("key.pub")
    }

    /// The signature of a program, as it lies beside it.
    pub(crate) fn sign(&self, program: &[u8]) -> String {
        std::fs::write(self.file("program"), program).expect("written");
        let (key, program, signature) = (self.path("key"), self.path("program"), self.path("signature"));
        openssl(&["pkeyutl", "-sign", "-rawin", "-inkey", &key, "-in", &program, "-out", &signature]);
        openssl(&["base64", "-A", "-in", &signature, "-out", &self.path("text")]);
        std::fs::read_to_string(self.file("text")).expect("it is there")
    }

    fn file(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    fn path(&self, name: &str) -> String {
        self.file(name).display().to_string()
    }
}

#[expect(clippy::disallowed_methods, reason = "openssl is no child of an Attune worker")]
fn openssl(words: &[&str]) {
    let output = Command::new("openssl").args(words).output().expect("it is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The checksum of a program, hexadecimal.
#[expect(clippy::disallowed_methods, reason = "sha256sum is no child of an Attune worker")]
pub(crate) fn sha256(program: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    std::fs::write(&file, program).expect("written");
    let output = Command::new("sha256sum").arg(file).output().expect("it is installed");
    String::from_utf8_lossy(&output.stdout).split(' ').next().unwrap_or_default().to_owned()
}
