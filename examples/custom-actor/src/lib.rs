//! An audit trail: one JSON line for every execution that starts or ends on a worker.
//!
//! # Theory of operation
//!
//! [`AuditTrail`] is an ordinary actix actor that another crate brings into the tree of a worker
//! ([`WorkerBuilder::actor`](attune_worker::WorkerBuilder::actor)). It is told of executions by typed messages
//! ([`ExecutionNotice`](attune_worker::ExecutionNotice)) and is supervised like every other child: when it panics it
//! lives on under the same address, and what was sent meanwhile waits in its mailbox.
//!
//! # Guarantees
//!
//! * A line is written whole: a half line that a power cut left behind is cut off before the next is appended.
//! * A crash loses no line: the notice in hand is kept outside of the actor and written first by its next life. It may
//!   then be written twice, with the same `execution`, `attempt` and `event`.

mod audit_trail;
mod line;
mod trail_file;

pub use audit_trail::AuditTrail;
pub use line::line;
pub use trail_file::TrailFile;

use attune_supervise::{ChildSpec, Restart, TreeBuilder};
use attune_worker::Ports;
use std::path::PathBuf;

/// Declares the audit trail in the tree of a worker: `builder.actor(audit_to(path))`.
pub fn audit_to(path: PathBuf) -> impl FnOnce(&mut TreeBuilder, &mut Ports) {
    move |tree, ports| {
        let trail =
            tree.child(ChildSpec::new("audit-trail", Restart::Permanent), move |life| AuditTrail::new(path, life));
        ports.observe(trail.recipient());
    }
}
