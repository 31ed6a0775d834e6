//! End to end: real programs, a real database, a real broker.

mod ground_truth;
mod placement;
mod two_workers;
