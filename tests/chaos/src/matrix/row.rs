//! A row of the matrix.

use super::{rows_broker, rows_other, rows_worker};

/// One strike of a scene.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    pub(crate) fault: &'static str,
    /// Seconds after the load began.
    pub(crate) at: f64,
    pub(crate) lasts: f64,
    pub(crate) form: usize,
}

/// One run of a row: a deployment of its own, a load and what happens meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    pub(crate) steps: &'static [Step],
    /// Submissions per second, until ten seconds after the last step.
    pub(crate) rate: f64,
    /// The only kind of work; absent: the whole mix.
    pub(crate) only: Option<&'static str>,
    /// Its parameter `seconds`; 0: as chance has it.
    pub(crate) seconds: f64,
    /// Whether the first worker's state lies on a disk of its own that is small.
    pub(crate) small_disk: bool,
}

impl Scene {
    pub(crate) const fn of(steps: &'static [Step]) -> Self {
        Self { steps, rate: 6.0, only: None, seconds: 0.0, small_disk: false }
    }
}

/// What a row is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    /// It is played.
    Played(&'static [Scene]),
    /// This platform, or the programs as they ship, cannot be made to do it; why, and what tests it instead.
    Named(&'static str),
}

/// A row of the matrix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) fault: &'static str,
    pub(crate) injected: &'static str,
    /// In words, besides the zeros of every counter.
    pub(crate) expected: &'static str,
    /// Figures that may be so large at most.
    pub(crate) limits: &'static [(&'static str, f64)],
    pub(crate) how: How,
}

pub(crate) const fn step(fault: &'static str, at: f64, lasts: f64, form: usize) -> Step {
    Step { fault, at, lasts, form }
}

/// All rows, in order.
pub(crate) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> =
        [rows_worker::ROWS, rows_broker::ROWS, rows_other::ROWS].iter().flat_map(|rows| rows.iter().copied()).collect();
    rows.sort_by_key(|row| row.id);
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn every_row_is_there_and_every_step_has_its_fault() {
        let rows = rows();
        let ids: Vec<&str> = rows.iter().map(|row| row.id).collect();
        let expected: Vec<String> = (1..=40).map(|number| format!("F{number:02}")).collect();
        assert_eq!(ids, expected);
        for row in &rows {
            if let How::Played(scenes) = row.how {
                for step in scenes.iter().flat_map(|scene| scene.steps) {
                    assert!(Fault::named(step.fault).is_some(), "{}: {}", row.id, step.fault);
                }
            }
        }
    }
}
