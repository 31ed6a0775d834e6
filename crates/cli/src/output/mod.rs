//! What commands print: data on standard output in the format that was asked for, everything else on standard error.

mod attempt;
mod duration;
mod escape;
mod format;
mod live;
mod printer;
mod table;
mod timeline;
mod wrapped;

pub(crate) use attempt::details;
pub(crate) use attune_types::words::span as human_millis;
pub(crate) use duration::{ago, moment, parse_duration};
pub(crate) use escape::{Escaper, foreign};
pub(crate) use format::Format;
pub(crate) use live::Live;
pub(crate) use printer::{Printer, remark, stderr_is_terminal, write_stdout};
pub(crate) use table::Table;
pub(crate) use timeline::timeline;
pub(crate) use wrapped::labelled;
