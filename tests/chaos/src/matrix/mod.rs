//! The fault matrix: every row by itself, with what is expected of it and what was observed.

mod page;
mod row;
mod rows_broker;
mod rows_other;
mod rows_worker;
mod scene;

pub(crate) use page::{page, write_page};
pub(crate) use row::rows;
pub(crate) use scene::play;
