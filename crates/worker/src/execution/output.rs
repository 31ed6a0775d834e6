//! The way of one attempt's output: kept in hand while the attempt is short and silent, else through the sink.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use attune_process::{Chunk, Ended, Gap, Stream, clock};
use attune_types::{LogChunk, LogStream, Timestamp};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::result::{MAX_BYTES, ResultBytes};
use super::stream_redaction::{Piece, StreamRedactions};
use crate::artifacts::{Journal, LogPort};
use crate::executions::Key;
use crate::redaction::{Place, Redaction};

/// How long output may stay in hand.
const IN_HAND_TIME: Duration = Duration::from_millis(100);
/// How much output may stay in hand.
const IN_HAND_BYTES: usize = 64 << 10;
/// How much of what was held is sent on at once.
const RELEASED_AT_ONCE: usize = 64 << 10;
/// A byte that may begin a secret waits so long for the next one.
const PAUSE: Duration = Duration::from_millis(50);
/// How long the end of an attempt waits for its output to be stored. What takes longer is stored later.
const FLUSH_TIME: Duration = Duration::from_secs(2);

/// The output of one attempt. What is short ends up in the completion itself and costs nothing more; as soon as it is
/// 100 ms old or 64 KiB large, it goes through the sink and reaches followers at once.
pub(crate) struct Output {
    key: Key,
    port: LogPort,
    next_sequence: i64,
    in_hand: Vec<LogChunk>,
    in_hand_bytes: usize,
    is_streaming: bool,
    stdout: Option<ResultBytes>,
    system_bytes: u64,
    /// Where output waits for the end, when it is not to be stored before.
    held: Option<Held>,
    /// Bytes that were dropped because the disk was full.
    lost_bytes: u64,
    /// What else there is to say while the child runs.
    lines: Option<mpsc::Receiver<String>>,
    redaction: Redaction,
    /// Both streams without secrets, when there are secrets.
    redacted: Option<Box<StreamRedactions>>,
    /// When bytes that may begin a secret have waited long enough.
    pause_at: Option<Instant>,
}

impl Output {
    /// `keep_stdout`: a result is to be read from it.
    pub(crate) const fn new(key: Key, port: LogPort, keep_stdout: bool) -> Self {
        let is_streaming = port.takes_everything();
        let stdout = if keep_stdout { Some(ResultBytes::Whole(Vec::new())) } else { None };
        Self {
            key,
            port,
            next_sequence: 0,
            in_hand: Vec::new(),
            in_hand_bytes: 0,
            is_streaming,
            stdout,
            system_bytes: 0,
            held: None,
            lost_bytes: 0,
            lines: None,
            redaction: Redaction::none(),
            redacted: None,
            pause_at: None,
        }
    }

    /// Masks secrets in everything that goes this way.
    pub(crate) fn redact(&mut self, redaction: &Redaction) {
        self.redaction = redaction.clone();
        self.redacted = StreamRedactions::of(redaction);
    }

    /// Keeps output in `directory` until the end instead of sending it on while it is written.
    pub(crate) fn hold(&mut self, directory: PathBuf) {
        if !self.port.takes_everything() {
            self.held = Some(Held { directory, journal: None });
        }
    }

    /// Says what comes out of `lines`, too: one line each, with its end.
    pub(crate) fn hear(&mut self, lines: mpsc::Receiver<String>) {
        self.lines = Some(lines);
    }

    /// Takes chunks until the child has no more.
    pub(crate) async fn collect(&mut self, mut chunks: mpsc::Receiver<Chunk>) {
        let patience = Instant::now() + IN_HAND_TIME;
        loop {
            tokio::select! {
                biased;
                chunk = chunks.recv() => match chunk {
                    Some(chunk) => self.take(chunk).await,
                    None => return self.end_streams().await,
                },
                line = next_line(&mut self.lines) => self.say(line).await,
                () = tokio::time::sleep_until(self.pause_at.unwrap_or(patience)), if self.pause_at.is_some() => {
                    self.pause().await;
                }
                () = tokio::time::sleep_until(patience), if !self.in_hand.is_empty() => {
                    self.stream().await;
                    continue;
                }
            }
            if !self.is_streaming && (self.in_hand_bytes > IN_HAND_BYTES || Instant::now() >= patience) {
                self.stream().await;
            }
        }
    }

    /// Adds what the worker has to say about the end, and hands out what is to ride along in the completion.
    pub(crate) async fn finish(&mut self, ended: Option<&Ended>) -> Vec<LogChunk> {
        while let Some(line) = self.lines.as_mut().and_then(|lines| lines.try_recv().ok()) {
            self.say(line).await;
        }
        for line in ended.map(|ended| remarks(ended, |stream, gap| self.place(stream, gap))).unwrap_or_default() {
            self.say(line).await;
        }
        self.release_held().await;
        if self.is_streaming && !self.port.flush(FLUSH_TIME).await {
            tracing::debug!(execution.id = %self.key.execution, "output is stored later than the end");
        }
        let lost = self.lost_bytes + self.port.losses().take(self.key);
        if lost > 0 {
            // It rides along with the end, because the disk that it would wait on is full.
            self.is_streaming = false;
            self.say(format!("logs truncated: disk full ({lost} bytes dropped)\n")).await;
        }
        std::mem::take(&mut self.in_hand)
    }

    /// What standard output held, for the result.
    pub(crate) fn take_stdout(&mut self) -> ResultBytes {
        self.stdout.take().unwrap_or(ResultBytes::Whole(Vec::new()))
    }

    async fn take(&mut self, chunk: Chunk) {
        if chunk.stream == Stream::Stdout {
            self.keep_for_result(&chunk);
        }
        let stream = match chunk.stream {
            Stream::Stdout => LogStream::Stdout,
            Stream::Stderr => LogStream::Stderr,
        };
        let at = Timestamp(chunk.at_micros);
        let Some(redacted) = &mut self.redacted else {
            return self.push(stream, chunk.offset, at, chunk.bytes).await;
        };
        let of_stream = if stream == LogStream::Stdout { &mut redacted.stdout } else { &mut redacted.stderr };
        let pieces = of_stream.push(chunk.offset, &chunk.bytes);
        self.pause_at = redacted.is_holding().then(|| Instant::now() + PAUSE);
        self.push_all(stream, at, pieces).await;
    }

    async fn push_all(&mut self, stream: LogStream, at: Timestamp, pieces: Vec<Piece>) {
        for (offset, bytes) in pieces {
            self.push(stream, offset, at, bytes).await;
        }
    }

    /// Nothing came for a while: what is held back and cannot be told from a secret goes out when it is next to nothing.
    async fn pause(&mut self) {
        self.pause_at = None;
        let Some(redacted) = &mut self.redacted else { return };
        let (stdout, stderr) = (redacted.stdout.pause(), redacted.stderr.pause());
        self.push_both(stdout, stderr).await;
    }

    /// Nothing follows.
    async fn end_streams(&mut self) {
        self.pause_at = None;
        let Some(redacted) = &mut self.redacted else { return };
        let stdout = redacted.stdout.finish(&self.redaction);
        let stderr = redacted.stderr.finish(&self.redaction);
        self.push_both(stdout, stderr).await;
    }

    async fn push_both(&mut self, stdout: Vec<Piece>, stderr: Vec<Piece>) {
        let at = Timestamp(clock::wall());
        self.push_all(LogStream::Stdout, at, stdout).await;
        self.push_all(LogStream::Stderr, at, stderr).await;
    }

    /// Where in what is stored something was left out of a stream.
    pub(crate) fn place(&self, stream: LogStream, gap: Gap) -> Gap {
        match (&self.redacted, stream) {
            (Some(redacted), LogStream::Stdout) => redacted.stdout.place(gap),
            (Some(redacted), LogStream::Stderr) => redacted.stderr.place(gap),
            _ => gap,
        }
    }

    fn keep_for_result(&mut self, chunk: &Chunk) {
        if let Some(ResultBytes::Whole(kept)) = &mut self.stdout {
            // A jump says that something was left out: what is left is no result either.
            if chunk.offset == kept.len() as u64 && kept.len() + chunk.bytes.len() <= MAX_BYTES {
                kept.extend_from_slice(&chunk.bytes);
            } else {
                self.stdout = Some(ResultBytes::TooMany);
            }
        }
    }

    /// Adds a line of the worker's own, with its end.
    pub(crate) async fn say(&mut self, line: String) {
        let line = self.redaction.text(Place::Log, line);
        let offset = self.system_bytes;
        self.system_bytes += line.len() as u64;
        self.push(LogStream::System, offset, Timestamp(clock::wall()), line.into_bytes()).await;
    }

    async fn push(&mut self, stream: LogStream, offset: u64, at: Timestamp, bytes: Vec<u8>) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let Key { execution, attempt } = self.key;
        let chunk = LogChunk { execution, attempt, sequence, stream, offset, at, bytes };
        if self.is_streaming {
            self.pass_on(chunk).await;
        } else {
            self.in_hand_bytes += chunk.bytes.len();
            self.in_hand.push(chunk);
        }
    }

    async fn stream(&mut self) {
        self.is_streaming = true;
        for chunk in std::mem::take(&mut self.in_hand) {
            self.pass_on(chunk).await;
        }
    }

    async fn pass_on(&mut self, chunk: LogChunk) {
        let Some(held) = &mut self.held else { return self.port.keep(chunk).await };
        let bytes = chunk.bytes.len() as u64;
        if let Err(error) = held.append(chunk) {
            tracing::debug!(execution.id = %self.key.execution, error = &error as &dyn std::error::Error, "output could not be kept for the end");
            self.lost_bytes += bytes;
        }
    }

    /// Sends on what waited for the end.
    async fn release_held(&mut self) {
        let Some(mut held) = self.held.take() else { return };
        loop {
            match held.next() {
                Ok(Some(chunks)) => {
                    for chunk in chunks {
                        self.port.keep(chunk).await;
                    }
                }
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!(execution.id = %self.key.execution, error = &error as &dyn std::error::Error, "output that was kept for the end cannot be read");
                    return;
                }
            }
        }
    }
}

/// Output of one attempt that waits on disk for its end. What a worker that died left there, its next life sends on.
struct Held {
    directory: PathBuf,
    journal: Option<Journal>,
}

impl Held {
    fn append(&mut self, chunk: LogChunk) -> io::Result<()> {
        if self.journal.is_none() {
            self.journal = Some(Journal::open(&self.directory)?);
        }
        self.journal.as_mut().map_or(Ok(()), |journal| journal.append(&[chunk]))
    }

    fn next(&mut self) -> io::Result<Option<Vec<LogChunk>>> {
        let Some(journal) = &mut self.journal else { return Ok(None) };
        let Some(batch) = journal.read(RELEASED_AT_ONCE)? else { return Ok(None) };
        journal.store(&batch)?;
        Ok(Some(batch.chunks))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.journal.take().is_some() {
            // Empty by now, or the worker is going away and its next life reads what is in it.
            let _kept = std::fs::remove_dir(&self.directory);
        }
    }
}

/// The next line; waits for ever when there will be none.
async fn next_line(lines: &mut Option<mpsc::Receiver<String>>) -> String {
    if let Some(receiver) = lines {
        if let Some(line) = receiver.recv().await {
            return line;
        }
        *lines = None;
    }
    std::future::pending().await
}

/// What is worth saying about an end, one line each.
fn remarks(ended: &Ended, place: impl Fn(LogStream, Gap) -> Gap) -> Vec<String> {
    let mut remarks = Vec::new();
    let mut dropped = |name: &str, stream, gap: Option<Gap>| {
        if let Some(gap) = gap.map(|gap| place(stream, gap)) {
            remarks.push(format!("{} bytes of {name} left out (from byte {} to {})\n", gap.bytes(), gap.from, gap.to));
        }
    };
    dropped("standard output", LogStream::Stdout, ended.stdout_dropped);
    dropped("standard error", LogStream::Stderr, ended.stderr_dropped);
    if ended.output_closed_early {
        remarks.push("output closed early: a background process still held it two seconds after the end\n".to_owned());
    }
    if !ended.survivors.is_empty() {
        let names: Vec<String> = ended.survivors.iter().map(ToString::to_string).collect();
        remarks.push(format!("{} background processes killed: {}\n", names.len(), names.join(", ")));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::LogOrder;
    use attune_types::{AttemptNumber, ExecutionId};

    fn chunk(offset: u64, size: usize) -> Chunk {
        Chunk { stream: Stream::Stdout, offset, at_micros: 0, bytes: vec![b'x'; size] }
    }

    fn output() -> (Output, mpsc::Receiver<LogOrder>) {
        let (port, orders) = LogPort::new(false);
        (Output::new(Key::new(ExecutionId(1), AttemptNumber(1)), port, true), orders)
    }

    /// Answers flushes and returns the sequence numbers that came by.
    async fn play_sink(mut orders: mpsc::Receiver<LogOrder>) -> Vec<i64> {
        let mut sequences = Vec::new();
        while let Some(order) = orders.recv().await {
            match order {
                LogOrder::Keep(chunk) => sequences.push(chunk.sequence),
                LogOrder::Flush(answer) => answer.send(()).expect("somebody waits"),
            }
        }
        sequences
    }

    #[tokio::test]
    async fn short_output_rides_along_and_never_reaches_the_sink() {
        let (mut output, orders) = output();
        let (sender, chunks) = mpsc::channel(4);
        sender.send(chunk(0, 3)).await.expect("sent");
        drop(sender);
        output.collect(chunks).await;
        let in_hand = output.finish(None).await;
        assert_eq!(in_hand.len(), 1);
        assert_eq!(output.take_stdout(), ResultBytes::Whole(b"xxx".to_vec()));
        drop(output);
        assert!(play_sink(orders).await.is_empty());
    }

    #[tokio::test]
    async fn long_output_goes_through_the_sink_in_order_without_gaps() {
        let (mut output, orders) = output();
        let sink = tokio::spawn(play_sink(orders));
        let (sender, chunks) = mpsc::channel(4);
        let writing = async move {
            for index in 0..40_u64 {
                sender.send(chunk(index * 65_536, 65_536)).await.expect("sent");
            }
        };
        tokio::join!(writing, output.collect(chunks));
        assert!(output.finish(None).await.is_empty());
        assert_eq!(output.take_stdout(), ResultBytes::TooMany);
        drop(output);
        assert_eq!(sink.await.expect("sink"), (0..40).collect::<Vec<i64>>());
    }

    #[tokio::test]
    async fn old_output_goes_through_the_sink_however_short() {
        let (mut output, mut orders) = output();
        let (sender, chunks) = mpsc::channel(4);
        let collecting = tokio::spawn(async move { output.collect(chunks).await });
        sender.send(chunk(0, 1)).await.expect("sent");
        let Some(LogOrder::Keep(kept)) = orders.recv().await else { panic!("a piece") };
        assert_eq!(kept.bytes, b"x");
        drop(sender);
        collecting.await.expect("joined");
    }
}
