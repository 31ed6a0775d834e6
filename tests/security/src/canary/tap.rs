//! A wire that is listened to.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

/// Everything that went over a wire.
#[derive(Clone, Default)]
pub(super) struct Tap(Arc<Mutex<Vec<Vec<u8>>>>);

impl Tap {
    /// Listens in on connections to `server`; where to connect instead. Its threads end with their connections.
    pub(super) fn to(server: SocketAddr) -> io::Result<(Self, SocketAddr)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let tap = Self::default();
        let heard = tap.clone();
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(server) else { continue };
                let (Ok(near_too), Ok(far_too)) = (near.try_clone(), far.try_clone()) else { continue };
                heard.pass(near, far);
                heard.pass(far_too, near_too);
            }
        });
        Ok((tap, address))
    }

    fn pass(&self, mut from: TcpStream, mut to: TcpStream) {
        let heard = self.clone();
        let number = {
            let mut all = heard.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(Vec::new());
            all.len() - 1
        };
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count) = from.read(&mut buffer) {
                heard.0.lock().unwrap_or_else(PoisonError::into_inner)[number].extend_from_slice(&buffer[..count]);
                if count == 0 || to.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
            let _gone = to.shutdown(Shutdown::Both);
        });
    }

    /// What went over each connection, one way.
    pub(super) fn heard(&self) -> Vec<Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
