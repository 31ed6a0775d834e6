//! What a service manager that started this worker is told: systemd's `Type=notify` and its watchdog.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The variable that says where it listens.
const SOCKET: &str = "NOTIFY_SOCKET";

/// Whoever started this worker and wants to know how it is, if there is somebody.
#[derive(Debug)]
pub(crate) struct ServiceManager {
    listener: Option<(UnixDatagram, SocketAddr)>,
}

impl ServiceManager {
    /// The one that the environment names. Everything that runs here has an environment of its own and never finds it.
    pub(crate) fn of_process() -> Self {
        Self::at(std::env::var_os(SOCKET).as_deref())
    }

    fn at(place: Option<&OsStr>) -> Self {
        let listener = place.and_then(|place| {
            // An `@` stands for the zero byte that a name without a file begins with.
            let address = match place.as_bytes() {
                [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
                _ => SocketAddr::from_pathname(place),
            };
            let socket = UnixDatagram::unbound();
            match (address, socket.and_then(|socket| socket.set_nonblocking(true).map(|()| socket))) {
                (Ok(address), Ok(socket)) => Some((socket, address)),
                (Err(error), _) | (_, Err(error)) => {
                    tracing::warn!(%error, "the service manager cannot be told how this worker is");
                    None
                }
            }
        });
        Self { listener }
    }

    /// It is registered and takes work.
    pub(crate) fn ready(&self) {
        self.say("READY=1");
    }

    /// Its actors answer.
    pub(crate) fn alive(&self) {
        self.say("WATCHDOG=1");
    }

    /// It drains.
    pub(crate) fn stopping(&self) {
        self.say("STOPPING=1");
    }

    fn say(&self, what: &str) {
        if let Some((socket, address)) = &self.listener {
            // Not heard is the same as not said: it will be said again, or the watchdog does what it is for.
            let _heard = socket.send_to_addr(what.as_bytes(), address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_heard_by_path_and_by_abstract_name_and_nobody_listening_harms_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("notify");
        let name = format!("attune-notify-{}", std::process::id());
        let by_name = SocketAddr::from_abstract_name(name.as_bytes()).expect("a name");
        for (listener, place) in [
            (UnixDatagram::bind(&path).expect("bound"), path.as_os_str().to_owned()),
            (UnixDatagram::bind_addr(&by_name).expect("bound"), format!("@{name}").into()),
        ] {
            let manager = ServiceManager::at(Some(&place));
            manager.ready();
            manager.alive();
            manager.stopping();
            for expected in ["READY=1", "WATCHDOG=1", "STOPPING=1"] {
                let mut heard = [0; 64];
                let length = listener.recv(&mut heard).expect("something was said");
                assert_eq!(&heard[..length], expected.as_bytes());
            }
        }
        ServiceManager::at(Some(folder.path().join("nobody").as_os_str())).ready();
        ServiceManager::at(None).ready();
    }
}
