//! How far an action is, said not too often.

use std::time::Duration;

use super::protocol::{MAX_MESSAGE, cut};

/// The least time between two lines.
const PAUSE: Duration = Duration::from_millis(250);

/// How far an action is, said not too often: the first report at once, of later ones the latest every 250 ms.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    unsaid: Option<String>,
    next_at: Option<Duration>,
}

impl Progress {
    /// Takes a report; `now` is a reading of a clock that never goes back.
    pub(crate) fn report(&mut self, percent: f64, message: Option<&str>) {
        let message = message.map(plain).filter(|message| !message.is_empty());
        let message = message.map_or_else(String::new, |message| format!(": {message}"));
        // A tenth is more than anybody sees.
        let percent = (percent * 10.0).round() / 10.0;
        self.unsaid = Some(format!("progress {percent} %{message}\n"));
    }

    /// When there is something to say, as a reading of the same clock.
    pub(crate) fn due(&self) -> Option<Duration> {
        self.unsaid.as_ref().map(|_| self.next_at.unwrap_or_default())
    }

    /// The line to say now, if any.
    pub(crate) fn line(&mut self, now: Duration) -> Option<String> {
        if self.due()? > now {
            return None;
        }
        self.next_at = Some(now + PAUSE);
        self.unsaid.take()
    }

    /// The line that was not said when all is over.
    pub(crate) fn last(&mut self) -> Option<String> {
        self.unsaid.take()
    }
}

/// A message as part of one line: control characters become spaces, so that it can pretend to be neither a line of its
/// own nor anything to a terminal.
pub(crate) fn plain(message: &str) -> String {
    let shown: String = cut(message, MAX_MESSAGE).chars().map(|one| if one.is_control() { ' ' } else { one }).collect();
    shown.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_at_once_and_then_the_latest_every_quarter_of_a_second() {
        let at = Duration::from_millis;
        let mut progress = Progress::default();
        assert_eq!((progress.due(), progress.line(at(1000))), (None, None));
        progress.report(10.0, Some("reading\nforged \u{1b}[2J"));
        assert_eq!(progress.line(at(1000)).as_deref(), Some("progress 10 %: reading forged  [2J\n"));
        progress.report(20.0, None);
        progress.report(30.4999, Some(" "));
        assert_eq!(progress.due(), Some(at(1250)));
        assert_eq!(progress.line(at(1249)), None);
        assert_eq!(progress.line(at(1250)).as_deref(), Some("progress 30.5 %\n"));
        progress.report(100.0, None);
        assert_eq!(progress.last().as_deref(), Some("progress 100 %\n"));
        assert_eq!((progress.due(), progress.last()), (None, None));
    }
}
