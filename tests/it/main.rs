//! End to end: real programs, a real database, a real broker.

mod bare_roots;
mod cold_start;
mod dependencies;
mod environments;
mod first_process;
mod floods;
mod ground_truth;
mod guards;
mod hostile_path;
mod languages;
mod latecomers;
mod leaving;
mod placement;
mod recovery;
mod scratch;
mod secrets;
mod self_update;
mod signing;
mod small_disk;
mod trouble;
mod two_pythons;
mod two_workers;
mod wrapper;
mod yard;
