//! Says once that something stopped working, and once that it works again.

use std::error::Error;

/// A running condition: quiet while nothing changes, so that a database that is away for an hour is two log lines and
/// not eighteen hundred.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trouble {
    failures: u32,
}

impl Trouble {
    /// Takes note of one result, and hands the value back.
    pub(crate) fn note<Value, Failure: Error + 'static>(
        &mut self,
        doing: &'static str,
        result: Result<Value, Failure>,
    ) -> Option<Value> {
        match result {
            Ok(value) => {
                if self.failures > 0 {
                    tracing::info!(failures = self.failures, "{doing} works again");
                }
                self.failures = 0;
                Some(value)
            }
            Err(error) => {
                if self.failures == 0 {
                    tracing::warn!(error = %chain(&error), "{doing} failed; trying again until it works");
                }
                self.failures = self.failures.saturating_add(1);
                None
            }
        }
    }
}

/// An error with all its causes in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_counts_until_it_is_over() {
        let mut trouble = Trouble::default();
        let failed = || Err::<(), _>(std::io::Error::other("away"));
        assert_eq!(trouble.note("looking", failed()), None);
        assert_eq!(trouble.note("looking", failed()), None);
        assert_eq!(trouble.failures, 2);
        assert_eq!(trouble.note("looking", Ok::<_, std::io::Error>(7)), Some(7));
        assert_eq!(trouble.failures, 0);
    }
}
