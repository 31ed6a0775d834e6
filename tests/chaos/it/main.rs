//! Short chaos runs.
