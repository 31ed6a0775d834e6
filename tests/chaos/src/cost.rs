//! What work costs the database and the broker, counted from outside.

use std::time::{Duration, Instant};

use attune_testkit::proxy::Link;
use serde_json::{Value, json};

use crate::stage::Stage;

/// How long nothing is done so that what is done for nothing is known.
const REST: Duration = Duration::from_secs(15);

/// Counts, of a time or since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cost {
    /// Transactions that the database committed, those that only read among them.
    commits: f64,
    /// How often a program asked the database and waited, over all of its connections.
    round_trips: f64,
    /// Messages that were given to the broker.
    publishes: f64,
    /// How often a program began to speak to the broker: several messages and confirms may share one turn.
    broker_turns: f64,
}

impl Cost {
    pub(crate) async fn so_far(stage: &Stage) -> Self {
        let ask = |statement: &'static str| async move { stage.query.number(statement).await.unwrap_or(0) as f64 };
        let turns = |link: &Link| link.turns() as f64;
        Self {
            commits: ask("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()").await,
            round_trips: stage.hosts().filter_map(|host| host.database.as_ref().map(turns)).sum(),
            publishes: ask("SELECT coalesce(last_value, 0) FROM pg_sequences WHERE sequencename LIKE 'outbox%'").await,
            broker_turns: stage.hosts().filter_map(|host| host.broker.as_ref().map(turns)).sum(),
        }
    }

    /// What a second costs in which there is nothing to do: beats, polls, keep-alives.
    pub(crate) async fn of_rest(stage: &Stage) -> Self {
        let (begun, before) = (Instant::now(), Self::so_far(stage).await);
        tokio::time::sleep(REST).await;
        let spent = Self::so_far(stage).await.since(&before);
        spent.map(|count| count / begun.elapsed().as_secs_f64())
    }

    pub(crate) fn since(&self, earlier: &Self) -> Self {
        self.with(earlier, |now, then| now - then)
    }

    /// Without what so many seconds of rest cost.
    pub(crate) fn without(&self, rest: &Self, seconds: f64) -> Self {
        self.with(rest, |count, each| (count - each * seconds).max(0.0))
    }

    /// For one of so many.
    pub(crate) fn each(&self, count: usize) -> Value {
        let one = self.map(|all| (all / count.max(1) as f64 * 1000.0).round() / 1000.0);
        json!({
            "commits": one.commits, "round_trips": one.round_trips, "publishes": one.publishes,
            "broker_turns": one.broker_turns,
        })
    }

    fn map(&self, change: impl Fn(f64) -> f64) -> Self {
        self.with(&Self::default(), |one, _| change(one))
    }

    fn with(&self, other: &Self, change: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            commits: change(self.commits, other.commits),
            round_trips: change(self.round_trips, other.round_trips),
            publishes: change(self.publishes, other.publishes),
            broker_turns: change(self.broker_turns, other.broker_turns),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rest_is_taken_off_and_the_remainder_is_shared() {
        let rest = Cost { commits: 2.0, round_trips: 3.0, publishes: 0.0, broker_turns: 1.0 };
        let spent = Cost { commits: 70.0, round_trips: 130.0, publishes: 20.0, broker_turns: 5.0 };
        let one = spent.without(&rest, 10.0).each(10);
        assert_eq!(one, json!({"commits": 5.0, "round_trips": 10.0, "publishes": 2.0, "broker_turns": 0.0}));
    }
}
