//! Files on their way to somebody, a piece at a time.

use std::io::Read;

use actix_web::web::Bytes;
use futures_util::{Stream, stream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::problem::Problem;

/// How much of a file is on its way at once: so many pieces of so many bytes.
const PIECES: usize = 2;
const PIECE_BYTES: usize = 64 << 10;

/// What `reader` holds, read on a thread where that may take its time, and only as fast as it is taken.
pub(crate) fn of(
    runtime: &Handle,
    reader: impl Read + Send + 'static,
) -> impl Stream<Item = Result<Bytes, Problem>> + 'static {
    let (sender, receiver) = mpsc::channel(PIECES);
    let _reading = runtime.spawn_blocking(move || pass_on(reader, &sender));
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) })
}

fn pass_on(mut reader: impl Read, sender: &mpsc::Sender<Result<Bytes, Problem>>) {
    loop {
        let mut piece = Vec::with_capacity(PIECE_BYTES);
        let next = match reader.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece) {
            Ok(0) => return,
            Ok(_) => Ok(Bytes::from(piece)),
            Err(_) => Err(Problem::unavailable("the file broke off")),
        };
        let is_last = next.is_err();
        if sender.blocking_send(next).is_err() || is_last {
            return;
        }
    }
}
