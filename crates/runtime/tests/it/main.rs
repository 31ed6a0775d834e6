//! Real interpreters, and fake ones that behave badly.
#![allow(missing_docs)]

mod detecting;
mod fake;
mod running;
