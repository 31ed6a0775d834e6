//! Reads one stream until it is over.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::net::unix::pipe;
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;

use crate::chunk::Chunk;
use crate::clock;
use crate::output_limits::OutputLimits;
use crate::stream::Stream;
use crate::system;
use crate::window::{Total, Window};

/// Tells pumps to take what lies in their pipes now and no more.
#[derive(Debug, Default)]
pub(crate) struct Cut {
    is_asked: AtomicBool,
    wake: Notify,
}

impl Cut {
    pub(crate) fn ask(&self) {
        self.is_asked.store(true, Ordering::Release);
        self.wake.notify_one();
    }

    fn is_asked(&self) -> bool {
        self.is_asked.load(Ordering::Acquire)
    }
}

/// The reading side of one of the child's streams.
#[derive(Debug)]
pub(crate) struct Pump {
    pipe: pipe::Receiver,
    window: Window,
    buffer: Vec<u8>,
    next_size: usize,
    is_wide: bool,
    /// Whether it was said that the child writes too much.
    is_told: bool,
}

/// How much is read at once after `count` bytes came where `size` were asked for: what fills that gets the largest chunk,
/// and never more, or a child that writes without a line end would decide how much memory its worker takes.
#[must_use]
pub fn next_size(size: usize, count: usize) -> usize {
    if count < size {
        return size;
    }
    #[cfg(attune_mutants)]
    if crate::mutant::is("splitter_unbounded") {
        return size.saturating_mul(4);
    }
    Chunk::MAX_BYTES
}

impl Pump {
    /// What is read at once at first. A child that says little costs little; one that fills it gets the largest chunk.
    const FIRST_SIZE: usize = 4 << 10;
    /// What the kernel holds between a loud child and this process, so that neither waits for the other at every turn.
    const WIDE_PIPE: usize = 256 << 10;

    pub(crate) fn new(end: OwnedFd, stream: Stream, limits: OutputLimits) -> io::Result<Self> {
        system::set_nonblocking(&end)?;
        Ok(Self {
            pipe: pipe::Receiver::from_owned_fd_unchecked(end)?,
            window: Window::new(stream, limits),
            buffer: Vec::new(),
            next_size: Self::FIRST_SIZE,
            is_wide: false,
            is_told: false,
        })
    }

    /// Reads to the end of the stream, or, once `cut` is asked, to the end of what lay in the pipe at that moment.
    /// When nobody takes the chunks any more it goes on reading, so that the child is never held up by that. `over` is
    /// called once when the child has written more than a limit that stops it.
    pub(crate) async fn run(mut self, chunks: &Sender<Chunk>, cut: &Cut, over: &impl Fn(Stream, u64)) -> Total {
        let mut rest: Option<usize> = None;
        loop {
            if rest.is_none() && cut.is_asked() {
                rest = Some(system::unread(self.pipe.as_fd()));
            }
            if rest == Some(0) {
                break;
            }
            match self.read(rest.is_some()) {
                Ok((0, _)) => break,
                Ok((count, chunk)) => {
                    rest = rest.map(|bytes| bytes.saturating_sub(count));
                    if let Some(chunk) = chunk {
                        // An error means that the other side is gone; see above.
                        drop(chunks.send(chunk).await);
                    } else {
                        // Nothing else in this loop waits while the child fills the pipe: others get their turn.
                        tokio::task::coop::consume_budget().await;
                    }
                    self.tell(over);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if rest.is_some() {
                        break;
                    }
                    tokio::select! {
                        biased;
                        ready = self.pipe.readable() => if ready.is_err() { break },
                        () = cut.wake.notified() => {}
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!(%error, "a stream of a child cannot be read any more");
                    break;
                }
            }
        }
        // Closed before the tail goes out: a slow reader of chunks must not keep the child's side open.
        drop(self.pipe);
        let (tail, total) = self.window.finish();
        for chunk in tail {
            drop(chunks.send(chunk).await);
        }
        total
    }

    /// Reads once, and says how much and what of it is to be passed on.
    ///
    /// `is_cut`: asks the kernel itself. The runtime says that nothing can be read as long as it has not heard of what
    /// was written, and then the output of a child that has just ended would be taken for empty.
    fn read(&mut self, is_cut: bool) -> io::Result<(usize, Option<Chunk>)> {
        let room = self.window.room();
        if room == 0 {
            self.buffer = Vec::new();
            let space = self.window.space();
            let count = if is_cut { system::read(self.pipe.as_fd(), space)? } else { self.pipe.try_read(space)? };
            self.window.filled(count, clock::wall());
            return Ok((count, None));
        }
        self.buffer.reserve_exact(self.next_size.min(room));
        let count = if is_cut {
            let begin = self.buffer.len();
            self.buffer.resize(self.buffer.capacity(), 0);
            let read = system::read(self.pipe.as_fd(), self.buffer.get_mut(begin..).unwrap_or_default());
            self.buffer.truncate(begin + *read.as_ref().unwrap_or(&0));
            read?
        } else {
            self.pipe.try_read_buf(&mut self.buffer)?
        };
        Ok((count, if count == 0 { None } else { self.take(count) }))
    }

    /// Makes a chunk of what was read and decides how much to read next.
    fn take(&mut self, count: usize) -> Option<Chunk> {
        let bytes = if count * 2 >= self.buffer.capacity() {
            std::mem::take(&mut self.buffer)
        } else {
            let copy = self.buffer.as_slice().to_vec();
            self.buffer.clear();
            copy
        };
        if count >= self.next_size && self.next_size == Chunk::MAX_BYTES && !self.is_wide {
            self.is_wide = true;
            // Beyond what this user may have, the pipe stays as it is, which is only slower.
            system::widen(self.pipe.as_fd(), Self::WIDE_PIPE);
        }
        self.next_size = next_size(self.next_size, count);
        self.window.accept(bytes, clock::wall())
    }

    fn tell(&mut self, over: &impl Fn(Stream, u64)) {
        let (stream, limits) = self.window.limits();
        if limits.stops && !self.is_told && self.window.is_over() {
            self.is_told = true;
            over(stream, limits.max_bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_never_grows_beyond_the_largest() {
        let mut size = Pump::FIRST_SIZE;
        assert_eq!(next_size(size, size - 1), size);
        for _ in 0..10 {
            size = next_size(size, size);
            assert_eq!(size, Chunk::MAX_BYTES);
        }
    }

    #[test]
    fn what_lies_in_the_pipe_is_taken_although_the_runtime_has_not_heard_of_it() {
        for limit in [0, 3, 100] {
            let (reader, writer) = io::pipe().expect("a pipe");
            io::Write::write_all(&mut &writer, b"hello").expect("written");
            // The only thread of this runtime is busy with the pump until that waits, so no news of the pipe can come.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let total = runtime.block_on(async {
                let pump = Pump::new(reader.into(), Stream::Stdout, OutputLimits::of(limit)).expect("a pump");
                let cut = Cut::default();
                cut.ask();
                let (sender, _receiver) = tokio::sync::mpsc::channel(4);
                pump.run(&sender, &cut, &|_, _| ()).await
            });
            assert_eq!(total.bytes, 5, "with {limit} bytes kept");
        }
    }
}
