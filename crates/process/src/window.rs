//! Which bytes of a stream are kept: the head at once, the tail at the end, nothing in between.

use std::collections::VecDeque;

use crate::chunk::Chunk;
use crate::gap::Gap;
use crate::output_limits::OutputLimits;
use crate::stream::Stream;

/// The keeping of one stream. Pure: it is given bytes and a time, and says what to pass on.
#[derive(Debug)]
pub(crate) struct Window {
    stream: Stream,
    limits: OutputLimits,
    seen: u64,
    /// The latest bytes after the head, oldest first. Neighbours are merged so that a stream of single bytes does not
    /// cost a chunk each.
    tail: VecDeque<Chunk>,
    tail_bytes: u64,
}

/// What became of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) bytes: u64,
    pub(crate) dropped: Option<Gap>,
}

impl Window {
    /// Up to this size, a chunk of the tail takes what follows it.
    const MERGED_BYTES: usize = 16 << 10;

    pub(crate) const fn new(stream: Stream, limits: OutputLimits) -> Self {
        Self { stream, limits, seen: 0, tail: VecDeque::new(), tail_bytes: 0 }
    }

    /// Takes bytes that follow those taken before and returns what of them belongs to the head, if anything does.
    pub(crate) fn accept(&mut self, mut bytes: Vec<u8>, at_micros: i64) -> Option<Chunk> {
        let offset = self.seen;
        self.seen += bytes.len() as u64;
        let room = usize::try_from(self.limits.head().saturating_sub(offset)).unwrap_or(usize::MAX);
        if bytes.len() > room {
            let rest = if room == 0 { std::mem::take(&mut bytes) } else { bytes.split_off(room) };
            self.keep_in_tail(offset + room as u64, &rest, at_micros);
        }
        (!bytes.is_empty()).then_some(Chunk { stream: self.stream, offset, at_micros, bytes })
    }

    fn keep_in_tail(&mut self, offset: u64, bytes: &[u8], at_micros: i64) {
        let limit = self.limits.tail();
        // Of more than the whole tail, the beginning would be dropped at once.
        let skipped = bytes.len().saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        let (offset, bytes) = (offset + skipped as u64, &bytes[skipped..]);
        if bytes.is_empty() {
            return;
        }
        if skipped > 0 {
            self.tail.clear();
            self.tail_bytes = 0;
        }
        match self.tail.back_mut() {
            Some(last) if last.bytes.len() + bytes.len() <= Self::MERGED_BYTES => last.bytes.extend_from_slice(bytes),
            _ => self.tail.push_back(Chunk { stream: self.stream, offset, at_micros, bytes: bytes.to_vec() }),
        }
        self.tail_bytes += bytes.len() as u64;
        while let Some(first) = self.tail.front() {
            let without = self.tail_bytes - first.bytes.len() as u64;
            if without < limit {
                break;
            }
            self.tail_bytes = without;
            self.tail.pop_front();
        }
    }

    /// The stream is over: returns the tail, cut to the byte, and what became of everything.
    pub(crate) fn finish(mut self) -> (VecDeque<Chunk>, Total) {
        let surplus = usize::try_from(self.tail_bytes.saturating_sub(self.limits.tail())).unwrap_or(usize::MAX);
        if let Some(first) = self.tail.front_mut()
            && surplus > 0
        {
            first.bytes.drain(..surplus);
            first.offset += surplus as u64;
        }
        let from = self.limits.head().min(self.seen);
        let to = self.tail.front().map_or(self.seen, |first| first.offset);
        let dropped = (to > from).then_some(Gap { from, to });
        (self.tail, Total { bytes: self.seen, dropped })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `0, 1, 2, ...` in pieces of `piece` and returns what was kept, by offset.
    fn kept(max_bytes: u64, length: usize, piece: usize) -> (Vec<(u64, u8)>, Total) {
        let mut window = Window::new(Stream::Stdout, OutputLimits::of(max_bytes));
        let all: Vec<u8> = (0..length).map(|index| (index % 251) as u8).collect();
        let mut chunks: Vec<Chunk> = all.chunks(piece).filter_map(|bytes| window.accept(bytes.to_vec(), 7)).collect();
        let (tail, total) = window.finish();
        chunks.extend(tail);
        let bytes = chunks
            .iter()
            .flat_map(|chunk| chunk.bytes.iter().enumerate().map(|(index, byte)| (chunk.offset + index as u64, *byte)))
            .collect();
        (bytes, total)
    }

    #[test]
    fn head_and_tail_are_kept_to_the_byte() {
        for max_bytes in [0, 1, 2, 3, 10, 100, 101, 70_000, 300_000] {
            for length in [0, 1, 2, 9, 10, 11, 100, 5_000, 70_001, 400_000] {
                for piece in [1, 7, 4_096, 65_536] {
                    if length / piece > 100_000 {
                        continue;
                    }
                    let (bytes, total) = kept(max_bytes, length, piece);
                    let limits = OutputLimits::of(max_bytes);
                    let length = length as u64;
                    let expected: Vec<u64> = if length <= max_bytes {
                        (0..length).collect()
                    } else {
                        (0..limits.head()).chain(length - limits.tail()..length).collect()
                    };
                    assert_eq!(bytes.iter().map(|(offset, _)| *offset).collect::<Vec<_>>(), expected);
                    assert!(bytes.iter().all(|(offset, byte)| u64::from(*byte) == offset % 251));
                    let dropped = total.dropped.map_or(0, Gap::bytes);
                    assert_eq!((total.bytes, dropped), (length, length - expected.len() as u64));
                }
            }
        }
    }

    #[test]
    fn single_bytes_do_not_cost_a_chunk_each() {
        let mut window = Window::new(Stream::Stderr, OutputLimits::of(1 << 20));
        for _ in 0..2_000_000 {
            window.accept(vec![b'x'], 1);
        }
        assert!(window.tail.len() <= 12, "{}", window.tail.len());
        assert!(window.tail_bytes <= OutputLimits::TAIL_BYTES + Window::MERGED_BYTES as u64);
    }
}
