//! A simple engine: changes examples at random.

use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::targets::Target;

/// Inputs are not longer than this.
const MOST_BYTES: usize = 16 << 10;
/// What takes more of the processor hangs, and what does not come back for so long.
const SLOW: Duration = Duration::from_secs(2);
const LOST: Duration = Duration::from_secs(60);
/// Bytes that parsers have opinions about.
const WORDS: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b": ",
    b"\n",
    b"- ",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!",
    b"0",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"\x1b[",
    b"\x1b]52;c;",
    b"m",
    b"../",
    b"\0",
    b"\xff",
    b"\xe2\x80\xae",
    b"%",
    b"'",
    b"$",
    b"null",
    b"true",
    b"postgres://u:CR3D@h/d",
    b"LD_PRELOAD",
    b"127.0.0.1",
    b"::1",
    b"\r",
    b"\t",
    b"=",
    b"(",
    b")",
    b"|",
    b"+",
    b"*",
    b"?",
    b"{0,99}",
    b"{1000}",
    b"\\w",
    b"\\p{L}",
    b"[^",
    b"(?i)",
    b"\n--",
    b"\n-",
    b":=",
];

/// What made a target fail.
#[derive(Debug)]
pub struct Found {
    /// The input.
    pub input: Vec<u8>,
    /// What went wrong.
    pub message: String,
}

/// Runs a target on the examples, and for `time` on what it makes of them. Answers how many inputs were tried.
///
/// # Errors
/// The first input that made the target panic or hang.
pub fn fuzz(target: Target, examples: &[Vec<u8>], time: Duration, seed: u64) -> Result<u64, Box<Found>> {
    let mut random = Random(seed | 1);
    let begun = Instant::now();
    let mut count = 0;
    for example in examples {
        attempt(target, example)?;
        count += 1;
    }
    let mut pool: Vec<Vec<u8>> = if examples.is_empty() { vec![Vec::new()] } else { examples.to_vec() };
    while begun.elapsed() < time {
        let input = random.changed(&pool);
        attempt(target, &input)?;
        count += 1;
        // Now and then a change is kept and changed further: without a view of branches that is all there is.
        if random.below(512) == 0 {
            let place = random.below(64).max(examples.len());
            if place < pool.len() { pool[place] = input } else { pool.push(input) }
        }
    }
    Ok(count)
}

fn attempt(target: Target, input: &[u8]) -> Result<(), Box<Found>> {
    let (begun, before) = (Instant::now(), spent());
    let ended = panic::catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    let took = spent().saturating_sub(before);
    let message = match ended {
        Ok(()) if took < SLOW && begun.elapsed() < LOST => return Ok(()),
        Ok(()) => format!("took {took:?} of the processor, {:?} in all", begun.elapsed()),
        Err(payload) => match payload.downcast::<String>() {
            Ok(text) => *text,
            Err(payload) => payload.downcast::<&str>().map_or_else(|_| "a panic".to_owned(), |text| (*text).to_owned()),
        },
    };
    Err(Box::new(Found { input: input.to_vec(), message }))
}

/// What this thread took of the processor so far: whoever else is busy does not count.
pub(crate) fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() >> 11) as usize % most.max(1)
    }

    fn changed(&mut self, pool: &[Vec<u8>]) -> Vec<u8> {
        let mut input = pool[self.below(pool.len())].clone();
        for _ in 0..=self.below(6) {
            let at = self.below(input.len() + 1);
            match self.below(9) {
                0 if at < input.len() => input[at] ^= 1 << self.below(8),
                1 if at < input.len() => input[at] = self.next() as u8,
                2 => input.insert(at, self.next() as u8),
                3 if at < input.len() => {
                    let end = (at + 1 + self.below(16)).min(input.len());
                    input.drain(at..end);
                }
                4 | 5 => {
                    let word = WORDS[self.below(WORDS.len())];
                    input.splice(at..at, word.iter().copied());
                }
                6 => {
                    // A part once more, up to many times.
                    let end = (at + 1 + self.below(24)).min(input.len());
                    let part = input.get(at..end).unwrap_or_default().repeat(1 + self.below(8) * self.below(8));
                    input.splice(at..at, part);
                }
                7 => {
                    let other = &pool[self.below(pool.len())];
                    let from = self.below(other.len() + 1);
                    input.truncate(at);
                    input.extend_from_slice(&other[from..]);
                }
                _ => input.truncate(at.max(1)),
            }
        }
        input.truncate(MOST_BYTES);
        input
    }
}
