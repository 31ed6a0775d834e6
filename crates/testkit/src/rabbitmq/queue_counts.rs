//! What a queue holds.

/// A queue and its counters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueCounts {
    /// Its name.
    pub name: String,
    /// `classic`, `quorum` or `stream`.
    pub kind: String,
    /// Messages that wait.
    pub ready: u64,
    /// Messages that somebody got and has not settled.
    pub unacknowledged: u64,
    /// Who consumes.
    pub consumers: u64,
}

impl QueueCounts {
    /// Reads `name;kind;ready;unacknowledged;consumers`.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut parts = line.rsplitn(5, ';');
        let consumers = parts.next()?.parse().ok()?;
        let unacknowledged = parts.next()?.parse().ok()?;
        let ready = parts.next()?.parse().ok()?;
        let kind = parts.next()?.to_owned();
        Some(Self { name: parts.next()?.to_owned(), kind, ready, unacknowledged, consumers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_the_separator() {
        let counts = QueueCounts::parse("a;b;quorum;3;2;1").expect("is well formed");
        assert_eq!(
            counts,
            QueueCounts { name: "a;b".into(), kind: "quorum".into(), ready: 3, unacknowledged: 2, consumers: 1 }
        );
        assert_eq!(QueueCounts::parse("nothing"), None);
    }
}
