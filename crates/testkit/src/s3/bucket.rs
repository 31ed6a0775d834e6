//! A bucket of a private S3 service.

use std::ffi::OsStr;
use std::path::PathBuf;

use crate::guard::Guard;
use crate::ports::free_ports;
use crate::programs;
use crate::start_error::StartError;

/// The variable that names the script of the server (`s3rver.js`).
const SCRIPT_VARIABLE: &str = "ATTUNE_TEST_S3RVER";
/// Where `scripts/install-test-services.sh` puts it.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/test-tools/node_modules/s3rver/bin/s3rver.js");

/// An empty bucket of a service of its own, which ends with this value, or with the process.
#[derive(Debug)]
pub struct TestBucket {
    _guard: Guard,
    endpoint: String,
}

impl TestBucket {
    /// The id of the one access key.
    pub const ACCESS_KEY_ID: &str = "S3RVER";
    /// The one access key.
    pub const SECRET_ACCESS_KEY: &str = "S3RVER";
    const NAME: &str = "test-bucket";

    /// Starts the service with an empty bucket; takes half a second. Ends the test when it cannot.
    pub async fn create() -> Self {
        match Self::start().await {
            Ok(bucket) => bucket,
            Err(error) => error.abort_test(),
        }
    }

    async fn start() -> Result<Self, StartError> {
        let missing = || StartError::Missing { program: "s3rver (and node)", variable: SCRIPT_VARIABLE };
        let script = std::env::var_os(SCRIPT_VARIABLE).map_or_else(|| PathBuf::from(SCRIPT), PathBuf::from);
        let node = programs::in_path("node").filter(|_| script.is_file()).ok_or_else(missing)?;
        let mut attempts_left = 3;
        loop {
            let [port] = free_ports()?;
            let shown = port.to_string();
            let arguments = [node.as_os_str(), script.as_os_str(), OsStr::new(&shown), OsStr::new(Self::NAME)];
            let guard = Guard::start("s3rver", "attune-s3-", include_str!("guard.sh"), &arguments)?;
            let answers = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
            attempts_left -= 1;
            match guard.wait_until(answers).await {
                Ok(()) => return Ok(Self { _guard: guard, endpoint: format!("http://127.0.0.1:{port}") }),
                // Somebody may have taken the port in between.
                Err(_) if attempts_left > 0 => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The address of the service.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The bucket's name.
    #[must_use]
    pub fn name(&self) -> &str {
        Self::NAME
    }
}
