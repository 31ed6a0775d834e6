//! Whole deployments under injected faults, and a checker of what must hold.
//!
//! # Theory of operation
//!
//! A run starts the real programs as an operator would ([`stage`]): two servers and three workers on a PostgreSQL and a
//! RabbitMQ of their own, or `attune dev` on SQLite. Every connection between them passes a link that can be cut, slowed
//! or reset ([`attune_testkit::proxy`]), and a keeper starts whatever ends again ([`keeper`]). Work of every kind
//! ([`kind`]) is submitted as chance has it ([`load`]) while faults strike ([`fault`], [`strike`], [`inflict`]). All chance
//! comes from one seed.
//!
//! What really ran is told by the actions themselves, in a file that Attune knows nothing of ([`truth`]). When everything
//! is healed, the checker ([`checker`], [`survey`], [`logs`]) compares that file, what clients were promised, what the
//! database says, and what is left on the machine. Every counter has a name, and every one must be zero.
//!
//! A run must also have gone where it is hard to get to: each fault names the rare point that it brings about, and a run
//! that missed one is void, not green ([`reach`]).

mod api;
mod arguments;
mod census;
mod checker;
mod cost;
mod dice;
mod fault;
mod history;
mod host;
mod inflict;
mod keeper;
mod kind;
mod load;
mod logs;
mod matrix;
mod pack;
mod plan;
mod query;
mod reach;
mod report;
mod run;
mod settings;
mod stage;
mod steady;
mod strike;
mod survey;
mod truth;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(69);
        }
    };
    runtime.block_on(arguments.carry_out())
}
