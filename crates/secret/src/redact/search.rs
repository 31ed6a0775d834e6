//! Where a needle may begin.

use zeroize::{Zeroize, Zeroizing};

/// How many bytes of a needle are in the window.
pub(super) const WINDOW: usize = 8;
/// How many bytes are hashed at once.
const BLOCK: usize = 4;
/// How far the window may be moved when its block is in no needle.
const FARTHEST: u8 = (WINDOW - BLOCK + 1) as u8;
const SHIFTS: usize = 1 << 16;

/// One needle: where its bytes lie, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Needle {
    pub(super) begin: u32,
    pub(super) length: u32,
    pub(super) owner: u32,
    pub(super) follows: bool,
}

/// Needles with the same first bytes.
#[derive(Debug, Clone, Copy, Default)]
struct Group {
    window: u64,
    first: u32,
    /// 0: there is none here.
    count: u32,
}

/// Finds where needles may begin.
pub(super) struct Search {
    /// By the hash of the last block of a window: how far it may be moved on without passing the beginning of a needle.
    shifts: Box<[u8; SHIFTS]>,
    /// An open hash table, at least half of it empty.
    groups: Vec<Group>,
    /// The first bytes of all needles, the first byte the most significant, sorted.
    windows: Vec<u64>,
}

/// Where a search stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// A needle may begin here.
    At(usize),
    /// None begins before here, and what follows is less than a window.
    End(usize),
}

impl Search {
    /// `needles` are sorted so that those with the same first bytes stand together; `bytes` is where theirs lie.
    pub(super) fn new(bytes: &[u8], needles: &[Needle]) -> Self {
        let mut shifts = Box::new([FARTHEST; SHIFTS]);
        let mut groups: Vec<Group> = Vec::new();
        for (index, needle) in needles.iter().enumerate() {
            let begin = needle.begin as usize;
            let Some(window) = bytes.get(begin..begin + WINDOW) else { continue };
            for (place, block) in window.windows(BLOCK).enumerate() {
                let shift = &mut shifts[hash_of(block)];
                *shift = (*shift).min((WINDOW - BLOCK - place) as u8);
            }
            let number = number_of(window);
            match groups.last_mut() {
                Some(group) if group.window == number => group.count += 1,
                _ => groups.push(Group { window: number, first: index as u32, count: 1 }),
            }
        }
        let mut table = vec![Group::default(); (groups.len() * 2).next_power_of_two().max(16)];
        let mut windows = Vec::with_capacity(groups.len());
        for group in groups {
            windows.push(group.window.swap_bytes());
            let mut slot = slot_of(group.window, table.len());
            while table[slot].count > 0 {
                slot = (slot + 1) % table.len();
            }
            table[slot] = group;
        }
        windows.sort_unstable();
        Self { shifts, groups: table, windows }
    }

    /// The next place from `from` on where a needle may begin.
    pub(super) fn next(&self, text: &[u8], from: usize) -> Stop {
        let mut place = from;
        while let Some(block) = text.get(place + (WINDOW - BLOCK)..place + WINDOW) {
            let shift = self.shifts[hash_of(block)];
            if shift == 0 {
                return Stop::At(place);
            }
            place += usize::from(shift);
        }
        Stop::End(place)
    }

    /// The needles that begin with the bytes at `place`: the first and how many.
    pub(super) fn group(&self, text: &[u8], place: usize) -> (usize, usize) {
        let Some(window) = text.get(place..place + WINDOW) else { return (0, 0) };
        let number = number_of(window);
        let mut slot = slot_of(number, self.groups.len());
        loop {
            let group = self.groups[slot];
            if group.count == 0 {
                return (0, 0);
            }
            if group.window == number {
                return (group.first as usize, group.count as usize);
            }
            slot = (slot + 1) % self.groups.len();
        }
    }

    /// Whether some needle begins with `end`, which is shorter than a window.
    pub(super) fn begins_with(&self, end: &[u8]) -> bool {
        let mut padded = [0; WINDOW];
        padded[..end.len()].copy_from_slice(end);
        let least = u64::from_be_bytes(padded);
        let rest = 8 * (WINDOW - end.len()) as u32;
        let place = self.windows.partition_point(|window| *window < least);
        self.windows.get(place).is_some_and(|window| window.checked_shr(rest) == least.checked_shr(rest))
    }
}

impl Drop for Search {
    fn drop(&mut self) {
        self.windows.zeroize();
        for group in &mut self.groups {
            group.window.zeroize();
        }
    }
}

/// Bytes of needles, overwritten when they are dropped.
pub(super) type Bytes = Zeroizing<Vec<u8>>;

fn hash_of(block: &[u8]) -> usize {
    let number = block.try_into().map_or(0, u32::from_le_bytes);
    (number.wrapping_mul(0x9e37_79b1) >> 16) as usize
}

fn number_of(window: &[u8]) -> u64 {
    window.try_into().map_or(0, u64::from_le_bytes)
}

const fn slot_of(window: u64, length: usize) -> usize {
    (window.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % length
}
