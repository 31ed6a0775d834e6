//! A log line by line, as people and tools that read lines want it.
//!
//! What is stored are the bytes as they came. Lines exist only in this view: bytes that are no UTF-8, and NUL, are shown
//! as U+FFFD, and a line is cut at 16 KiB and marked, so that whoever reads needs no more memory than that.

use std::collections::HashMap;

use attune_types::{AttemptNumber, LogChunk, LogStream, Timestamp};
use serde::Serialize;

/// The longest line, in bytes.
pub(super) const LONGEST: usize = 16 << 10;

/// One line of a log, without its end.
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct LogLine {
    stream: LogStream,
    attempt: AttemptNumber,
    /// Position of its first byte in its stream.
    offset: u64,
    at: Timestamp,
    line: String,
    /// Whether it goes on: it was cut because it is long, or what follows was left out, or nothing follows.
    #[serde(skip_serializing_if = "is_false")]
    partial: bool,
}

fn is_false(value: &bool) -> bool {
    !*value
}

impl LogLine {
    /// One line of JSON with its end.
    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default() + "\n"
    }
}

/// Cuts pieces into lines, each stream of each attempt for itself.
#[derive(Debug, Default)]
pub(super) struct LineCutter {
    begun: HashMap<(AttemptNumber, LogStream), Begun>,
}

/// A line whose end has not come.
#[derive(Debug)]
struct Begun {
    offset: u64,
    at: Timestamp,
    bytes: Vec<u8>,
}

impl LineCutter {
    /// The lines that `chunk` completes.
    pub(super) fn feed(&mut self, chunk: &LogChunk, lines: &mut Vec<LogLine>) {
        let key = (chunk.attempt, chunk.stream);
        if let Some(begun) = self.begun.get(&key)
            && begun.offset + begun.bytes.len() as u64 != chunk.offset
        {
            // Something was left out: what comes is no continuation.
            lines.extend(self.begun.remove(&key).map(|begun| line(key, begun, true)));
        }
        let mut offset = chunk.offset;
        let mut rest = chunk.bytes.as_slice();
        while !rest.is_empty() {
            let begun = self.begun.entry(key).or_insert_with(|| Begun { offset, at: chunk.at, bytes: Vec::new() });
            let room = LONGEST - begun.bytes.len();
            let end = rest.iter().position(|byte| *byte == b'\n');
            let (taken, ends) = match end {
                Some(end) if end <= room => (end, true),
                _ => (rest.len().min(room), false),
            };
            begun.bytes.extend_from_slice(&rest[..taken]);
            let used = taken + usize::from(ends);
            offset += used as u64;
            rest = &rest[used..];
            if ends || (begun.bytes.len() == LONGEST && !rest.is_empty()) {
                lines.extend(self.begun.remove(&key).map(|begun| line(key, begun, !ends)));
            }
        }
    }

    /// What was begun and never ended.
    pub(super) fn finish(self) -> Vec<LogLine> {
        let mut lines: Vec<LogLine> = self.begun.into_iter().map(|(key, begun)| line(key, begun, true)).collect();
        lines.sort_by_key(|line| (line.attempt, line.at, line.offset));
        lines
    }
}

fn line((attempt, stream): (AttemptNumber, LogStream), begun: Begun, partial: bool) -> LogLine {
    let line = String::from_utf8_lossy(&begun.bytes).replace('\0', "\u{fffd}");
    LogLine { stream, attempt, offset: begun.offset, at: begun.at, line, partial }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::ExecutionId;

    fn chunk(offset: u64, bytes: &[u8]) -> LogChunk {
        LogChunk {
            execution: ExecutionId(1),
            attempt: AttemptNumber::FIRST,
            sequence: 0,
            stream: LogStream::Stdout,
            offset,
            at: Timestamp(0),
            bytes: bytes.to_vec(),
        }
    }

    fn cut(chunks: &[LogChunk]) -> Vec<(u64, String, bool)> {
        let (mut cutter, mut lines) = (LineCutter::default(), Vec::new());
        chunks.iter().for_each(|chunk| cutter.feed(chunk, &mut lines));
        lines.extend(cutter.finish());
        lines.into_iter().map(|line| (line.offset, line.line, line.partial)).collect()
    }

    #[test]
    fn pieces_become_lines_wherever_they_were_cut() {
        let expected = [(0, "one".to_owned(), false), (4, String::new(), false), (5, "tw\u{fffd}o".to_owned(), true)];
        let all = b"one\n\ntw\0o";
        for at in 0..all.len() {
            let (left, right) = all.split_at(at);
            assert_eq!(cut(&[chunk(0, left), chunk(at as u64, right)]), expected, "cut at {at}");
        }
        assert_eq!(cut(&[chunk(0, b"a\xffb\n")]), [(0, "a\u{fffd}b".to_owned(), false)]);
    }

    #[test]
    fn long_lines_are_cut_and_marked_and_a_gap_ends_one() {
        let long = vec![b'x'; LONGEST * 2 + 5];
        let lines = cut(&[chunk(0, &long), chunk(long.len() as u64, b"y\n")]);
        let shape: Vec<(u64, usize, bool)> =
            lines.iter().map(|(offset, line, partial)| (*offset, line.len(), *partial)).collect();
        let long = LONGEST as u64;
        assert_eq!(shape, [(0, LONGEST, true), (long, LONGEST, true), (2 * long, 6, false)]);
        let exact = [vec![b'x'; LONGEST], b"\n".to_vec()].concat();
        assert_eq!(cut(&[chunk(0, &exact)]).len(), 1);
        assert_eq!(
            cut(&[chunk(0, b"be"), chunk(100, b"end\n")]),
            [(0, "be".to_owned(), true), (100, "end".to_owned(), false)]
        );
    }
}
