//! A listening link.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::conduct::{Conduct, Side};
use super::connection::{Standing, carry};

/// A port of 127.0.0.1 that forwards to another one, as well as it is told to. Ends with this value.
#[derive(Debug)]
pub struct Link {
    port: u16,
    standing: watch::Sender<Standing>,
    taken: Arc<AtomicU64>,
    live: Arc<AtomicU64>,
    turns: Arc<AtomicU64>,
    listener: JoinHandle<()>,
}

impl Link {
    /// Listens on a free port and forwards to `server`, a port of 127.0.0.1.
    ///
    /// # Errors
    /// When no port can be had.
    pub async fn start(server: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (standing, _) = watch::channel(Standing { server, ..Standing::default() });
        let (taken, live) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let turns = Arc::new(AtomicU64::new(0));
        let (orders, counted, open) = (standing.clone(), Arc::clone(&taken), Arc::clone(&live));
        let said = Arc::clone(&turns);
        let listener = tokio::spawn(async move {
            loop {
                // Too many open files, or a client that went away at once: the next may do better.
                let Ok((client, _)) = listener.accept().await else {
                    tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                    continue;
                };
                counted.fetch_add(1, Ordering::Relaxed);
                open.fetch_add(1, Ordering::Relaxed);
                let (standing, open, said) = (orders.subscribe(), Arc::clone(&open), Arc::clone(&said));
                tokio::spawn(async move {
                    carry(client, standing, &said).await;
                    open.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Ok(Self { port, standing, taken, live, turns, listener })
    }

    /// Where to connect.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Treats everything like this from now on.
    pub fn conduct(&self, conduct: Conduct) {
        self.standing.send_modify(|standing| standing.conduct = conduct);
    }

    /// How everything is treated now.
    #[must_use]
    pub fn current(&self) -> Conduct {
        self.standing.borrow().conduct
    }

    /// Resets every connection, on both sides.
    pub fn reset(&self) {
        self.standing.send_modify(|standing| standing.resets += 1);
    }

    /// Drops `side` of every connection and does not tell the other, which believes that it is still connected.
    pub fn forget(&self, side: Side) {
        self.standing.send_modify(|standing| {
            standing.forgotten += 1;
            standing.side = Some(side);
        });
    }

    /// Everything passes again; what was half open is reset.
    pub fn heal(&self) {
        self.standing.send_modify(|standing| {
            standing.conduct = Conduct::default();
            if standing.side.take().is_some() {
                standing.resets += 1;
            }
        });
    }

    /// Forwards new connections to another server.
    pub fn redirect(&self, server: u16) {
        self.standing.send_modify(|standing| standing.server = server);
    }

    /// Connections that were made so far.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// How often a client began to speak, over all connections: the round trips of a protocol of questions and answers.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.turns.load(Ordering::Relaxed)
    }

    /// Connections that are open now.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.live.load(Ordering::Relaxed)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.listener.abort();
        self.reset();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::time::timeout;

    use super::*;
    use crate::eventually;

    /// A server that answers every byte with itself.
    async fn echo() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut reader, mut writer) = stream.split();
                    let _ = tokio::io::copy(&mut reader, &mut writer).await;
                });
            }
        });
        port
    }

    async fn pair() -> (Link, TcpStream) {
        let link = Link::start(echo().await).await.expect("a link");
        let stream = TcpStream::connect(("127.0.0.1", link.port())).await.expect("a connection");
        (link, stream)
    }

    async fn exchange(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<Vec<u8>> {
        stream.write_all(bytes).await?;
        let mut back = vec![0; bytes.len()];
        stream.read_exact(&mut back).await?;
        Ok(back)
    }

    const LONG: Duration = Duration::from_secs(30);
    const A_MOMENT: Duration = Duration::from_millis(100);

    #[tokio::test]
    async fn what_passes_arrives_unchanged_also_in_slices_and_late() {
        let (link, mut stream) = pair().await;
        let bytes: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
        for conduct in [Conduct::default(), Conduct::sliced(977), Conduct::late(Duration::from_millis(20))] {
            link.conduct(conduct);
            stream.write_all(&bytes).await.expect("written");
            let mut back = vec![0; bytes.len()];
            timeout(LONG, stream.read_exact(&mut back)).await.expect("in time").expect("read");
            assert!(back == bytes, "{conduct:?}");
        }
        assert_eq!((link.taken(), link.live()), (1, 1));
        drop(stream);
        eventually("the connection to be forgotten", LONG, || async { (link.live() == 0).then_some(()) }).await;
    }

    #[tokio::test]
    async fn what_was_cut_arrives_when_it_heals() {
        let (link, mut stream) = pair().await;
        for side in [Side::Client, Side::Server] {
            link.conduct(Conduct::one_way_cut(side));
            stream.write_all(b"hello").await.expect("written");
            let mut back = [0; 5];
            assert!(timeout(A_MOMENT, stream.read_exact(&mut back)).await.is_err(), "nothing arrives");
            link.heal();
            timeout(LONG, stream.read_exact(&mut back)).await.expect("in time").expect("read");
            assert_eq!(&back, b"hello");
        }
    }

    #[tokio::test]
    async fn a_black_hole_resets_what_lost_bytes_when_it_heals() {
        let (link, mut stream) = pair().await;
        exchange(&mut stream, b"before").await.expect("answered");
        link.conduct(Conduct::black_hole());
        stream.write_all(b"lost").await.expect("written");
        let mut back = [0; 4];
        assert!(timeout(A_MOMENT, stream.read_exact(&mut back)).await.is_err(), "nothing arrives");
        link.heal();
        let error = timeout(LONG, stream.read_exact(&mut back)).await.expect("in time").expect_err("reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    #[tokio::test]
    async fn a_reset_reaches_both_sides_and_new_connections_pass() {
        let (link, mut stream) = pair().await;
        exchange(&mut stream, b"before").await.expect("answered");
        link.reset();
        let mut back = [0; 1];
        let error = timeout(LONG, stream.read_exact(&mut back)).await.expect("in time").expect_err("reset");
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let mut stream = TcpStream::connect(("127.0.0.1", link.port())).await.expect("a connection");
        exchange(&mut stream, b"after").await.expect("answered");
        link.conduct(Conduct::refuse());
        exchange(&mut stream, b"open ones live").await.expect("answered");
        let mut refused = TcpStream::connect(("127.0.0.1", link.port())).await.expect("taken first");
        assert!(timeout(LONG, exchange(&mut refused, b"x")).await.expect("in time").is_err());
    }

    #[tokio::test]
    async fn a_forgotten_server_leaves_the_client_in_its_belief() {
        let (link, mut stream) = pair().await;
        exchange(&mut stream, b"before").await.expect("answered");
        link.forget(Side::Server);
        stream.write_all(b"into nothing").await.expect("written");
        let mut back = [0; 1];
        assert!(timeout(A_MOMENT, stream.read_exact(&mut back)).await.is_err(), "nobody answers, nobody resets");
        link.heal();
        assert!(timeout(LONG, stream.read_exact(&mut back)).await.expect("in time").is_err(), "now it is told");
    }
}
