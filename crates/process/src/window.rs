//! Which bytes of a stream are kept: the head at once, the tail at the end, nothing in between.

use std::collections::VecDeque;

use crate::chunk::Chunk;
use crate::gap::Gap;
use crate::output_limits::OutputLimits;
use crate::stream::Stream;

/// The keeping of one stream. Pure: it is given bytes and a time, and says what to pass on.
///
/// The tail lies in a ring that is read into directly, so that a stream of gigabytes costs what the kernel's copy out
/// of the pipe costs and nothing more.
#[derive(Debug)]
pub(crate) struct Window {
    stream: Stream,
    limits: OutputLimits,
    seen: u64,
    /// What follows the head: the byte at `offset` lies at `(offset - head) % RING`. Empty until the head is full.
    ring: Vec<u8>,
    /// When bytes of the ring were read: the offset of the first of them and the time, oldest first.
    marks: VecDeque<Mark>,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    offset: u64,
    at_micros: i64,
}

/// What became of a stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) bytes: u64,
    pub(crate) dropped: Option<Gap>,
}

impl Window {
    /// The size of the ring: that of the longest tail.
    const RING: usize = OutputLimits::TAIL_BYTES as usize;
    /// So many bytes have one time at most.
    const MARKED_BYTES: u64 = 16 << 10;
    /// So many bytes have one time at least, or a stream of single bytes would cost a mark each.
    const LEAST_MARKED_BYTES: u64 = 256;
    /// A younger time is not worth a mark of its own.
    const MARKED_MICROS: i64 = 50_000;

    pub(crate) const fn new(stream: Stream, limits: OutputLimits) -> Self {
        Self { stream, limits, seen: 0, ring: Vec::new(), marks: VecDeque::new() }
    }

    /// How many more bytes belong to the head.
    pub(crate) fn room(&self) -> usize {
        usize::try_from(self.limits.head().saturating_sub(self.seen)).unwrap_or(usize::MAX)
    }

    /// Whether more was written than is kept.
    pub(crate) const fn is_over(&self) -> bool {
        self.seen > self.limits.max_bytes
    }

    /// Which stream it is, and its limits.
    pub(crate) const fn limits(&self) -> (Stream, OutputLimits) {
        (self.stream, self.limits)
    }

    /// Takes bytes that follow those taken before and returns what of them belongs to the head, if anything does.
    pub(crate) fn accept(&mut self, mut bytes: Vec<u8>, at_micros: i64) -> Option<Chunk> {
        let (offset, room) = (self.seen, self.room());
        let rest = if bytes.len() > room { bytes.split_off(room) } else { Vec::new() };
        self.seen += bytes.len() as u64;
        let mut rest = rest.as_slice();
        while !rest.is_empty() {
            let space = self.space();
            let count = space.len().min(rest.len());
            space[..count].copy_from_slice(&rest[..count]);
            self.filled(count, at_micros);
            rest = &rest[count..];
        }
        (!bytes.is_empty()).then_some(Chunk { stream: self.stream, offset, at_micros, bytes })
    }

    /// Where bytes that follow the head may be put; at least one byte long. The head must be full.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.ring.is_empty() {
            self.ring = vec![0; Self::RING];
        }
        let place = self.place(self.seen);
        &mut self.ring[place..]
    }

    /// So many bytes were put into [`Window::space`].
    pub(crate) fn filled(&mut self, count: usize, at_micros: i64) {
        let is_new = self.marks.back().is_none_or(|last| {
            let (bytes, micros) = (self.seen - last.offset, at_micros.saturating_sub(last.at_micros));
            bytes >= Self::MARKED_BYTES || (bytes >= Self::LEAST_MARKED_BYTES && micros >= Self::MARKED_MICROS)
        });
        if is_new {
            self.marks.push_back(Mark { offset: self.seen, at_micros });
        }
        self.seen += count as u64;
        let begin = self.tail_begin();
        while self.marks.get(1).is_some_and(|next| next.offset <= begin) {
            self.marks.pop_front();
        }
    }

    fn place(&self, offset: u64) -> usize {
        // The remainder is smaller than the ring.
        ((offset - self.limits.head()) % Self::RING as u64) as usize
    }

    /// Offset of the first byte of the tail, as long as no more comes.
    fn tail_begin(&self) -> u64 {
        self.seen.saturating_sub(self.limits.tail()).max(self.limits.head().min(self.seen))
    }

    /// The stream is over: returns the tail, cut to the byte, and what became of everything.
    pub(crate) fn finish(self) -> (Tail, Total) {
        let from = self.limits.head().min(self.seen);
        let to = self.tail_begin();
        let dropped = (to > from).then_some(Gap { from, to });
        let total = Total { bytes: self.seen, dropped };
        (Tail { next: to, window: self }, total)
    }
}

/// The tail of a stream that is over, chunk by chunk.
#[derive(Debug)]
pub(crate) struct Tail {
    window: Window,
    next: u64,
}

impl Iterator for Tail {
    type Item = Chunk;

    fn next(&mut self) -> Option<Chunk> {
        let Self { window, next } = self;
        let offset = *next;
        if offset >= window.seen {
            return None;
        }
        while window.marks.get(1).is_some_and(|mark| mark.offset <= offset) {
            window.marks.pop_front();
        }
        let at_micros = window.marks.front().map_or(0, |mark| mark.at_micros);
        let place = window.place(offset);
        let end = window.marks.get(1).map_or(window.seen, |mark| mark.offset);
        let longest = Chunk::MAX_BYTES.min(Window::RING - place);
        let count = usize::try_from(end - offset).unwrap_or(usize::MAX).min(longest);
        *next += count as u64;
        let bytes = window.ring[place..place + count].to_vec();
        Some(Chunk { stream: window.stream, offset, at_micros, bytes })
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
        assert_eq!(window.is_over(), length as u64 > max_bytes);
        let (tail, total) = window.finish();
        chunks.extend(tail);
        assert!(chunks.iter().all(|chunk| chunk.at_micros == 7 && chunk.bytes.len() <= Chunk::MAX_BYTES));
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
                    let offsets: Vec<u64> = bytes.iter().map(|(offset, _)| *offset).collect();
                    assert!(offsets == expected, "of {length} bytes in pieces of {piece}, at most {max_bytes}");
                    assert!(bytes.iter().all(|(offset, byte)| u64::from(*byte) == offset % 251));
                    let dropped = total.dropped.map_or(0, Gap::bytes);
                    assert_eq!((total.bytes, dropped), (length, length - expected.len() as u64));
                }
            }
        }
    }

    #[test]
    fn single_bytes_do_not_cost_a_mark_each_and_times_stay_about_right() {
        let mut window = Window::new(Stream::Stderr, OutputLimits::of(1 << 20));
        // One byte every 10 ms.
        for index in 0..2_000_000_i64 {
            window.accept(vec![b'x'], index * 10_000);
        }
        assert!(window.marks.len() <= 514, "{}", window.marks.len());
        let (tail, total) = window.finish();
        assert_eq!(total.bytes, 2_000_000);
        for chunk in tail {
            let late = i64::try_from(chunk.offset).expect("small") * 10_000 - chunk.at_micros;
            assert!((0..256 * 10_000).contains(&late), "{late}");
        }
    }
}
