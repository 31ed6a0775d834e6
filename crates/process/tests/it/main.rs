//! Real children behaving badly.
#![allow(missing_docs)]

mod dropping;
mod ending;
mod first_process;
mod fixture;
mod guards;
mod input;
mod leftovers;
mod limits;
mod output;
mod starting;
