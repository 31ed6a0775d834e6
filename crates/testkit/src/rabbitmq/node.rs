//! A private RabbitMQ node.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::control::Control;
use crate::authority::Certificate;
use crate::guard::Guard;
use crate::ports::free_ports;
use crate::programs;
use crate::start_error::StartError;

/// The variable that names a running broker to use instead of a private one.
pub(crate) const URL_VARIABLE: &str = "ATTUNE_TEST_AMQP_URL";

/// The variable that names the directory from which that broker can be driven.
pub(crate) const CONTROL_VARIABLE: &str = "ATTUNE_TEST_AMQP_CONTROL";

/// A private node. It ends with this value, or with the process.
#[derive(Debug)]
pub struct RabbitNode {
    guard: Guard,
    port: u16,
}

impl RabbitNode {
    /// Starts one in a temporary directory on free ports; takes about five seconds.
    pub async fn start() -> Result<Self, StartError> {
        let missing = |program| StartError::Missing { program, variable: URL_VARIABLE };
        let program = programs::rabbitmq_server().ok_or(missing("RabbitMQ"))?;
        let epmd = programs::in_path("epmd").ok_or(missing("Erlang's epmd"))?;
        programs::in_path("erl_call").ok_or(missing("Erlang's erl_call"))?;
        let mut attempts_left = 3;
        loop {
            let ports: [u16; 3] = free_ports()?;
            let [port, distribution, epmd_port] = ports.map(|port| OsString::from(port.to_string()));
            let arguments = [program.as_os_str(), &port, &distribution, &epmd_port, epmd.as_os_str()];
            let guard = Guard::start("RabbitMQ", "attune-rabbitmq-", include_str!("guard.sh"), &arguments)?;
            let node = Self { guard, port: ports[0] };
            attempts_left -= 1;
            match node.wait().await {
                Ok(()) => return Ok(node),
                // Somebody may have taken a port in between.
                Err(_) if attempts_left > 0 => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// URL without a virtual host.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory from which others may drive it; see `ATTUNE_TEST_AMQP_CONTROL`.
    #[must_use]
    pub fn control_directory(&self) -> &Path {
        self.guard.directory()
    }

    pub(crate) fn control(&self) -> Control {
        Control::new(self.guard.directory())
    }

    /// Starts it anew with this certificate; answers the port on which it takes encrypted connections only. Must be
    /// called on a node that nobody else uses.
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn encrypt(&self, certificate: &Certificate) -> Result<u16, StartError> {
        let [port] = free_ports()?;
        let settings = self.guard.directory().join("rabbitmq.conf");
        let text = std::fs::read_to_string(&settings).unwrap_or_default();
        let kept: Vec<&str> = text.lines().filter(|line| !line.contains("ssl")).collect();
        let Certificate { certificate_file, key_file } = certificate;
        let (certificate, key) = (certificate_file.display(), key_file.display());
        let text = format!(
            "{}\nlisteners.ssl.1 = 127.0.0.1:{port}\nssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\n\
             ssl_options.verify = verify_none\n",
            kept.join("\n")
        );
        if let Err(error) = std::fs::write(&settings, text) {
            panic!("{} could not be written: {error}", settings.display());
        }
        self.crash()?;
        self.start_again().await?;
        Ok(port)
    }

    /// Kills the node with SIGKILL.
    pub fn crash(&self) -> Result<(), StartError> {
        self.guard.order("crash")
    }

    /// Starts it again after [`crash`](Self::crash) and waits until it answers.
    pub async fn start_again(&self) -> Result<(), StartError> {
        self.guard.wait_until_silent(self.port).await?;
        self.guard.order("start")?;
        self.wait().await
    }

    /// Stops it in its tracks (SIGSTOP): connections stay open and nobody answers.
    /// Returns when that is so.
    ///
    /// # Errors
    /// When its guard is gone.
    pub async fn freeze(&self) -> Result<(), StartError> {
        self.guard.freeze().await
    }

    /// Lets it go on after [`freeze`](Self::freeze).
    pub fn thaw(&self) -> Result<(), StartError> {
        self.guard.order("thaw")
    }

    /// Waits for the greeting: the port is open before the broker behind it is ready.
    async fn wait(&self) -> Result<(), StartError> {
        self.guard.wait_until(|| greets(self.port)).await
    }
}

/// Whether a broker answers a protocol header.
pub(crate) fn greets(port: u16) -> bool {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let Ok(mut stream) = TcpStream::connect_timeout(&address, Duration::from_secs(1)) else { return false };
    let limited = stream.set_read_timeout(Some(Duration::from_secs(2)));
    let mut first = [0; 1];
    // The answer is a method frame (1) on channel 0.
    limited.and_then(|()| stream.write_all(b"AMQP\0\0\x09\x01")).and_then(|()| stream.read_exact(&mut first)).is_ok()
        && first == [1]
}
