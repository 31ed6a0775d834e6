//! End to end: real programs, a real database, a real broker.

mod first_process;
mod floods;
mod ground_truth;
mod guards;
mod placement;
mod trouble;
mod two_workers;
