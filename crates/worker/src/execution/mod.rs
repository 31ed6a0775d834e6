//! One attempt, from the claim to its end.

mod ended_child;
mod environment;
mod evidence;
mod executor;
mod given;
mod machine;
mod output;
mod plan;
mod refusal;
mod removal;
mod result;
mod run;
mod spare_directories;
mod stop_cause;
mod stream_redaction;
mod work_area;

pub use ended_child::{EndedChild, Ran};
pub(crate) use environment::{LIFE, OWNER, WorkerVariables};
pub(crate) use executor::{Executor, ExecutorDeps, StopExecution};
pub use machine::{Effect, Event, State, Stop};
pub(crate) use plan::Planner;
pub use stop_cause::StopCause;
pub(crate) use work_area::WorkAreas;
