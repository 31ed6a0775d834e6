//! The messenger inside one process.

mod link;
mod queue;
mod room;

pub use queue::MemoryQueue;
