//! Real interpreters, and fake ones that behave badly.
#![allow(missing_docs)]

mod core_pack;
mod detecting;
mod fake;
mod families;
mod running;
