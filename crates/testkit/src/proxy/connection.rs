//! One connection through a link.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::conduct::{Accept, Conduct, Flow, Side};

/// Bytes that are read at once.
const PIECE: usize = 16 << 10;

/// Pieces of one direction that may be on their way; more of them wait in the sender's socket.
const ON_THEIR_WAY: usize = 64;

/// The state of a link as its connections see it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) conduct: Conduct,
    /// Port of the server on 127.0.0.1.
    pub(super) server: u16,
    /// How often everything was reset.
    pub(super) resets: u64,
    /// How often one side was forgotten, and which side the last time.
    pub(super) forgotten: u64,
    pub(super) side: Option<Side>,
}

/// Why the pumps were left.
enum Order {
    Reset,
    Forget(Side),
}

/// What one connection tells its link.
#[derive(Debug, Default)]
struct Tally<'a> {
    /// Something was lost: the connection is good for nothing any more.
    lost: AtomicBool,
    /// Whether the client was the last who said something.
    is_clients: AtomicBool,
    /// How often the client began to speak.
    turns: Option<&'a AtomicU64>,
}

impl Tally<'_> {
    /// Something was said, on its way to this side.
    fn heard(&self, towards: Side) {
        let is_clients = towards == Side::Server;
        if !self.is_clients.swap(is_clients, Ordering::Relaxed)
            && is_clients
            && let Some(turns) = self.turns
        {
            turns.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Carries one connection until either end closes it or it is reset; counts how often the client began to speak.
pub(super) async fn carry(client: TcpStream, mut standing: watch::Receiver<Standing>, turns: &AtomicU64) {
    let first = *standing.borrow_and_update();
    match first.conduct.accept {
        Accept::Forward => {}
        Accept::Refuse => return reset(&client),
        Accept::Swallow => {
            until(&mut standing, |now| now.resets != first.resets || now.conduct.accept != Accept::Swallow).await;
            return reset(&client);
        }
    }
    let Ok(server) = TcpStream::connect(("127.0.0.1", first.server)).await else { return reset(&client) };
    let (_, _) = (client.set_nodelay(true), server.set_nodelay(true));
    let tally = Tally { turns: Some(turns), ..Tally::default() };
    let order = {
        let pumps = async {
            tokio::join!(
                pump(&client, &server, Side::Server, standing.clone(), &tally),
                pump(&server, &client, Side::Client, standing.clone(), &tally),
            )
        };
        tokio::select! {
            ends = pumps => match ends {
                (Ok(()), Ok(())) => None,
                _ => Some(Order::Reset),
            },
            order = ordered(standing.clone(), first, &tally.lost) => Some(order),
        }
    };
    match order {
        // Both ends closed in order.
        None => {}
        Some(Order::Reset) => {
            reset(&client);
            reset(&server);
        }
        Some(Order::Forget(side)) => {
            let (gone, left) = match side {
                Side::Client => (client, server),
                Side::Server => (server, client),
            };
            reset(&gone);
            drop(gone);
            // Whoever is left is not told: what it writes is taken and lost, until the link is healed by a reset.
            let taken = async { while swallow(&left).await.is_ok() {} };
            tokio::select! {
                () = taken => {}
                () = until(&mut standing, |now| now.resets != first.resets) => {}
            }
            reset(&left);
        }
    }
}

/// Waits for an order that ends the connection.
async fn ordered(mut standing: watch::Receiver<Standing>, first: Standing, lost: &AtomicBool) -> Order {
    loop {
        let now = *standing.borrow_and_update();
        if now.resets != first.resets {
            return Order::Reset;
        }
        if let (true, Some(side)) = (now.forgotten != first.forgotten, now.side) {
            return Order::Forget(side);
        }
        let vanishes = [now.conduct.to_server, now.conduct.to_client].iter().any(|course| course.flow == Flow::Vanish);
        if !vanishes && lost.load(Ordering::Relaxed) {
            return Order::Reset;
        }
        if standing.changed().await.is_err() {
            return Order::Reset;
        }
    }
}

/// Waits until something holds, or the link is gone.
async fn until(standing: &mut watch::Receiver<Standing>, done: impl Fn(&Standing) -> bool) {
    loop {
        let now = *standing.borrow_and_update();
        if done(&now) || standing.changed().await.is_err() {
            return;
        }
    }
}

/// Carries one direction to its end.
async fn pump(
    from: &TcpStream,
    to: &TcpStream,
    towards: Side,
    mut standing: watch::Receiver<Standing>,
    tally: &Tally<'_>,
) -> io::Result<()> {
    // What is late must not keep what follows from being read: it is on its way at the same time.
    let (sender, mut arriving) = mpsc::channel::<(Instant, Vec<u8>)>(ON_THEIR_WAY);
    let mut departing = standing.clone();
    let read = async move {
        loop {
            until(&mut departing, |now| now.conduct.towards(towards).flow != Flow::Stall).await;
            let piece = tokio::select! {
                piece = receive(from) => piece?,
                _ = departing.changed() => continue,
            };
            if piece.is_empty() {
                return Ok(());
            }
            tally.heard(towards);
            let course = departing.borrow().conduct.towards(towards);
            if course.flow == Flow::Vanish {
                tally.lost.store(true, Ordering::Relaxed);
            } else if sender.send((Instant::now() + course.delay, piece)).await.is_err() {
                return Ok(());
            }
        }
    };
    let write = async {
        while let Some((due, piece)) = arriving.recv().await {
            sleep_until(due).await;
            let course = standing.borrow().conduct.towards(towards);
            for slice in piece.chunks(course.slice.unwrap_or(PIECE).max(1)) {
                until(&mut standing, |now| now.conduct.towards(towards).flow != Flow::Stall).await;
                send(to, slice).await?;
                if let Some(rate) = course.rate {
                    sleep(std::time::Duration::from_micros(slice.len() as u64 * 1_000_000 / rate.max(1))).await;
                }
            }
        }
        close_writing(to);
        Ok(())
    };
    let ends: (io::Result<()>, io::Result<()>) = tokio::join!(read, write);
    ends.0.and(ends.1)
}

/// The next bytes; none at the end.
async fn receive(from: &TcpStream) -> io::Result<Vec<u8>> {
    let mut piece = vec![0; PIECE];
    loop {
        from.readable().await?;
        match from.try_read(&mut piece) {
            Ok(length) => {
                piece.truncate(length);
                return Ok(piece);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

async fn send(to: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        to.writable().await?;
        match to.try_write(bytes) {
            Ok(length) => bytes = &bytes[length..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads something and throws it away.
async fn swallow(from: &TcpStream) -> io::Result<()> {
    match receive(from).await {
        Ok(piece) if piece.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
        other => other.map(drop),
    }
}

fn close_writing(stream: &TcpStream) {
    use std::os::fd::AsRawFd;
    // SAFETY: shutdown has no memory effects, and the descriptor is open as long as the stream is borrowed.
    unsafe { libc::shutdown(stream.as_raw_fd(), libc::SHUT_WR) };
}

/// Makes the stream end with a reset instead of in order.
fn reset(stream: &TcpStream) {
    // A socket that is gone already needs no reset.
    let _ = stream.set_zero_linger();
}
