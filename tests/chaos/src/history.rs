//! What the database keeps of every execution.

use std::collections::BTreeMap;

use crate::query::Query;

/// One attempt as the database knows it. Moments are microseconds since 1970; 0 is never.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) number: i64,
    pub(crate) state: String,
    pub(crate) worker: String,
    pub(crate) assigned_at: i64,
    pub(crate) claimed_at: i64,
    pub(crate) started_at: i64,
    pub(crate) ended_at: i64,
    pub(crate) late: bool,
}

impl Attempt {
    /// Whether something of it may have run, as the database has it: what was allowed to start and was then given back
    /// did not.
    pub(crate) fn may_have_run(&self) -> bool {
        self.started_at > 0 && !matches!(self.state.as_str(), "handed_back" | "superseded" | "rejected")
    }
}

/// One execution as the database knows it.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) id: i64,
    pub(crate) action: String,
    pub(crate) status: String,
    pub(crate) requested_at: i64,
    pub(crate) ended_at: i64,
    pub(crate) key: String,
    pub(crate) outcome: String,
    pub(crate) attempts: Vec<Attempt>,
    /// Events that told of its end.
    pub(crate) told: i64,
}

impl Known {
    pub(crate) fn is_terminal(&self) -> bool {
        matches!(self.status.as_str(), "completed" | "failed" | "timeout" | "cancelled" | "abandoned")
    }

    /// The word for why it ended.
    pub(crate) fn cause(&self) -> String {
        let outcome: serde_json::Value = serde_json::from_str(&self.outcome).unwrap_or_default();
        match (outcome["cause"].as_str(), outcome["code"].as_i64()) {
            (Some(cause), Some(code)) => format!("{cause} {code}"),
            (Some(cause), None) => cause.to_owned(),
            _ => String::new(),
        }
    }
}

/// Everything.
#[derive(Debug, Default)]
pub(crate) struct History {
    pub(crate) executions: BTreeMap<i64, Known>,
    /// How many events there are of each kind.
    pub(crate) events: BTreeMap<String, i64>,
    pub(crate) outbox: i64,
}

const EXECUTIONS: &str = "SELECT id, action, status, requested_at, coalesce(ended_at, 0), coalesce(idempotency_key, ''), \
                          coalesce(outcome, '') FROM execution ORDER BY id";
const ATTEMPTS: &str = "SELECT execution_id, attempt, state, (SELECT name FROM worker WHERE id = worker_id), assigned_at, \
                        coalesce(claimed_at, 0), coalesce(started_at, 0), coalesce(ended_at, 0), \
                        CASE WHEN late_outcome IS NULL THEN 0 ELSE 1 END FROM execution_attempt \
                        ORDER BY execution_id, attempt";
const TOLD: &str = "SELECT execution_id, count(*) FROM execution_event WHERE kind IN ('execution.completed', \
                    'execution.failed', 'execution.timeout', 'execution.cancelled', 'execution.abandoned') \
                    GROUP BY execution_id";
const EVENTS: &str = "SELECT kind, count(*) FROM execution_event GROUP BY kind";

impl History {
    pub(crate) async fn read(query: &Query) -> Result<Self, String> {
        let mut history = Self::default();
        for row in query.rows(EXECUTIONS).await? {
            let [id, action, status, requested_at, ended_at, key, outcome] = fixed(row)?;
            let known = Known {
                id: number(&id)?,
                action,
                status,
                requested_at: number(&requested_at)?,
                ended_at: number(&ended_at)?,
                key,
                outcome,
                attempts: Vec::new(),
                told: 0,
            };
            history.executions.insert(known.id, known);
        }
        for row in query.rows(ATTEMPTS).await? {
            let [id, attempt, state, worker, assigned_at, claimed_at, started_at, ended_at, late] = fixed(row)?;
            let attempt = Attempt {
                number: number(&attempt)?,
                state,
                worker,
                assigned_at: number(&assigned_at)?,
                claimed_at: number(&claimed_at)?,
                started_at: number(&started_at)?,
                ended_at: number(&ended_at)?,
                late: late == "1",
            };
            if let Some(known) = history.executions.get_mut(&number(&id)?) {
                known.attempts.push(attempt);
            }
        }
        for row in query.rows(TOLD).await? {
            let [id, told] = fixed(row)?;
            if let Some(known) = history.executions.get_mut(&number(&id)?) {
                known.told = number(&told)?;
            }
        }
        for row in query.rows(EVENTS).await? {
            let [kind, count] = fixed(row)?;
            history.events.insert(kind, number(&count)?);
        }
        history.outbox = query.number("SELECT count(*) FROM outbox").await?;
        Ok(history)
    }

    /// From request to the first claim, in milliseconds, of executions that were requested in this time.
    pub(crate) fn dispatch_ms(&self, from_us: i64, to_us: i64) -> Vec<f64> {
        let requested = self.executions.values().filter(|known| (from_us..to_us).contains(&known.requested_at));
        let mut times: Vec<f64> = requested
            .filter_map(|known| {
                let claimed = known.attempts.iter().map(claimed_or_started).filter(|at| *at > 0).min()?;
                Some((claimed - known.requested_at) as f64 / 1000.0)
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times
    }

    /// Seconds until anything was claimed after this moment.
    pub(crate) fn first_claim_s(&self, since_us: i64) -> f64 {
        let attempts = self.executions.values().flat_map(|known| &known.attempts);
        let next = attempts.map(claimed_or_started).filter(|at| *at >= since_us).min();
        next.map_or(0.0, |at| (at - since_us) as f64 / 1e6)
    }

    /// For every attempt that was lost, interrupted or taken away: seconds from `since` until its execution started again
    /// or had ended, if it ended after `since`.
    pub(crate) fn recovery_s(&self, worker: Option<&str>, since_us: i64) -> Vec<f64> {
        let mut times = Vec::new();
        for known in self.executions.values() {
            for (index, attempt) in known.attempts.iter().enumerate() {
                let ours = worker.is_none_or(|name| attempt.worker == name);
                let taken = matches!(attempt.state.as_str(), "lost" | "superseded" | "handed_back" | "interrupted");
                // Only what this fault can have hit: it was there before, and ended after.
                if !ours || !taken || attempt.ended_at < since_us || attempt.assigned_at > since_us {
                    continue;
                }
                let next = known.attempts.get(index + 1).map(claimed_or_started).filter(|at| *at > 0);
                let back = next.or(Some(known.ended_at).filter(|at| *at > 0));
                if let Some(back) = back {
                    times.push((back - since_us) as f64 / 1e6);
                }
            }
        }
        times.sort_by(f64::total_cmp);
        times
    }
}

fn claimed_or_started(attempt: &Attempt) -> i64 {
    if attempt.claimed_at > 0 { attempt.claimed_at } else { attempt.started_at }
}

fn fixed<const N: usize>(row: Vec<String>) -> Result<[String; N], String> {
    row.try_into().map_err(|row: Vec<String>| format!("{} columns instead of {N}: {row:?}", row.len()))
}

fn number(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| format!("{text:?} is no number"))
}

/// The value that so many of the sorted values are below.
pub(crate) fn percentile(sorted: &[f64], percent: f64) -> f64 {
    let index = ((sorted.len() as f64) * percent / 100.0).ceil() as usize;
    sorted.get(index.saturating_sub(1)).or(sorted.last()).copied().unwrap_or(0.0)
}
