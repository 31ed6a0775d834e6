//! One stream without its secrets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use zeroize::{Zeroize, Zeroizing};

use super::leak::Leak;
use super::needles::{Compiled, Needles};
use super::search::{Stop, WINDOW};

/// What stands for a secret.
const MASK: &[u8] = b"***";
/// So many bytes that may begin a secret are let go in a pause: no more, or a secret that is written slowly would be seen.
const LET_GO: usize = 2;
/// From so many bytes on, the end of a needle behind a gap is taken for one.
const END_OF_NEEDLE: usize = 4;

/// One stream without its secrets: takes it in pieces of any size and hands it on with every needle masked.
///
/// What it hands on does not depend on how the stream was cut, as long as neither [`Redactor::pause`] nor
/// [`Redactor::gap`] is called.
pub struct Redactor(Option<Box<Stream>>);

struct Stream {
    needles: Arc<Compiled>,
    /// The end of the stream that is still needed.
    held: Zeroizing<Vec<u8>>,
    /// No needle begins in `held` before here.
    searched: usize,
    /// What is before here in `held` was handed on, or is masked.
    done: usize,
    /// Whether what was handed on ends with a mask that may still grow.
    after_mask: bool,
    /// The needle that grew it last, by its owner.
    masked_for: u32,
    /// Whether the stream begins in the middle of something.
    after_gap: bool,
    /// Line ends before `held`.
    lines: u64,
    found: BTreeMap<u32, (u64, u64)>,
}

impl Redactor {
    /// A stream that begins.
    #[must_use]
    pub fn new(needles: &Needles) -> Self {
        Self(needles.compiled().map(|compiled| {
            Box::new(Stream {
                needles: Arc::clone(compiled),
                held: Zeroizing::new(Vec::new()),
                searched: 0,
                done: 0,
                after_mask: false,
                masked_for: u32::MAX,
                after_gap: false,
                lines: 0,
                found: BTreeMap::new(),
            })
        }))
    }

    /// Whether bytes pass as they are.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        self.0.is_none()
    }

    /// Takes the next piece and appends to `out` what can be handed on of it, and of what was held back.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match &mut self.0 {
            None => out.extend_from_slice(bytes),
            Some(stream) => {
                stream.held.extend_from_slice(bytes);
                #[cfg(attune_mutants)]
                if attune_types::mutant::is("redactor_no_carry") {
                    stream.advance(out, true);
                    return stream.restart();
                }
                stream.advance(out, false);
            }
        }
    }

    /// Nothing followed for a while: lets go of what is held back when it is no more than two bytes. More may be a secret
    /// that is being written, and waits.
    pub fn pause(&mut self, out: &mut Vec<u8>) {
        if let Some(stream) = &mut self.0
            && !stream.after_gap
            && stream.held.len().saturating_sub(stream.done) <= LET_GO
        {
            stream.hand_on(stream.held.len(), out);
        }
    }

    /// How many bytes are held back that [`Redactor::pause`] would let go.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.0.as_ref().is_some_and(|stream| stream.held.len() > stream.done)
    }

    /// What follows does not: bytes are missing here. What is held back is masked when it is the beginning of a secret,
    /// and so is what follows when it is the end of one.
    pub fn gap(&mut self, out: &mut Vec<u8>) {
        if let Some(stream) = &mut self.0 {
            stream.cut(out);
        }
    }

    /// The stream is over. A stream may begin anew afterwards.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(stream) = &mut self.0 {
            stream.advance(out, true);
            stream.restart();
        }
    }

    /// What was found so far, by secret and encoding.
    #[must_use]
    pub fn report(&self) -> Vec<Leak> {
        let Some(stream) = &self.0 else { return Vec::new() };
        let leak = |(owner, (times, line)): (&u32, &(u64, u64))| {
            let (secret, encoding) = stream.needles.owners.get(*owner as usize)?;
            Some(Leak { secret: secret.to_string(), encoding: *encoding, times: *times, line: *line })
        };
        stream.found.iter().filter_map(leak).collect()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.is_idle() { "Redactor(idle)" } else { "Redactor(***)" })
    }
}

impl Stream {
    fn advance(&mut self, out: &mut Vec<u8>, is_over: bool) {
        if self.after_gap {
            if self.held.len() < self.needles.longest && !is_over {
                return;
            }
            self.after_gap = false;
            let end = self.end_of_needle();
            if end > 0 {
                out.extend_from_slice(MASK);
                self.done = end;
                self.after_mask = true;
            }
        }
        let needles = Arc::clone(&self.needles);
        loop {
            match needles.search.next(&self.held, self.searched) {
                Stop::At(place) => {
                    self.searched = place;
                    if !self.look(&needles, is_over, out) {
                        break;
                    }
                    self.searched += 1;
                }
                Stop::End(place) => {
                    self.searched = place.min(self.held.len());
                    break;
                }
            }
        }
        // What is left is shorter than a window, or begins with the beginning of a needle.
        while let Some(end) = self.held.get(self.searched..).filter(|end| !end.is_empty() && end.len() < WINDOW) {
            if !is_over && needles.search.begins_with(end) {
                break;
            }
            self.searched += 1;
        }
        self.hand_on(self.searched, out);
        self.forget();
    }

    /// Looks at the place that was searched up to. `false`: more is needed to know.
    fn look(&mut self, needles: &Compiled, is_over: bool, out: &mut Vec<u8>) -> bool {
        let place = self.searched;
        let (first, count) = needles.search.group(&self.held, place);
        for needle in needles.needles.get(first..first + count).unwrap_or_default() {
            let wanted = needles.bytes_of(needle);
            let rest = self.held.get(place..).unwrap_or_default();
            if rest.len() < wanted.len() {
                if !is_over && wanted.starts_with(rest) {
                    return false;
                }
            } else if rest.starts_with(wanted) {
                self.mask(place, place + wanted.len(), needle.owner, needle.follows, out);
                return true;
            }
        }
        true
    }

    fn mask(&mut self, begin: usize, end: usize, owner: u32, follows: bool, out: &mut Vec<u8>) {
        let is_inside = begin <= self.done && self.after_mask;
        if is_inside && end <= self.done {
            return;
        }
        if !(is_inside && follows && owner == self.masked_for) {
            let line = || self.lines + 1 + line_ends(self.held.get(..begin).unwrap_or_default());
            self.found.entry(owner).or_insert_with(|| (0, line())).0 += 1;
        }
        if !is_inside {
            self.hand_on(begin, out);
            out.extend_from_slice(MASK);
        }
        self.done = self.done.max(end);
        self.after_mask = true;
        self.masked_for = owner;
    }

    fn hand_on(&mut self, upto: usize, out: &mut Vec<u8>) {
        if upto > self.done {
            out.extend_from_slice(self.held.get(self.done..upto).unwrap_or_default());
            self.done = upto;
            self.after_mask = false;
        }
    }

    /// Forgets what was searched.
    fn forget(&mut self) {
        let count = self.searched;
        if count == 0 {
            return;
        }
        self.lines += line_ends(self.held.get(..count).unwrap_or_default());
        let rest = self.held.len() - count;
        self.held.copy_within(count.., 0);
        self.held[rest..].zeroize();
        self.held.truncate(rest);
        self.searched = 0;
        self.done -= count.min(self.done);
    }

    fn cut(&mut self, out: &mut Vec<u8>) {
        self.advance(out, false);
        if self.held.len().saturating_sub(self.done) > LET_GO {
            out.extend_from_slice(MASK);
        } else {
            self.hand_on(self.held.len(), out);
        }
        self.restart();
        self.after_gap = true;
    }

    fn restart(&mut self) {
        self.lines += line_ends(&self.held);
        self.held.zeroize();
        (self.searched, self.done, self.after_mask, self.after_gap) = (0, 0, false, false);
    }

    /// How many of the first bytes are the end of a needle whose beginning is missing.
    fn end_of_needle(&self) -> usize {
        let mut longest = 0;
        for needle in &self.needles.needles {
            let bytes = self.needles.bytes_of(needle);
            for length in (longest + 1).max(END_OF_NEEDLE)..bytes.len() {
                if self.held.starts_with(&bytes[bytes.len() - length..]) {
                    longest = length;
                }
            }
        }
        longest
    }
}

fn line_ends(bytes: &[u8]) -> u64 {
    // In blocks that the compiler counts many bytes at once in.
    bytes.chunks(192).map(|block| u64::from(block.iter().fold(0_u8, |sum, byte| sum + u8::from(*byte == b'\n')))).sum()
}
