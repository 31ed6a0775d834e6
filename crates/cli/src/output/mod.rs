//! What commands print: data on standard output in the format that was asked for, everything else on standard error.

mod duration;
mod escape;
mod format;
mod live;
mod printer;
mod table;
mod timeline;

pub(crate) use duration::{ago, human_millis, parse_duration};
pub(crate) use escape::{Escaper, foreign};
pub(crate) use format::Format;
pub(crate) use live::Live;
pub(crate) use printer::{Printer, remark, stderr_is_terminal, write_stdout};
pub(crate) use table::Table;
pub(crate) use timeline::timeline;
