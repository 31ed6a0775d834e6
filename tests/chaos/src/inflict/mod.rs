//! How each fault is made to happen, and ended again.

mod broker;
mod database;
mod links;
mod moments;
mod resources;
mod servers;
mod workers;

use std::sync::Arc;
use std::time::{Duration, Instant};

use attune_process::clock;

use crate::dice::Dice;
use crate::host::Host;
use crate::query::Rows;
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
    /// Executions that the fault itself asked for.
    pub(crate) unaccounted: Vec<i64>,
    /// Why it could not be made to happen.
    pub(crate) failed: Option<String>,
}

/// What one fault works with.
pub(crate) struct Hand<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) dice: Dice,
    pub(crate) lasts: Duration,
    form: Option<usize>,
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

    /// Which of so many forms it takes.
    pub(crate) fn form(&mut self, forms: usize) -> usize {
        let thrown = self.dice.below(forms);
        self.form.map_or(thrown, |form| form % forms)
    }

    /// Rows, asked for until the database answers.
    pub(crate) async fn rows(&self, statement: &str) -> Result<Rows, String> {
        let begun = Instant::now();
        loop {
            match self.stage.query.rows(statement).await {
                Err(_) if begun.elapsed() < Duration::from_secs(60) => {
                    tokio::time::sleep(Duration::from_millis(500)).await
                }
                answer => return answer,
            }
        }
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
        let mut hand =
            Hand { stage: &stage, dice: Dice::new(strike.dice), lasts: strike.lasts, form: strike.form, struck };
        let done = by_name(&mut hand, name).await;
        hand.struck.to_us = clock::wall();
        hand.struck.failed = done.err();
        hand.struck
    });
    match task.await {
        Ok(struck) => struck,
        Err(error) => Struck {
            fault: name,
            from_us: begun,
            to_us: clock::wall(),
            failed: Some(error.to_string()),
            ..Struck::default()
        },
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
        "kill-before-claim" => moments::before_claim(hand).await,
        "kill-before-acknowledgement" => moments::before_acknowledgement(hand).await,
        "kill-before-start" => moments::before_start(hand).await,
        "kill-after-start" => moments::after_start(hand).await,
        "kill-before-completion" => moments::before_completion(hand).await,
        "kill-after-completion" => moments::after_completion(hand).await,
        "kill-before-publish" => moments::before_publish(hand).await,
        "kill-before-reply" => moments::before_reply(hand).await,
        "consumer-timeout" => broker::consumer_timeout(hand).await,
        "disk-full" => resources::disk_full(hand).await,
        "rolling-restart" => servers::rolling_restart(hand).await,
        "database-rolled-back" => database::rolled_back(hand).await,
        "worker-clock" => workers::clock(hand).await,
        "out-of-memory" => resources::out_of_memory(hand).await,
        "nothing" => Ok(()),
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
