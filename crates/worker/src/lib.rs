//! The actor system that executes
