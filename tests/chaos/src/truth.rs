//! What really ran, told by the actions themselves in a file that Attune knows nothing of.

use std::collections::BTreeMap;
use std::path::Path;

/// What one line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// The action began.
    Start,
    /// It is about to exit with this code.
    End,
    /// When it began, another process tree of the same execution was still there: its lock was held.
    Overlap,
}

/// One line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) said: Said,
    pub(crate) execution: i64,
    pub(crate) attempt: i64,
    pub(crate) worker: String,
    /// Microseconds of the clock that counts suspend.
    pub(crate) boot_us: i64,
    /// The exit code that an end announces.
    pub(crate) code: i32,
}

/// What the file says of one execution, in the order in which it was written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ran {
    pub(crate) lines: Vec<Line>,
}

impl Ran {
    pub(crate) fn count(&self, said: Said) -> usize {
        self.lines.iter().filter(|line| line.said == said).count()
    }

    /// Whether an attempt announced this exit code.
    pub(crate) fn ended_with(&self, code: i32) -> bool {
        self.lines.iter().any(|line| line.said == Said::End && line.code == code)
    }
}

/// The whole file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    pub(crate) by_execution: BTreeMap<i64, Ran>,
    /// Lines that make no sense: a torn write would be one.
    pub(crate) damaged: usize,
}

impl Truth {
    /// Reads the file as it is now.
    pub(crate) fn read(path: &Path) -> Self {
        Self::parse(&std::fs::read_to_string(path).unwrap_or_default())
    }

    #[cfg(test)]
    pub(crate) fn parsed(text: &str) -> Self {
        Self::parse(text)
    }

    fn parse(text: &str) -> Self {
        let mut truth = Self::default();
        for line in text.lines() {
            match parse(line) {
                Some(line) => truth.by_execution.entry(line.execution).or_default().lines.push(line),
                None => truth.damaged += 1,
            }
        }
        truth
    }

    pub(crate) fn of(&self, execution: i64) -> Option<&Ran> {
        self.by_execution.get(&execution)
    }
}

/// `what execution attempt pid boot-seconds worker code`
fn parse(line: &str) -> Option<Line> {
    let words: Vec<&str> = line.split(' ').collect();
    let [what, execution, attempt, _pid, boot, worker, code] = words.as_slice() else { return None };
    let said = match *what {
        "start" => Said::Start,
        "end" => Said::End,
        "overlap" => Said::Overlap,
        _ => return None,
    };
    let boot: f64 = boot.parse().ok()?;
    Some(Line {
        said,
        execution: execution.parse().ok()?,
        attempt: attempt.parse().ok()?,
        worker: (*worker).to_owned(),
        boot_us: (boot * 1e6) as i64,
        code: code.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_and_torn_ones_are_counted() {
        let truth = Truth::parse("start 7 1 99 12.50 w1 0\nend 7 1 99 13.00 w1 3\nsta\n");
        let ran = truth.of(7).expect("it ran");
        assert_eq!((ran.count(Said::Start), ran.count(Said::End), truth.damaged), (1, 1, 1));
        assert!(ran.ended_with(3) && !ran.ended_with(0));
        assert_eq!(ran.lines[0].boot_us, 12_500_000);
    }
}
