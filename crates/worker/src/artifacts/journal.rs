//! Output on disk between the child and the place where it is kept.
//!
//! The journal is a queue of records in numbered segment files: appended at the end, read at the front, a segment
//! deleted when everything in it was stored. No file exists until there is output. What an earlier life left is read
//! first; offering it again is harmless, because pieces are numbered.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use attune_types::LogChunk;

use super::log_record::{self, HEAD_BYTES, Read};

/// A segment is closed when it has grown to this size.
const SEGMENT_BYTES: u64 = 16 << 20;

/// Output on disk between the child and the place where it is kept.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: PathBuf,
    segments: VecDeque<Segment>,
    next_number: u64,
    appended: u64,
    stored: u64,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    file: File,
    length: u64,
    read_to: u64,
    /// Whether this life appends to it.
    open: bool,
}

/// What was read, and how far the reading went.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The pieces, in the order they were appended.
    pub(crate) chunks: Vec<LogChunk>,
    read_to: u64,
    records: u64,
}

impl Journal {
    /// Opens the journal in `directory`, which need not exist, with what an earlier life left in it.
    pub(crate) fn open(directory: &Path) -> io::Result<Self> {
        let mut numbers: Vec<u64> = match fs::read_dir(directory) {
            Ok(entries) => entries
                .flatten()
                .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".journal")?.parse().ok())
                .collect(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        numbers.sort_unstable();
        let mut segments = VecDeque::new();
        for number in &numbers {
            let path = segment_path(directory, *number);
            let file = OpenOptions::new().read(true).write(true).open(&path)?;
            let length = file.metadata()?.len();
            segments.push_back(Segment { path, file, length, read_to: 0, open: false });
        }
        let next_number = numbers.last().map_or(0, |last| last + 1);
        Ok(Self { directory: directory.to_owned(), segments, next_number, appended: 0, stored: 0 })
    }

    /// Appends pieces. Nothing is flushed to the platter: what the kernel has taken survives this process.
    pub(crate) fn append(&mut self, chunks: &[LogChunk]) -> io::Result<()> {
        let mut buffer = Vec::new();
        for chunk in chunks {
            log_record::write(chunk, &mut buffer);
        }
        let segment = self.writable()?;
        segment.file.write_all_at(&buffer, segment.length)?;
        segment.length += buffer.len() as u64;
        self.appended += chunks.len() as u64;
        Ok(())
    }

    /// Reads the next pieces, about `most` bytes of them; `None` when everything was stored. Until
    /// [`Journal::store`], the same are read again.
    pub(crate) fn read(&mut self, most: usize) -> io::Result<Option<Batch>> {
        loop {
            let Some(segment) = self.segments.front_mut() else { return Ok(None) };
            let left = usize::try_from(segment.length - segment.read_to).unwrap_or(usize::MAX);
            let mut size = left.min(most.max(HEAD_BYTES));
            let (chunks, used) = loop {
                let mut buffer = vec![0; size];
                segment.file.read_exact_at(&mut buffer, segment.read_to)?;
                let (chunks, used, damaged) = parse(&buffer);
                // A record that is longer than the buffer needs a longer one.
                if chunks.is_empty() && !damaged && size < left {
                    size = left.min(size.saturating_mul(4));
                    continue;
                }
                if damaged && chunks.is_empty() {
                    tracing::error!(journal.path = %segment.path.display(), "skipping damaged output journal");
                    segment.length = segment.read_to;
                }
                break (chunks, used);
            };
            if !chunks.is_empty() {
                let records = chunks.len() as u64;
                return Ok(Some(Batch { chunks, read_to: segment.read_to + used as u64, records }));
            }
            // Read to its end, or torn there.
            if segment.open && self.segments.len() == 1 {
                return Ok(None);
            }
            self.remove_front()?;
        }
    }

    /// Notes that a batch is where it belongs.
    pub(crate) fn store(&mut self, batch: &Batch) -> io::Result<()> {
        if let Some(segment) = self.segments.front_mut() {
            if segment.open {
                self.stored += batch.records;
            }
            segment.read_to = batch.read_to;
            if segment.read_to >= segment.length {
                self.remove_front()?;
            }
        }
        Ok(())
    }

    /// How many pieces were appended in this life.
    pub(crate) const fn appended(&self) -> u64 {
        self.appended
    }

    /// How many pieces that were appended in this life were stored.
    pub(crate) const fn stored(&self) -> u64 {
        self.stored
    }

    fn writable(&mut self) -> io::Result<&mut Segment> {
        let fits = self.segments.back().is_some_and(|segment| segment.open && segment.length < SEGMENT_BYTES);
        if !fits {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
            let path = segment_path(&self.directory, self.next_number);
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).mode(0o600).open(&path)?;
            self.next_number += 1;
            self.segments.push_back(Segment { path, file, length: 0, read_to: 0, open: true });
        }
        self.segments.back_mut().ok_or_else(|| io::Error::other("a segment was just pushed"))
    }

    fn remove_front(&mut self) -> io::Result<()> {
        match self.segments.pop_front() {
            Some(mut segment) => {
                segment.file.flush()?;
                fs::remove_file(&segment.path)
            }
            None => Ok(()),
        }
    }
}

fn segment_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:012}.journal"))
}

fn parse(buffer: &[u8]) -> (Vec<LogChunk>, usize, bool) {
    let (mut chunks, mut used) = (Vec::new(), 0);
    loop {
        match log_record::read(&buffer[used..]) {
            Read::Record(chunk, size) => {
                chunks.push(chunk);
                used += size;
            }
            Read::Incomplete => return (chunks, used, false),
            Read::Damaged => return (chunks, used, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::{AttemptNumber, ExecutionId, LogStream, Timestamp};

    fn chunk(sequence: i64, size: usize) -> LogChunk {
        LogChunk {
            execution: ExecutionId(1),
            attempt: AttemptNumber(1),
            sequence,
            stream: LogStream::Stdout,
            offset: 0,
            at: Timestamp(0),
            bytes: vec![b'x'; size],
        }
    }

    fn sequences(batch: &Batch) -> Vec<i64> {
        batch.chunks.iter().map(|chunk| chunk.sequence).collect()
    }

    fn files(directory: &Path) -> usize {
        fs::read_dir(directory).map_or(0, Iterator::count)
    }

    #[test]
    fn what_goes_in_comes_out_in_order_and_leaves_no_file() {
        let directory = tempfile::tempdir().expect("directory");
        let path = directory.path().join("journal");
        let mut journal = Journal::open(&path).expect("opens");
        assert!(journal.read(100).expect("reads").is_none());
        assert!(!path.exists(), "nothing was written yet");
        journal.append(&[chunk(0, 10), chunk(1, 10_000), chunk(2, 10)]).expect("appends");
        let first = journal.read(100).expect("reads").expect("something");
        assert_eq!(sequences(&first), [0]);
        let again = journal.read(100).expect("reads").expect("the same");
        assert_eq!(sequences(&again), [0]);
        journal.store(&again).expect("stores");
        let second = journal.read(1 << 20).expect("reads").expect("the rest");
        assert_eq!(sequences(&second), [1, 2]);
        journal.append(&[chunk(3, 1)]).expect("appends");
        journal.store(&second).expect("stores");
        let third = journal.read(100).expect("reads").expect("the last");
        assert_eq!(sequences(&third), [3]);
        journal.store(&third).expect("stores");
        assert_eq!((journal.stored(), journal.appended()), (4, 4));
        assert_eq!(files(&path), 0);
    }

    #[test]
    fn what_an_earlier_life_left_is_read_first_and_a_torn_end_is_left_out() {
        let directory = tempfile::tempdir().expect("directory");
        let mut journal = Journal::open(directory.path()).expect("opens");
        journal.append(&[chunk(0, 10), chunk(1, 10)]).expect("appends");
        drop(journal);
        let torn = segment_path(directory.path(), 0);
        let length = fs::metadata(&torn).expect("there").len();
        OpenOptions::new().write(true).open(&torn).expect("opens").set_len(length - 3).expect("cut");
        let mut journal = Journal::open(directory.path()).expect("opens");
        journal.append(&[chunk(2, 10)]).expect("appends");
        let mut seen = Vec::new();
        while let Some(batch) = journal.read(1 << 20).expect("reads") {
            seen.extend(sequences(&batch));
            journal.store(&batch).expect("stores");
        }
        assert_eq!(seen, [0, 2]);
        assert_eq!(files(directory.path()), 0);
    }

    #[test]
    fn a_damaged_journal_is_given_up_and_nothing_else() {
        let directory = tempfile::tempdir().expect("directory");
        fs::write(segment_path(directory.path(), 4), [0xff; 100]).expect("written");
        let mut journal = Journal::open(directory.path()).expect("opens");
        journal.append(&[chunk(0, 1)]).expect("appends");
        let batch = journal.read(1000).expect("reads").expect("the good one");
        assert_eq!(sequences(&batch), [0]);
        journal.store(&batch).expect("stores");
        assert!(journal.read(1000).expect("reads").is_none());
    }
}
