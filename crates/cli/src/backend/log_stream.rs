//! A server-sent event stream of one execution: its log, then its end.

use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use attune_types::{Execution, ExecutionId, LogStream};
use serde::{Deserialize, Deserializer};

use super::http::Http;
use crate::error::CliError;

/// How long a server may stay away in the middle of a stream before that is an error.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pause before a stream is opened again.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest line of the stream that is read: a result may have a mebibyte and more as JSON text.
const LONGEST_LINE: u64 = 64 << 20;

/// A piece of a log as the API shows it: text, or Base64 where the bytes are not text.
#[derive(Debug, Deserialize)]
#[serde(from = "WirePiece")]
pub(crate) struct Piece {
    /// Where it stands in the log.
    pub(crate) cursor: i64,
    /// Which stream it came from.
    pub(crate) stream: LogStream,
    /// The bytes.
    pub(crate) bytes: Vec<u8>,
}

#[derive(Deserialize)]
struct WirePiece {
    cursor: i64,
    stream: LogStream,
    text: Option<String>,
    #[serde(default, deserialize_with = "base64")]
    base64: Vec<u8>,
}

impl From<WirePiece> for Piece {
    fn from(wire: WirePiece) -> Self {
        let bytes = wire.text.map_or(wire.base64, String::into_bytes);
        Self { cursor: wire.cursor, stream: wire.stream, bytes }
    }
}

fn base64<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    decode(&text).ok_or_else(|| serde::de::Error::custom("not Base64"))
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut number, mut bits) = (0_u32, 0);
    for character in text.trim_end_matches('=').bytes() {
        let digit = match character {
            b'A'..=b'Z' => character - b'A',
            b'a'..=b'z' => character - b'a' + 26,
            b'0'..=b'9' => character - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        number = (number << 6) | u32::from(digit);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((number >> bits & 0xff) as u8);
        }
    }
    Some(bytes)
}

/// What the stream says.
#[derive(Debug)]
pub(super) enum LogEvent {
    /// The action wrote something.
    Piece(Piece),
    /// It ended; nothing follows.
    End(Box<Execution>),
}

type Body = BufReader<Box<dyn Read + Send + Sync>>;

/// Reads the stream, and opens it again where it stopped when it breaks.
pub(super) struct LogStreamReader {
    http: Http,
    id: ExecutionId,
    cursor: i64,
    body: Option<Body>,
    broken_since: Option<Instant>,
}

impl LogStreamReader {
    /// A stream from the beginning of the log.
    pub(super) fn new(http: Http, id: ExecutionId) -> Self {
        Self { http, id, cursor: 0, body: None, broken_since: None }
    }

    /// Waits for what comes next.
    pub(super) fn next(&mut self) -> Result<LogEvent, CliError> {
        loop {
            match self.read() {
                Ok(Some(event)) => {
                    self.broken_since = None;
                    return Ok(event);
                }
                Ok(None) => self.pause(None)?,
                Err(error @ CliError::Unavailable { .. }) => self.pause(Some(error))?,
                Err(error) => return Err(error),
            }
        }
    }

    /// The stream broke: waits a moment, or gives up after [`PATIENCE`].
    fn pause(&mut self, error: Option<CliError>) -> Result<(), CliError> {
        self.body = None;
        let since = *self.broken_since.get_or_insert_with(Instant::now);
        if since.elapsed() > PATIENCE {
            return Err(error.unwrap_or_else(|| self.http.unavailable(std::io::Error::other("the stream broke off"))));
        }
        // `std::thread::sleep` is banned for the sake of actors; nothing else runs on this thread.
        std::thread::park_timeout(PAUSE);
        Ok(())
    }

    /// The next event; `None` when the stream ended before the execution did.
    fn read(&mut self) -> Result<Option<LogEvent>, CliError> {
        if self.body.is_none() {
            let after = (self.cursor > 0).then_some(self.cursor);
            let answer = self.http.open(&format!("/executions/{}/logs?follow=true", self.id), after)?;
            let body: Box<dyn Read + Send + Sync> = Box::new(answer.into_body().into_reader());
            self.body = Some(BufReader::new(body));
        }
        let (mut name, mut data) = (String::new(), String::new());
        loop {
            let Some(body) = self.body.as_mut() else { return Ok(None) };
            let mut line = String::new();
            let read = body.take(LONGEST_LINE).read_line(&mut line).map_err(|error| self.http.unavailable(error))?;
            if read == 0 {
                return Ok(None);
            }
            match line.trim_end_matches(['\r', '\n']).split_once(':') {
                Some(("event", value)) => value.trim_start().clone_into(&mut name),
                Some(("data", value)) => data.push_str(value.strip_prefix(' ').unwrap_or(value)),
                Some(_) => {}
                // An empty line ends an event.
                None => {
                    if let Some(event) = self.event(&name, &data)? {
                        return Ok(Some(event));
                    }
                    name.clear();
                    data.clear();
                }
            }
        }
    }

    fn event(&mut self, name: &str, data: &str) -> Result<Option<LogEvent>, CliError> {
        match name {
            "log" => {
                let piece: Piece = serde_json::from_str(data).map_err(|error| self.http.unavailable(error))?;
                self.cursor = self.cursor.max(piece.cursor);
                Ok(Some(LogEvent::Piece(piece)))
            }
            "end" => {
                let execution = serde_json::from_str(data).map_err(|error| self.http.unavailable(error))?;
                Ok(Some(LogEvent::End(Box::new(execution))))
            }
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_that_are_not_text_come_as_base64() {
        let piece: Piece = serde_json::from_str(
            r#"{"cursor": 3, "stream": "stderr", "attempt": 1, "offset": 0, "at": "x", "base64": "//4="}"#,
        )
        .expect("a piece");
        assert_eq!((piece.cursor, piece.bytes), (3, vec![0xff, 0xfe]));
        for (text, bytes) in [("", &b""[..]), ("Zg==", b"f"), ("Zm8=", b"fo"), ("Zm9v", b"foo"), ("Zm9vYg==", b"foob")]
        {
            assert_eq!(decode(text).as_deref(), Some(bytes));
        }
        assert_eq!(decode("Zm9v!"), None);
    }
}
