//! One piece of a log as the API shows it.
//!
//! Always one line of JSON: whatever a script prints stays a JSON string, so a log can become neither markup nor an event
//! of the stream that carries it.

use attune_types::{AttemptNumber, LogChunk, LogStream, Timestamp};
use serde::Serialize;

/// One piece of output.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct LogEntry {
    /// Pass as `cursor` or as `Last-Event-ID` to go on behind this piece.
    cursor: i64,
    stream: LogStream,
    attempt: AttemptNumber,
    /// Position of the first byte in its stream.
    offset: u64,
    at: Timestamp,
    /// The piece when it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The piece when it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
}

impl LogEntry {
    pub(crate) fn new(cursor: i64, chunk: LogChunk) -> Self {
        let LogChunk { attempt, stream, offset, at, bytes, .. } = chunk;
        let (text, base64) = match String::from_utf8(bytes) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(to_base64(error.as_bytes()))),
        };
        Self { cursor, stream, attempt, offset, at, text, base64 }
    }

    /// One line of JSON, without its end.
    pub(crate) fn to_line(&self) -> String {
        // Only numbers, words and strings, so it always serialises.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Base64 with padding, RFC 4648 section 4.
fn to_base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let number =
            group.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte)) << (8 * (3 - group.len()));
        for position in 0..4 {
            if position <= group.len() {
                text.push(char::from(ALPHABET[(number >> (18 - 6 * position)) as usize & 63]));
            } else {
                text.push('=');
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::ExecutionId;

    fn chunk(bytes: &[u8]) -> LogChunk {
        LogChunk {
            execution: ExecutionId(1),
            attempt: AttemptNumber::FIRST,
            sequence: 0,
            stream: LogStream::Stdout,
            offset: 10,
            at: Timestamp(0),
            bytes: bytes.to_vec(),
        }
    }

    #[test]
    fn base64_is_the_one_of_the_rfc() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")]
        {
            assert_eq!(to_base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn a_piece_is_one_line_whatever_it_holds() {
        let line = LogEntry::new(7, chunk(b"<script>\r\n\ndata: x\n\nevent: end\n")).to_line();
        assert!(!line.contains(['\n', '\r']));
        assert!(line.contains(r#""cursor":7,"stream":"stdout","attempt":1,"offset":10"#), "{line}");
        let line = LogEntry::new(7, chunk(&[0xff, 0xfe])).to_line();
        assert!(line.contains(r#""base64":"//4=""#) && !line.contains("text"), "{line}");
    }
}
