//! The log lines of this process without secrets.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use super::needles::Needles;
use super::redactor::Redactor;

/// What is looked for in everything that this process says about itself.
static RAISED: RwLock<Vec<(u64, Needles)>> = RwLock::new(Vec::new());
/// How many there are, so that nobody takes the lock when there are none.
static COUNT: AtomicUsize = AtomicUsize::new(0);
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Keeps secrets out of what this process says about itself: log lines, panics and last words. A log line may carry the
/// text of an error that somebody else wrote, and at the level `trace` what libraries send.
#[derive(Debug, Clone, Copy)]
pub struct Shield;

impl Shield {
    /// From now on and as long as the guard lives, these are masked in what passes through [`Shielded`] and
    /// [`Shield::line`].
    #[must_use]
    pub fn raise(needles: &Needles) -> ShieldGuard {
        if needles.is_empty() {
            return ShieldGuard(None);
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        RAISED.write().unwrap_or_else(PoisonError::into_inner).push((number, needles.clone()));
        COUNT.fetch_add(1, Ordering::Release);
        ShieldGuard(Some(number))
    }

    /// A whole line, or several, without what is to be masked.
    #[must_use]
    pub fn line(line: &[u8]) -> Cow<'_, [u8]> {
        if COUNT.load(Ordering::Acquire) == 0 {
            return Cow::Borrowed(line);
        }
        let mut masked = Cow::Borrowed(line);
        for (_, needles) in RAISED.read().unwrap_or_else(PoisonError::into_inner).iter() {
            let (mut redactor, mut out) = (Redactor::new(needles), Vec::with_capacity(line.len()));
            redactor.push(&masked, &mut out);
            redactor.finish(&mut out);
            if !redactor.report().is_empty() {
                masked = Cow::Owned(out);
            }
        }
        masked
    }

    /// A text without what is to be masked.
    #[must_use]
    pub fn text(text: &str) -> String {
        String::from_utf8_lossy(&Self::line(text.as_bytes())).into_owned()
    }
}

/// As long as this lives, what it was made for is masked.
#[derive(Debug)]
pub struct ShieldGuard(Option<u64>);

impl ShieldGuard {
    /// For as long as the process lives.
    pub fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for ShieldGuard {
    fn drop(&mut self) {
        if let Some(number) = self.0 {
            RAISED.write().unwrap_or_else(PoisonError::into_inner).retain(|(raised, _)| *raised != number);
            COUNT.fetch_sub(1, Ordering::Release);
        }
    }
}

/// A writer of log lines, each of which is written at once, that masks what is to be masked.
#[derive(Debug)]
pub struct Shielded<W>(W);

impl<W: Write> Shielded<W> {
    /// Writes to `inner`.
    pub const fn new(inner: W) -> Self {
        Self(inner)
    }
}

impl<W: Write> Write for Shielded<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.write_all(&Shield::line(line))?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_masked_as_long_as_the_guard_lives() {
        let needles = Needles::new([("key", &b"sh13lded-value"[..])]);
        let guard = Shield::raise(&needles);
        let mut written = Vec::new();
        Shielded::new(&mut written).write_all(b"{\"message\":\"it is sh13lded-value\"}\n").expect("written");
        assert_eq!(String::from_utf8_lossy(&written), "{\"message\":\"it is ***\"}\n");
        drop(guard);
        assert_eq!(Shield::text("sh13lded-value"), "sh13lded-value");
    }
}
