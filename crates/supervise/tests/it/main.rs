//! Trees of real actors, on a paused clock wherever only one thread is needed.

mod deciding;
mod ends;
mod giving_up;
mod last_resort;
mod panics;
mod stopping;
mod strategies;
mod subject;
mod support;
mod temporary;
mod threads;
