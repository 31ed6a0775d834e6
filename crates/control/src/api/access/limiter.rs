//! How often somebody may ask: token buckets, of which no more are kept than fit.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many askers are remembered. Whoever is forgotten begins with a full bucket, so an attacker with more addresses
/// than this is bounded by the number of connections alone.
const MOST_ASKERS: usize = 20_000;

/// By what somebody is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Asker {
    /// A token of the store.
    Token(i64),
    /// The token of the configuration.
    Owner,
    /// Whoever has no token, by address.
    Address(IpAddr),
    /// Tokens that were refused, by address.
    Refused(IpAddr),
}

/// What one caller of the API may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiLimits {
    /// Requests per second of one token, or of one address without a token. 0: no limit.
    pub requests_per_second: u32,
    /// Tokens that are not valid, per minute and address.
    pub refusals_per_minute: u32,
    /// Logs that one token follows at once.
    pub streams: u32,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self { requests_per_second: 2_000, refusals_per_minute: 60, streams: 200 }
    }
}

/// A bucket that fills at a steady rate and is emptied by asking.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// Takes one from a bucket that holds `most` and fills by `rate` a second; the pause until there is one when it is empty.
fn take(bucket: &mut Bucket, now: Instant, rate: f64, most: f64) -> Result<(), Duration> {
    let since = now.saturating_duration_since(bucket.at).as_secs_f64();
    bucket.left = (bucket.left + since * rate).min(most);
    bucket.at = now;
    if bucket.left >= 1.0 {
        bucket.left -= 1.0;
        return Ok(());
    }
    Err(Duration::from_secs_f64((1.0 - bucket.left) / rate))
}

#[derive(Debug, Default)]
struct Books {
    buckets: HashMap<Asker, Bucket>,
    streams: HashMap<Asker, u32>,
}

/// Counts what everybody asks for; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Limiter {
    limits: ApiLimits,
    books: Arc<Mutex<Books>>,
}

impl Limiter {
    /// Nobody has asked for anything yet.
    pub(crate) fn new(limits: ApiLimits) -> Self {
        Self { limits, books: Arc::default() }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a request; how long to wait when it is one too many. A second's worth may come at once, twice over.
    pub(crate) fn ask(&self, asker: Asker) -> Result<(), Duration> {
        self.ask_at(asker, Instant::now())
    }

    /// How long to wait until the next request would pass; nothing is counted.
    pub(crate) fn look(&self, asker: Asker) -> Result<(), Duration> {
        let (now, books) = (Instant::now(), self.books());
        let Some(mut bucket) = books.buckets.get(&asker).copied() else { return Ok(()) };
        let (rate, most) = self.rate(asker);
        take(&mut bucket, now, rate, most)
    }

    /// How fast the bucket of an asker fills, and how much it holds.
    fn rate(&self, asker: Asker) -> (f64, f64) {
        match asker {
            Asker::Refused(_) => {
                let most = f64::from(self.limits.refusals_per_minute.max(1));
                (most / 60.0, most)
            }
            _ => (f64::from(self.limits.requests_per_second), 2.0 * f64::from(self.limits.requests_per_second)),
        }
    }

    fn ask_at(&self, asker: Asker, now: Instant) -> Result<(), Duration> {
        if self.limits.requests_per_second == 0 && !matches!(asker, Asker::Refused(_)) {
            return Ok(());
        }
        let (rate, most) = self.rate(asker);
        let mut books = self.books();
        if books.buckets.len() >= MOST_ASKERS && !books.buckets.contains_key(&asker) {
            // A bucket nobody took from for a minute is full, and a full one need not be remembered.
            books.buckets.retain(|_, bucket| now.saturating_duration_since(bucket.at) < Duration::from_secs(60));
            if books.buckets.len() >= MOST_ASKERS {
                books.buckets.clear();
            }
        }
        take(books.buckets.entry(asker).or_insert(Bucket { left: most, at: now }), now, rate, most)
    }

    /// Room for one more stream; `None` when there is none.
    pub(crate) fn stream(&self, asker: Option<Asker>) -> Option<StreamPermit> {
        let Some(asker) = asker else { return Some(StreamPermit { limiter: self.clone(), asker: None }) };
        let mut books = self.books();
        let open = books.streams.entry(asker).or_insert(0);
        if *open >= self.limits.streams {
            return None;
        }
        *open += 1;
        drop(books);
        Some(StreamPermit { limiter: self.clone(), asker: Some(asker) })
    }
}

/// Room for one stream; given back when dropped.
#[derive(Debug)]
pub(crate) struct StreamPermit {
    limiter: Limiter,
    asker: Option<Asker>,
}

impl Drop for StreamPermit {
    fn drop(&mut self) {
        let Some(asker) = self.asker else { return };
        let mut books = self.limiter.books();
        if let Some(open) = books.streams.get_mut(&asker) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                books.streams.remove(&asker);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    fn limiter(requests_per_second: u32) -> Limiter {
        Limiter::new(ApiLimits { requests_per_second, refusals_per_minute: 6, streams: 2 })
    }

    #[test]
    fn a_burst_passes_and_then_only_the_rate() {
        let (limiter, start) = (limiter(10), Instant::now());
        let passed = |at: Instant| (0..100).filter(|_| limiter.ask_at(Asker::Owner, at).is_ok()).count();
        assert_eq!(passed(start), 20);
        assert_eq!(limiter.ask_at(Asker::Owner, start), Err(Duration::from_millis(100)));
        assert_eq!(passed(start + Duration::from_millis(500)), 5);
        assert_eq!(passed(start + Duration::from_secs(3600)), 20);
        assert_eq!(
            (0..20).filter(|_| limiter.ask_at(Asker::Token(7), start).is_ok()).count(),
            20,
            "others are not hurt"
        );
    }

    #[test]
    fn guesses_are_few_however_many_requests_are_allowed() {
        let (limiter, start) = (limiter(0), Instant::now());
        let guess = Asker::Refused(Ipv4Addr::LOCALHOST.into());
        assert_eq!((0..1000).filter(|_| limiter.ask_at(guess, start).is_ok()).count(), 6);
        assert!(limiter.ask_at(guess, start).is_err_and(|pause| pause <= Duration::from_secs(10)));
        assert!((0..10_000).all(|_| limiter.ask_at(Asker::Owner, start).is_ok()));
    }

    #[test]
    fn memory_is_bounded() {
        let (limiter, start) = (limiter(10), Instant::now());
        for number in 0..50_000 {
            assert!(limiter.ask_at(Asker::Token(number), start).is_ok());
        }
        assert!(limiter.books().buckets.len() <= MOST_ASKERS);
    }

    #[test]
    fn streams_are_counted_while_they_live() {
        let limiter = limiter(10);
        let first = limiter.stream(Some(Asker::Token(1)));
        let second = limiter.stream(Some(Asker::Token(1)));
        assert!(first.is_some() && second.is_some() && limiter.stream(Some(Asker::Token(1))).is_none());
        assert!(limiter.stream(Some(Asker::Token(2))).is_some());
        drop(first);
        assert!(limiter.stream(Some(Asker::Token(1))).is_some());
    }
}
