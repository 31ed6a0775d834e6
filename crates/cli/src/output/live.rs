//! The live output of a running action, on standard error.

use std::io::{self, Write as _};

use attune_types::LogStream;

use super::{Escaper, stderr_is_terminal};

/// The most standard output that is kept back while it may turn out to be the result.
const MOST_KEPT_BACK: usize = 1 << 20;

/// Prints what the action writes as it comes. Standard output of an action whose result *is* its standard output is
/// kept back: it appears as the result, or, when there is none, at the end.
#[derive(Debug)]
pub(crate) struct Live {
    quiet: bool,
    raw: bool,
    stdout_is_result: bool,
    kept_back: Vec<u8>,
    escapers: [Escaper; 3],
    /// Whether what was printed last ended a line.
    at_line_start: bool,
}

impl Live {
    /// `stdout_is_result`: see above. `raw` leaves control characters as they are.
    pub(crate) fn new(quiet: bool, raw: bool, stdout_is_result: bool) -> Self {
        Self {
            quiet,
            raw: raw || !stderr_is_terminal(),
            stdout_is_result,
            kept_back: Vec::new(),
            escapers: std::array::from_fn(|_| Escaper::default()),
            at_line_start: true,
        }
    }

    /// A piece of output arrived.
    pub(crate) fn piece(&mut self, stream: LogStream, bytes: &[u8]) {
        if self.quiet {
            return;
        }
        if stream == LogStream::Stdout && self.stdout_is_result {
            let room = MOST_KEPT_BACK.saturating_sub(self.kept_back.len());
            self.kept_back.extend_from_slice(&bytes[..bytes.len().min(room)]);
            return;
        }
        self.print(stream, bytes);
    }

    fn print(&mut self, stream: LogStream, bytes: &[u8]) {
        self.at_line_start = bytes.last().map_or(self.at_line_start, |last| *last == b'\n');
        if self.raw {
            write(bytes);
        } else {
            write(self.escapers[(stream.as_number() - 1) as usize].feed(bytes).as_bytes());
        }
    }

    /// Nothing follows. `has_result` tells whether what was kept back became the result.
    pub(crate) fn finish(mut self, has_result: bool) {
        if !has_result {
            let kept_back = std::mem::take(&mut self.kept_back);
            self.print(LogStream::Stdout, &kept_back);
        }
        self.escapers.iter_mut().for_each(|escaper| write(escaper.finish().as_bytes()));
        // So that what is said next does not hang behind the last words of the script. Only for people: a file keeps bytes.
        if !self.at_line_start && stderr_is_terminal() {
            write(b"\n");
        }
    }
}

/// A closed standard error is nobody's problem: the action goes on.
fn write(bytes: &[u8]) {
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(bytes).and_then(|()| stderr.flush());
}
