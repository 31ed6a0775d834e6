//! What becomes of what a process writes: bounded pieces, and no secrets. The decisions are the product's.

use attune_process::Chunk;
use attune_process::protocol::next_size;
use attune_secret::redact::Redactor;
use attune_worker::protocol::Key;

use super::World;
use crate::work::Behaviour;

/// What some processes say and nobody may read.
pub(crate) const SECRET: &[u8] = b"correct horse battery staple";

/// What is read at once at first.
const FIRST_SIZE: usize = 4 << 10;

impl World {
    /// A process wrote what it writes, and its worker read it.
    pub(super) fn read_output(&mut self, key: Key, behaviour: Behaviour) {
        if behaviour.is_loud {
            // Every read finds as much as was asked for.
            let largest = (0..16).fold(FIRST_SIZE, |size, _| next_size(size, size));
            if largest > Chunk::MAX_BYTES {
                self.violations.note("unbounded", || format!("{key}: {largest} bytes of output were read at once"));
            }
        }
        if behaviour.tells {
            let said = [b"the word is ".as_slice(), SECRET, b", and so on"].concat();
            let (one, other) = (self.random.below(said.len() as u64), self.random.below(said.len() as u64));
            let (one, other) = (one.min(other) as usize, one.max(other) as usize);
            let mut redactor = Redactor::new(&self.needles);
            let mut shown = Vec::new();
            for piece in [&said[..one], &said[one..other], &said[other..]] {
                redactor.push(piece, &mut shown);
            }
            redactor.finish(&mut shown);
            // A part of a secret is none of it only when the whole of it is gone.
            if shown != b"the word is ***, and so on" {
                self.violations.note("leaked_secret", || format!("{key}, cut at {one} and {other}: {shown:?}"));
            }
        }
    }
}
