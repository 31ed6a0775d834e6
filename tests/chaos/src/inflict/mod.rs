//! How each fault is made to happen, and ended again.

mod broker;
mod database;
mod links;
mod resources;
mod servers;
mod workers;

use std::sync::Arc;
use std::time::Duration;

use attune_process::clock;

use crate::dice::Dice;
use crate::host::Host;
use crate::stage::Stage;
use crate::strike::Strike;

/// A fault that happened.
#[derive(Debug, Clone, Default)]
pub(crate) struct Struck {
    pub(crate) fault: &'static str,
    /// The host that it hit, when it hit one.
    pub(crate) target: String,
    /// Begin and end in microseconds since 1970.
    pub(crate) from_us: i64,
    pub(crate) to_us: i64,
    /// What was measured while it happened.
    pub(crate) figures: Vec<(&'static str, f64)>,
    /// Why it could not be made to happen.
    pub(crate) failed: Option<String>,
}

/// What one fault works with.
pub(crate) struct Hand<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) dice: Dice,
    pub(crate) lasts: Duration,
    pub(crate) struck: Struck,
}

impl Hand<'_> {
    /// One of the workers; with an embedded database the one program.
    pub(crate) fn worker(&mut self) -> Arc<Host> {
        let all = if self.stage.workers.is_empty() { &self.stage.servers } else { &self.stage.workers };
        self.one_of(all)
    }

    pub(crate) fn server(&mut self) -> Arc<Host> {
        self.one_of(&self.stage.servers)
    }

    fn one_of(&mut self, hosts: &[Arc<Host>]) -> Arc<Host> {
        let host = Arc::clone(&hosts[self.dice.below(hosts.len())]);
        self.struck.target.clone_from(&host.name);
        host
    }

    pub(crate) async fn wait(&self) {
        tokio::time::sleep(self.lasts).await;
    }

    pub(crate) fn note(&mut self, name: &'static str, value: f64) {
        self.struck.figures.push((name, value));
    }
}

/// Makes one fault happen and returns when it is healed.
pub(crate) async fn inflict(stage: Arc<Stage>, strike: Strike) -> Struck {
    let name = strike.fault.name;
    let begun = clock::wall();
    let task = tokio::spawn(async move {
        let struck = Struck { fault: name, from_us: clock::wall(), ..Struck::default() };
        let mut hand = Hand { stage: &stage, dice: Dice::new(strike.dice), lasts: strike.lasts, struck };
        let done = by_name(&mut hand, name).await;
        hand.struck.to_us = clock::wall();
        hand.struck.failed = done.err();
        hand.struck
    });
    match task.await {
        Ok(struck) => struck,
        Err(error) => {
            Struck { fault: name, from_us: begun, to_us: clock::wall(), failed: Some(error.to_string()), ..Struck::default() }
        }
    }
}

async fn by_name(hand: &mut Hand<'_>, name: &str) -> Result<(), String> {
    match name {
        "worker-kill" => workers::kill(hand).await,
        "worker-gone" => workers::gone(hand).await,
        "worker-stop" | "worker-stop-long" => workers::stop(hand).await,
        "host-stop" => workers::stop_host(hand).await,
        "guard-kill" => workers::kill_guard(hand).await,
        "launcher-kill" => workers::kill_launcher(hand).await,
        "worker-term" => workers::terminate(hand).await,
        "name-taken" => workers::take_name(hand).await,
        "worker-broker-cut" => links::worker_broker(hand).await,
        "worker-database-cut" | "worker-database-cut-long" => links::worker_database(hand).await,
        "worker-broker-half-open" | "worker-database-half-open" => links::half_open(hand, name).await,
        "server-database-cut" | "server-broker-cut" | "client-cut" => links::server(hand, name).await,
        "host-cut" => links::host(hand).await,
        "slow-links" => links::slow(hand).await,
        "broker-close-connections" => broker::close_connections(hand).await,
        "broker-stop" => broker::stop(hand).await,
        "broker-kill" => broker::kill(hand).await,
        "broker-freeze" => broker::freeze(hand).await,
        "broker-wipe" => broker::wipe(hand).await,
        "broker-alarm" => broker::alarm(hand).await,
        "queue-delete" => broker::delete_queue(hand).await,
        "queue-purge" => broker::purge_queue(hand).await,
        "duplicates" => broker::duplicates(hand).await,
        "garbage" => broker::garbage(hand).await,
        "database-quit" | "database-crash" | "database-freeze" => database::away(hand, name).await,
        "database-read-only" => database::read_only(hand).await,
        "database-locks" => database::locks(hand).await,
        "database-disconnects" => database::disconnects(hand).await,
        "database-clock-forward" => database::clock(hand, 3600).await,
        "database-clock-back" => database::clock(hand, -3600).await,
        "server-kill" => servers::kill(hand).await,
        "server-stop" => servers::stop(hand).await,
        "servers-gone" => servers::gone(hand).await,
        "more-servers" => servers::more(hand).await,
        "no-descriptors" => resources::no_descriptors(hand).await,
        "starved" => resources::starved(hand).await,
        other => Err(format!("nobody knows how to make {other} happen")),
    }
}
