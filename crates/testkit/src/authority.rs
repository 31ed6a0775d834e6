//! A private certificate authority.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use crate::directory::TestDirectory;
use crate::programs;

/// When a certificate was valid that has expired.
const EXPIRED: &str = "-startdate 20200101000000Z -enddate 20200201000000Z";
/// How `openssl ca` signs.
const SIGNING: &str = "[ca]\ndefault_ca = own\n[own]\ncertificate = ca.crt\nprivate_key = ca.key\ndatabase = index.txt\n\
                       new_certs_dir = .\nrand_serial = yes\ndefault_md = sha256\nunique_subject = no\npolicy = any\n\
                       [any]\ncommonName = supplied\n";

/// A certificate authority of one test, and the certificates that it signs. Uses the program `openssl`.
#[derive(Debug)]
pub struct Authority {
    directory: TestDirectory,
}

/// A certificate and its key, in PEM.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate.
    pub certificate_file: PathBuf,
    /// Its key.
    pub key_file: PathBuf,
}

impl Authority {
    /// Makes one.
    ///
    /// # Panics
    /// When `openssl` is missing or fails.
    #[must_use]
    pub fn create() -> Self {
        let directory = TestDirectory::create();
        let made = Self { directory };
        let words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key -out ca.crt -days 2 \
                     -subj /CN=attune-test-authority -addext basicConstraints=critical,CA:TRUE \
                     -addext keyUsage=critical,keyCertSign";
        made.openssl(words);
        made
    }

    /// The certificate to trust.
    #[must_use]
    pub fn ca_file(&self) -> PathBuf {
        self.path().join("ca.crt")
    }

    /// Signs a certificate for `names` (`DNS:db.example,IP:127.0.0.1`) that is valid for `days` from now on; with a
    /// negative number it has expired.
    ///
    /// # Panics
    /// When `openssl` fails.
    #[must_use]
    pub fn sign(&self, file: &str, names: &str, days: i32) -> Certificate {
        let extensions = format!("subjectAltName={names}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n");
        self.directory.write(&format!("{file}.ext"), extensions);
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout {file}.key -out {file}.csr -subj /CN={file}"
        ));
        // `x509 -req` begins the validity now, and what ends before it begins is not expired but no certificate at all.
        let validity = if days < 0 { EXPIRED.to_owned() } else { format!("-days {days}") };
        self.directory.write("ca.conf", SIGNING);
        self.directory.write("index.txt", "");
        self.openssl(&format!(
            "ca -batch -notext -config ca.conf -in {file}.csr -out {file}.crt {validity} -extfile {file}.ext"
        ));
        Certificate {
            certificate_file: self.path().join(format!("{file}.crt")),
            key_file: self.path().join(format!("{file}.key")),
        }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn openssl(&self, words: &str) {
        let mut command = programs::command("openssl");
        command.args(words.split_whitespace()).current_dir(self.path()).stdin(Stdio::null());
        match command.output() {
            Ok(output) if output.status.success() => {}
            Ok(output) => panic!("openssl {words}: {}", String::from_utf8_lossy(&output.stderr)),
            Err(error) => panic!("openssl cannot be run ({error}): apt-get install openssl"),
        }
    }
}
