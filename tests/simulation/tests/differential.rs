//! The modelled database and the real ones: the same questions in the same order, the same answers and the same rows.

use std::collections::BTreeMap;
use std::mem::discriminant;
use std::sync::Arc;

use attune_process::clock;
use attune_simulation::database::Database;
use attune_simulation::random::Random;
use attune_simulation::work::kinds;
use attune_store::{
    Assignment, Beat, ClaimAnswer, ClaimRequest, Completion, HandBack, Hold, NewExecution, OpenOptions, PostgresStore,
    ReaperPolicy, Registration, SqliteStore, Store,
};
use attune_testkit::postgres::TestDatabase;
use attune_types::{
    AttemptNumber, AttemptState, Capabilities, ExecutionId, Incarnation, LeaseToken, Outcome, WorkerId,
};
use serde_json::Map;

const SECOND: i64 = 1_000_000;

enum Real {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

/// Both, side by side.
struct Pair {
    real: Real,
    model: Database,
    random: Random,
    policy: ReaperPolicy,
    offset: i64,
    /// The present life of each of the two workers.
    lives: [u8; 2],
    tokens: BTreeMap<(i64, i32), LeaseToken>,
    log: Vec<String>,
}

impl Pair {
    async fn new(real: Real, seed: u64) -> Self {
        let pair = Self {
            real,
            model: Database::default(),
            random: Random::new(seed, 77),
            policy: ReaperPolicy::default(),
            offset: 0,
            lives: [0; 2],
            tokens: BTreeMap::new(),
            log: Vec::new(),
        };
        pair.store().migrate().await.expect("migrated");
        pair
    }

    fn store(&self) -> &dyn Store {
        match &self.real {
            Real::Sqlite(store) => &**store,
            Real::Postgres(store) => &**store,
        }
    }

    /// Nothing here is decided by less than a second, and both clocks go on alike.
    fn now(&self) -> i64 {
        clock::wall() + self.offset
    }

    fn same<T: PartialEq + std::fmt::Debug>(&mut self, asked: String, real: T, model: T) {
        self.log.push(format!("{asked}: {real:?}"));
        assert_eq!(real, model, "the model answers otherwise, after\n{}", self.log.join("\n"));
    }

    async fn pass(&mut self, micros: i64) {
        self.offset += micros;
        match &self.real {
            Real::Sqlite(store) => store.set_clock_offset(self.offset).await,
            Real::Postgres(store) => store.set_clock_offset(self.offset).await,
        }
        .expect("the clock moved");
        self.log.push(format!("{} s pass", micros / SECOND));
    }

    fn worker(&mut self) -> usize {
        self.random.below(2) as usize
    }

    fn incarnation(&mut self, worker: usize) -> Incarnation {
        // Now and then a life that is over.
        let life = if self.random.percent(8) { self.lives[worker].saturating_sub(1) } else { self.lives[worker] };
        Incarnation([worker as u8 * 100 + life; 16])
    }

    /// Any attempt: mostly one that lives.
    fn any(&mut self) -> (ExecutionId, AttemptNumber, usize) {
        let mut all = Vec::new();
        for (place, row) in self.model.executions().iter().enumerate() {
            for (number, attempt) in row.attempts.iter().enumerate() {
                let weight = if attempt.state.is_live() { 12 } else { 1 };
                let one =
                    (ExecutionId(place as i64 + 1), AttemptNumber(number as i32 + 1), attempt.worker.0 as usize - 1);
                all.extend(std::iter::repeat_n(one, weight));
            }
        }
        if all.is_empty() {
            return (ExecutionId(1), AttemptNumber(1), 0);
        }
        all[self.random.below(all.len() as u64) as usize]
    }

    fn token(&mut self, id: ExecutionId, number: AttemptNumber) -> LeaseToken {
        let known = self.tokens.get(&(id.0, number.0)).copied();
        let fresh = LeaseToken(self.random.bytes());
        if self.random.percent(10) { fresh } else { known.unwrap_or(fresh) }
    }

    async fn step(&mut self) {
        let now = self.now();
        match self.random.below(100) {
            0..16 => {
                let kind = kinds()[self.random.below(6) as usize].clone();
                // PostgreSQL's sequence spends a number on a repeated submission too, and the model counts without gaps.
                let is_keyed = self.random.percent(20) && matches!(self.real, Real::Sqlite(_));
                let key = is_keyed.then(|| "the same".to_owned());
                let request = NewExecution {
                    spec: (*kind.spec).clone(),
                    parameters: Map::new(),
                    idempotency_key: key.clone(),
                    requested_by: None,
                    labels: BTreeMap::new(),
                    trace: None,
                    retry_of: None,
                };
                let real = self.store().submit(vec![request]).await.expect("submitted")[0];
                let model = self.model.submit(now, kind.spec, kind.requirement_key, key);
                self.same("submit".to_owned(), real, model);
            }
            16..21 => self.register().await,
            21..44 => self.assign().await,
            44..58 => self.claim().await,
            58..62 => {
                let (id, number, worker) = self.any();
                let (incarnation, token) = (self.incarnation(worker), self.token(id, number));
                let request = hand_back(id, number, token, false, None);
                let real = self.store().start(incarnation, vec![request.clone()]).await.expect("started");
                let model = self.model.start(incarnation, &[request]).expect("allowed");
                self.same(format!("start {id}.{number}"), real, model);
            }
            62..74 => {
                let (execution, attempt, _) = self.any();
                let token = self.token(execution, attempt);
                let outcome = self.outcome();
                let asked = format!("complete {execution}.{attempt} {outcome:?}");
                let (result, outputs, resources, evidence, logs) = (None, None, None, None, Vec::new());
                let completion =
                    Completion { execution, attempt, token, outcome, result, outputs, resources, evidence, logs };
                let real = self.store().complete(vec![completion.clone()]).await.expect("completed");
                let model = self.model.complete(now, &[completion]).expect("allowed");
                self.same(asked, real, model);
            }
            74..79 => {
                let (id, number, worker) = self.any();
                let (incarnation, token) = (self.incarnation(worker), self.token(id, number));
                let outcome = self.random.percent(30).then(|| self.outcome());
                let request = hand_back(id, number, token, self.random.percent(50), outcome);
                let asked = format!("hand back {request:?}");
                let most = self.policy.most_unstarted;
                let real = self.store().hand_back(incarnation, vec![request.clone()]).await.expect("handed back");
                let model = self.model.hand_back(now, incarnation, &[request], most).expect("allowed");
                self.same(asked, real, model);
            }
            79..82 => {
                let id = self.any().0;
                let real = self.store().cancel(id, "ada").await.expect("cancelled");
                let model = self.model.cancel(now, id, "ada").expect("allowed");
                self.same(format!("cancel {id}"), real, model);
            }
            82..84 => {
                let worker = WorkerId(self.worker() as i64 + 1);
                let mut real = self.store().take_back(worker, 2).await.expect("taken back");
                let mut model = self.model.take_back(worker, 2).expect("allowed");
                real.sort_unstable();
                model.sort_unstable();
                self.same(format!("take back from {worker}"), real, model);
            }
            84..90 => self.beat().await,
            90..96 => self.reap().await,
            96..99 => {
                // Through a silence, or tick by tick.
                if self.random.percent(50) {
                    self.pass(61 * SECOND).await;
                } else {
                    for _ in 0..8 {
                        self.pass(7 * SECOND).await;
                        self.reap().await;
                    }
                }
            }
            _ => {
                let back = if self.random.percent(50) { -3_600 } else { 3_600 };
                self.pass(back * SECOND).await;
            }
        }
    }

    fn outcome(&mut self) -> Outcome {
        match self.random.below(5) {
            0 | 1 => Outcome::Exited { code: 0 },
            2 => Outcome::Exited { code: 3 },
            3 => Outcome::TimedOut { limit_ms: 5 },
            _ => Outcome::Interrupted { by: "a drain".to_owned() },
        }
    }

    async fn register(&mut self) {
        let worker = self.worker();
        self.register_as(worker).await;
    }

    async fn register_as(&mut self, worker: usize) {
        if self.random.percent(80) {
            self.lives[worker] += 1;
        }
        let incarnation = Incarnation([worker as u8 * 100 + self.lives[worker]; 16]);
        let registration = Registration {
            name: format!("w{worker}"),
            worker_type: "local".to_owned(),
            host: "here".to_owned(),
            incarnation,
            capabilities: Capabilities { runtimes: vec!["shell".to_owned()], ..Capabilities::default() },
            previous_is_dead: self.random.percent(50),
            lease_ms: 45_000,
        };
        let now = self.now();
        let mut real = self.store().register_worker(&registration).await.expect("registered");
        let mut model = self.model.register(now, &registration).expect("allowed");
        real.settled.sort_unstable();
        model.settled.sort_unstable();
        self.same(format!("register {registration:?}"), real, model);
        if self.random.percent(10) {
            let (id, incarnation) = (WorkerId(worker as i64 + 1), self.incarnation(worker));
            let _nothing: () = self.store().deregister_worker(id, incarnation).await.expect("deregistered");
            self.model.deregister(id, incarnation).expect("allowed");
            self.log.push(format!("{id} leaves"));
        }
    }

    async fn assign(&mut self) {
        let worker = self.worker();
        let incarnation = self.incarnation(worker);
        let count = self.model.executions().len() as u64;
        let waits = |id: &ExecutionId| self.model.execution(*id).is_some_and(|row| row.status.is_waiting());
        let waiting: Vec<ExecutionId> = (1..=count as i64).map(ExecutionId).filter(waits).collect();
        let execution = match waiting.len() as u64 {
            0 => ExecutionId(1),
            length => waiting[self.random.below(length) as usize],
        };
        let assignment = Assignment { execution, worker: WorkerId(worker as i64 + 1), incarnation, most_live: 4 };
        let now = self.now();
        let real = self.store().assign(vec![assignment], &self.policy).await.expect("assigned");
        let model = self.model.assign(now, &[assignment], &self.policy).expect("allowed");
        let short = |assigned: Vec<attune_store::Assigned>| -> Vec<_> {
            assigned.into_iter().map(|one| (one.execution, one.attempt, one.worker)).collect()
        };
        self.same(format!("assign {assignment:?}"), short(real), short(model));
    }

    async fn claim(&mut self) {
        let (execution, attempt, worker) = self.any();
        let incarnation = self.incarnation(worker);
        let again = self.random.percent(30);
        let token = self.token(execution, attempt);
        let hold = if self.random.percent(30) { Hold::Everything } else { Hold::Nothing };
        let request = ClaimRequest { execution, attempt, hold, lease_ms: 45_000, token, again };
        let now = self.now();
        let real = self.store().claim(incarnation, vec![request.clone()]).await.expect("claimed");
        let model = self.model.claim(now, incarnation, &[request]).expect("allowed");
        let short = |answers: &[ClaimAnswer]| match &answers[0] {
            ClaimAnswer::Granted(work) => Some((work.execution, work.attempt, work.held, work.token)),
            ClaimAnswer::Refused => None,
        };
        let (real, model) = (short(&real), short(&model));
        if real.is_some() {
            self.tokens.insert((execution.0, attempt.0), token);
        }
        self.same(format!("claim {execution}.{attempt} of {incarnation:?}, again: {again}"), real, model);
    }

    async fn beat(&mut self) {
        let worker = self.worker();
        let incarnation = self.incarnation(worker);
        let mut holding = Vec::new();
        for (place, row) in self.model.executions().iter().enumerate() {
            for (number, attempt) in row.attempts.iter().enumerate() {
                let is_held = matches!(attempt.state, AttemptState::Claimed | AttemptState::Running);
                if is_held && attempt.worker.0 == worker as i64 + 1 {
                    holding.push((ExecutionId(place as i64 + 1), AttemptNumber(number as i32 + 1)));
                }
            }
        }
        if self.random.percent(30) {
            holding.truncate(1);
        }
        let refuses_work = self.random.percent(10);
        let beat = Beat { worker: WorkerId(worker as i64 + 1), incarnation, holding, lease_ms: 45_000, refuses_work };
        let now = self.now();
        let mut real = self.store().beat(&beat).await.expect("beaten");
        let mut model = self.model.beat(now, &beat, now);
        for reply in [&mut real, &mut model] {
            reply.assigned.sort_unstable();
            reply.superseded.sort_unstable();
            reply.cancels.sort();
        }
        self.same(format!("beat {beat:?}"), real, model);
    }

    async fn reap(&mut self) {
        let now = self.now();
        let mut real = self.store().reap(&self.policy).await.expect("reaped");
        let mut model = self.model.reap(now, &self.policy).expect("allowed");
        for report in [&mut real, &mut model] {
            report.superseded.sort_unstable();
            report.unreachable.sort_unstable();
        }
        self.same("reap".to_owned(), real, model);
    }

    /// Row by row.
    async fn compare(&mut self) {
        for place in 0..self.model.executions().len() {
            let id = ExecutionId(place as i64 + 1);
            let real = self.store().execution(id).await.expect("read").expect("there");
            let attempts = self.store().attempts(id).await.expect("read");
            let row = &self.model.executions()[place];
            let outcome = row.outcome.as_ref().map(discriminant);
            let model_attempts: Vec<_> = row
                .attempts
                .iter()
                .map(|attempt| {
                    let kinds = (attempt.outcome.as_ref().map(discriminant), attempt.late.as_ref().map(discriminant));
                    (attempt.state, attempt.was_claimed, attempt.was_started, kinds, attempt.reason.clone())
                })
                .collect();
            let model = (row.status, outcome, model_attempts);
            let real_attempts: Vec<_> = attempts
                .into_iter()
                .map(|attempt| {
                    let late = attempt.late_outcome.as_ref().map(discriminant);
                    let kinds = (attempt.outcome.as_ref().map(discriminant), late);
                    let (claimed, started) = (attempt.claimed_at.is_some(), attempt.started_at.is_some());
                    (attempt.state, claimed, started, kinds, attempt.reason)
                })
                .collect();
            let real = (real.status, real.outcome.as_ref().map(discriminant), real_attempts);
            self.same(format!("the rows of {id}"), real, model);
        }
        let workers = self.store().workers().await.expect("read");
        for worker in workers {
            let row = self.model.worker_named(&worker.name).expect("there");
            let model = (row.status, row.incarnation);
            self.same(format!("the row of {}", worker.name), (worker.status, worker.incarnation), model);
        }
    }

    async fn run(mut self, steps: usize) {
        // In this order, so that both get the ids that the model gives them.
        for worker in 0..2 {
            self.register_as(worker).await;
        }
        for _ in 0..steps {
            self.step().await;
        }
        self.compare().await;
        self.store().close().await;
    }
}

fn hand_back(
    execution: ExecutionId,
    attempt: AttemptNumber,
    token: LeaseToken,
    never_started: bool,
    outcome: Option<Outcome>,
) -> HandBack {
    HandBack { execution, attempt, token: Some(token), never_started, reason: "given back".to_owned(), outcome }
}

#[tokio::test]
async fn sqlite_answers_as_the_model_does() {
    for seed in 1..=8 {
        let store = SqliteStore::open("sqlite::memory:", OpenOptions::default()).await.expect("opened");
        Pair::new(Real::Sqlite(Arc::new(store)), seed).await.run(250).await;
    }
}

#[tokio::test]
async fn postgresql_answers_as_the_model_does() {
    for seed in 101..=103 {
        let database = TestDatabase::create().await;
        let store = PostgresStore::open(database.url(), OpenOptions::default()).await.expect("opened");
        Pair::new(Real::Postgres(Arc::new(store)), seed).await.run(150).await;
    }
}
