//! Whether a worker can do its work, for those who look after it from outside: `attune-worker --health`.
//!
//! The worker writes down every second what it is: whether its actors answer, when the database last confirmed a
//! heartbeat, whether the broker has its consumer. Whoever asks reads that and judges it. A file and no socket: a worker
//! that hangs or was stopped says nothing new, and silence is what makes it unhealthy; a network address would have to be
//! chosen, and would be open to the actions. A service manager that waits for it (systemd's `Type=notify`) is told the same.

mod report;
mod service_manager;
mod teller;
mod verdict;

pub(crate) use report::{Report, file_in};
pub(crate) use teller::{forget, tell};
pub(crate) use verdict::judge;
