//! What happened in a run, line by line.

use std::hash::{DefaultHasher, Hasher};

/// What happened in a run: lines when they are wanted, and always a number that two runs share only if they went the same
/// way.
#[derive(Debug, Default)]
pub struct Trace {
    lines: Option<String>,
    digest: u64,
    events: u64,
}

impl Trace {
    /// A trace that keeps lines.
    #[must_use]
    pub fn kept() -> Self {
        Self { lines: Some(String::new()), ..Self::default() }
    }

    /// An event of this kind is about to happen.
    pub fn event(&mut self, now: i64, kind: u64) {
        self.events += 1;
        let mixed = self.digest ^ (now.unsigned_abs().rotate_left(17)) ^ kind.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.digest = mixed.rotate_left(23).wrapping_mul(0xff51_afd7_ed55_8ccd);
    }

    /// Something worth a line happened.
    pub fn say(&mut self, now: i64, line: impl FnOnce() -> String) {
        if let Some(lines) = &mut self.lines {
            lines.push_str(&format!("{:>12.6} {}\n", now as f64 / 1e6, line()));
        }
    }

    /// How many events there were.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The number of the run.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.digest);
        hasher.write_u64(self.events);
        if let Some(lines) = &self.lines {
            hasher.write(lines.as_bytes());
        }
        hasher.finish()
    }

    /// The lines.
    #[must_use]
    pub fn into_lines(self) -> String {
        self.lines.unwrap_or_default()
    }
}
