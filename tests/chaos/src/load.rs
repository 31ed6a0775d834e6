//! Submits work, and keeps account of what was accepted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use attune_process::clock;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::api::Api;
use crate::dice::Dice;
use crate::kind::{Kind, Order};

/// Submissions that may be under way at once.
const AT_ONCE: usize = 48;

/// An order that was accepted.
#[derive(Debug, Clone)]
pub(crate) struct Accepted {
    pub(crate) order: Order,
    /// How often it had to be asked for.
    pub(crate) asked: u32,
    /// When, in microseconds since 1970.
    pub(crate) at_us: i64,
}

/// What became of the orders.
#[derive(Debug, Default)]
pub(crate) struct Account {
    /// By execution id.
    pub(crate) accepted: BTreeMap<i64, Accepted>,
    /// Orders that were never answered, and the last answer.
    pub(crate) unanswered: Vec<(Order, String)>,
    /// Two orders that got the same execution.
    pub(crate) confused: Vec<i64>,
    /// Executions of which only an end is expected: a fault made them, or made the database forget them.
    pub(crate) forgiven: std::collections::BTreeSet<i64>,
    /// Requests that had no answer or a server's error.
    pub(crate) refused: usize,
}

impl Account {
    /// How many of the accepted executions must be there.
    pub(crate) fn expected(&self) -> usize {
        self.accepted.keys().filter(|id| !self.forgiven.contains(id)).count()
    }
}

/// What to submit.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    pub(crate) seed: u64,
    pub(crate) count: usize,
    /// Submissions per second.
    pub(crate) rate: f64,
    pub(crate) only: Option<Kind>,
    /// Whether what is submitted may run again after a loss; absent: half of it.
    pub(crate) again: Option<bool>,
    /// Parameters of all of it, instead of those that chance gives.
    pub(crate) parameters: Option<serde_json::Value>,
    /// Number of the first order, so that keys of several loads differ.
    pub(crate) first: usize,
}

impl Load {
    pub(crate) fn new(seed: u64, count: usize, rate: f64) -> Self {
        Self { seed, count, rate, only: None, again: None, parameters: None, first: 0 }
    }

    pub(crate) fn only(mut self, name: &str) -> Self {
        self.only = Kind::named(name);
        self
    }
}

/// A load under way.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    pub(crate) account: Arc<Mutex<Account>>,
    pub(crate) submitted: Arc<AtomicUsize>,
    /// Nothing more is submitted.
    pub(crate) stopped: Arc<AtomicBool>,
}

impl Running {
    pub(crate) fn with<T>(&self, look: impl FnOnce(&mut Account) -> T) -> T {
        look(&mut self.account.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Submits a load, one order after the other as chance has it; returns when all are answered.
    pub(crate) async fn submit(&self, load: Load, apis: Vec<Api>) {
        let mut dice = Dice::of(load.seed, "load");
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        let mut due = 0.0;
        for number in 0..load.count {
            if self.stopped.load(Ordering::Relaxed) {
                break;
            }
            due += dice.poisson_gap(load.rate);
            let mut order = Order::throw(&mut dice, load.first + number, load.only);
            if let Some(again) = load.again {
                order.again = again;
            }
            if let Some(parameters) = &load.parameters {
                order.parameters = parameters.clone();
            }
            tokio::time::sleep_until((begun + Duration::from_secs_f64(due)).into()).await;
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { break };
            let (running, apis) = (self.clone(), apis.clone());
            tasks.spawn(async move {
                running.one(order, number, &apis, place).await;
            });
            while tasks.try_join_next().is_some() {}
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Asks one server after the other until one has said yes.
    async fn one(&self, order: Order, number: usize, apis: &[Api], place: tokio::sync::OwnedSemaphorePermit) {
        let body = json!({"action": order.action(), "parameters": order.parameters});
        let begun = Instant::now();
        let mut asked = 0;
        let id = loop {
            let api = &apis[(number + asked as usize) % apis.len()];
            let answer = api.post("/api/v1/executions", Some(&order.key), &body).await;
            asked += 1;
            if matches!(answer.status, 200 | 201)
                && let Some(id) = answer.body["id"].as_i64()
            {
                break id;
            }
            self.with(|account| account.refused += 1);
            if begun.elapsed() > Duration::from_secs(240) || matches!(answer.status, 400 | 401 | 404 | 422) {
                let said = format!("{} {}", answer.status, answer.body);
                self.with(|account| account.unanswered.push((order, said)));
                return;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        drop(place);
        self.submitted.fetch_add(1, Ordering::Relaxed);
        let cancel_after = order.cancel_after;
        self.with(|account| {
            if account.accepted.insert(id, Accepted { order, asked, at_us: clock::wall() }).is_some() {
                account.confused.push(id);
            }
        });
        if let Some(seconds) = cancel_after {
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
            cancel(id, number, apis).await;
        }
    }
}

/// Cancels an execution, asking until somebody answers.
pub(crate) async fn cancel(id: i64, number: usize, apis: &[Api]) {
    for attempt in 0..200 {
        let api = &apis[(number + attempt) % apis.len()];
        let answer = api.post(&format!("/api/v1/executions/{id}/cancel"), None, &json!({})).await;
        if matches!(answer.status, 200 | 202 | 409) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
