//! The actor that sees one attempt through.
//!
//! It carries the [machine](super::machine) and acts out its effects; it lives from the grant to the end of the process,
//! and is never restarted. When it crashes, Executions kills the process and the attempt ends as a fault of the worker.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, WrapFuture};
use attune_process::{Launcher, StopReason, Stopper, clock};
use attune_secret::{IncarnationKey, Opened};
use attune_store::{Answered, Claimed, Completion, HandBack, Store};
use attune_supervise::Life;
use attune_types::{Evidence, Incarnation, Outcome, Timestamp};

use super::evidence::millis;
use super::given::{self, AttemptSecrets};
use super::machine::{Effect, Event, State, Stop};
use super::plan::Planner;
use super::run::{self, RunReport};
use crate::artifacts::{ArtifactStore, LogPort};
use crate::environments::{Environments, Prepare, ReadyEnvironment};
use crate::executions::{Books, Finisher, Grant, Key, Leashed};
use crate::helper::{CallsDeps, SecretSource};
use crate::notice::ExecutionNotice;

/// How often, and after which pause, an environment is asked for again whose build was given up by a crash.
const ENVIRONMENT_TRIES: (u32, Duration) = (20, Duration::from_millis(500));
/// The pause before the store is asked again to let a held claim start.
const START_PAUSE: Duration = Duration::from_millis(500);

/// It shall stop.
#[derive(Debug, Clone)]
pub(crate) struct StopExecution(pub(crate) Stop);

impl Message for StopExecution {
    type Result = ();
}

/// The process was started.
struct Started {
    stopper: Stopper,
    pid: Option<i32>,
}

impl Message for Started {
    type Result = ();
}

/// What every Executor uses.
pub(crate) struct ExecutorDeps {
    pub(crate) incarnation: Incarnation,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) books: Arc<Books>,
    pub(crate) finisher: Finisher,
    pub(crate) environments: Arc<Environments>,
    pub(crate) env_setup: Recipient<Prepare>,
    pub(crate) planner: Arc<Planner>,
    pub(crate) launcher: Launcher,
    pub(crate) port: LogPort,
    pub(crate) artifacts: Arc<dyn ArtifactStore>,
    pub(crate) secrets: Arc<dyn SecretSource>,
    /// What is sealed to this life of this worker is opened with it.
    pub(crate) sealing_key: Arc<IncarnationKey>,
    pub(crate) observers: Arc<[Recipient<ExecutionNotice>]>,
}

impl ExecutorDeps {
    /// What the calls of one attempt need.
    fn calls(&self, key: Key, work: &Claimed, opened: &Arc<Opened>) -> CallsDeps {
        CallsDeps {
            key,
            action: work.spec.action.clone(),
            declared_secrets: work.spec.secrets.clone(),
            secrets: Arc::new(AttemptSecrets { opened: Arc::clone(opened), beyond: Arc::clone(&self.secrets) }),
            artifacts: Arc::clone(&self.artifacts),
            waiting: self.planner.helper.waiting(key),
            limits: self.planner.harvest,
        }
    }
}

/// The actor that sees one attempt through.
pub(crate) struct Executor {
    deps: Arc<ExecutorDeps>,
    key: Key,
    grant: Grant,
    life: Life<Self>,
    state: State,
    environment: Option<Arc<ReadyEnvironment>>,
    stopper: Option<Stopper>,
    report: Option<RunReport>,
    /// When the claim was granted, and how long its environment took from then on.
    granted_at: Duration,
    /// From when on it is not started any more.
    start_before: Option<Duration>,
    environment_took: Option<Duration>,
    /// While this lives, the ledger knows that somebody sees to the attempt.
    _presence: Arc<()>,
}

/// When an attempt was allowed to start, and from when on it is not started any more.
#[derive(Debug, Clone, Copy)]
struct Permit {
    allowed_at: Duration,
    start_before: Option<Duration>,
}

impl Executor {
    pub(crate) fn new(deps: Arc<ExecutorDeps>, key: Key, grant: Grant, presence: Arc<()>, life: Life<Self>) -> Self {
        let state = State::Preparing { held: grant.held };
        let start_before = Some(grant.start_before);
        Self {
            deps,
            key,
            grant,
            life,
            state,
            environment: None,
            stopper: None,
            report: None,
            granted_at: clock::boot(),
            start_before,
            environment_took: None,
            _presence: presence,
        }
    }

    fn step(&mut self, event: Event, context: &mut Context<Self>) {
        if matches!(event, Event::Prepared(_)) {
            self.environment_took = Some(clock::boot().saturating_sub(self.granted_at));
        }
        let state = std::mem::replace(&mut self.state, State::Over);
        let (state, effects) = state.step(event);
        self.state = state;
        for effect in effects {
            self.act(effect, context);
        }
    }

    fn act(&mut self, effect: Effect, context: &mut Context<Self>) {
        match effect {
            Effect::Open => self.open(context),
            Effect::Start => self.start(context),
            Effect::Terminate(cause) => {
                if let Some(stopper) = &self.stopper {
                    stopper.stop(StopReason::Requested(cause.words()));
                }
            }
            Effect::Kill => {
                if let Some(stopper) = &self.stopper {
                    stopper.kill();
                }
            }
            Effect::Complete(outcome) => self.complete(outcome, context),
            Effect::HandBack { reason, outcome } => {
                let Key { execution, attempt } = self.key;
                let token = Some(self.grant.work.token);
                let never_started = false;
                self.deps.finisher.hand_back(HandBack { execution, attempt, token, never_started, reason, outcome });
                context.stop();
            }
            Effect::Leave => {
                tracing::debug!(execution.id = %self.key.execution, "the store did not let the attempt start");
                if self.deps.books.ledger().report(self.key) {
                    self.deps.finisher.release(self.key);
                }
                context.stop();
            }
        }
    }

    fn prepare(&mut self, context: &mut Context<Self>) {
        let key = Environments::key(&self.grant.work.spec);
        if let Some(environment) = self.deps.environments.ready(&key) {
            self.environment = environment;
            self.step(Event::Prepared(Ok(())), context);
            return;
        }
        let env_setup = self.deps.env_setup.clone();
        let asking = async move {
            for _ in 0..ENVIRONMENT_TRIES.0 {
                match env_setup.send(Prepare(key.clone())).await {
                    Ok(Ok(environment)) => return Ok(environment),
                    Ok(Err(Some(failure))) => {
                        return Err(Outcome::EnvironmentFailed { step: failure.step, log: failure.log });
                    }
                    Ok(Err(None)) | Err(_) => tokio::time::sleep(ENVIRONMENT_TRIES.1).await,
                }
            }
            Err(Outcome::WorkerFault {
                message: "environments cannot be prepared: their actor does not stay up".into(),
            })
        };
        context.spawn(asking.into_actor(self).map(|answer, actor, context| {
            let answer = answer.map(|environment| actor.environment = environment);
            actor.step(Event::Prepared(answer), context);
        }));
    }

    fn open(&mut self, context: &mut Context<Self>) {
        let (store, incarnation) = (Arc::clone(&self.deps.store), self.deps.incarnation);
        let Key { execution, attempt } = self.key;
        let token = Some(self.grant.work.token);
        let (never_started, reason) = (false, String::new());
        let request = HandBack { execution, attempt, token, never_started, reason, outcome: None };
        let fence = self.deps.launcher.fence();
        let asking = async move {
            loop {
                // The word that it may start lasts as long as the leases did when it was asked for.
                let start_before = fence.kill_at();
                match store.start(incarnation, vec![request.clone()]).await {
                    Ok(answers) => return (answers.first() == Some(&Answered::Accepted), start_before),
                    Err(error) if error.is_passing() => tokio::time::sleep(START_PAUSE).await,
                    Err(error) => {
                        tracing::error!(execution.id = %execution, error = &error as &dyn std::error::Error, "the store refused to let an attempt start");
                        return (false, start_before);
                    }
                }
            }
        };
        context.spawn(asking.into_actor(self).map(|(opened, start_before), actor, context| {
            actor.start_before = start_before;
            actor.step(Event::Opened(opened), context);
        }));
    }

    fn start(&mut self, context: &mut Context<Self>) {
        let (key, deps) = (self.key, Arc::clone(&self.deps));
        let (work, environment) = (Arc::clone(&self.grant.work), self.environment.take());
        let (address, leashed) = (context.address(), self.deps.books.leash(key));
        let permit = Permit { allowed_at: clock::boot(), start_before: self.start_before };
        // Away from the actors' thread: the kernel takes a fraction of a millisecond to start a process, and all other
        // Executors would wait for it. The task is not bound to this actor: when the actor crashes, Executions kills the
        // tree by its leash and the task sees to it that nothing is left, before anything is reported.
        let task =
            tokio::spawn(async move { Self::run(key, &deps, &work, environment, address, leashed, permit).await });
        context.spawn(task.into_actor(self).map(|joined, actor, context| {
            let report = joined.unwrap_or_else(|error| {
                RunReport::not_started(Outcome::WorkerFault { message: format!("running the process: {error}") })
            });
            let end = report.end.clone();
            actor.report = Some(report);
            actor.step(Event::Ended(end), context);
        }));
    }

    async fn run(
        key: Key,
        deps: &Arc<ExecutorDeps>,
        work: &Claimed,
        environment: Option<Arc<ReadyEnvironment>>,
        address: actix::Addr<Self>,
        leashed: Leashed,
        permit: Permit,
    ) -> RunReport {
        let given = given::open(work, deps.incarnation, &deps.sealing_key, deps.secrets.as_ref()).await;
        let opened = match given {
            Ok(opened) => Arc::new(opened),
            Err(outcome) => return RunReport::not_started(outcome),
        };
        let directory = environment.as_deref().map(ReadyEnvironment::directory);
        let mut plan = match deps.planner.plan(key, work, &opened, directory) {
            Ok(plan) => plan,
            Err(outcome) => return RunReport::not_started(outcome),
        };
        let wants_pid = !deps.observers.is_empty();
        plan.calls = plan.command.has_helper_socket.then(|| deps.calls(key, work, &opened));
        plan.hide(&opened);
        plan.seal_outputs(key, &work.spec.action, &opened);
        plan.command.start_before = permit.start_before;
        let at = permit.allowed_at;
        let report = run::run(&deps.launcher, key, plan, deps.port.clone(), wants_pid, at, |stopper, pid| {
            leashed.hold(stopper.clone());
            address.do_send(Started { stopper, pid });
        });
        let report = report.await;
        drop(leashed);
        let (execution, attempt) = key.pair();
        if deps.port.takes_everything()
            && let Err(error) = deps.artifacts.finish_log(execution, attempt).await
        {
            tracing::warn!(execution.id = %execution, error = &error as &dyn std::error::Error, "a finished log was not taken");
        }
        report
    }

    fn complete(&mut self, outcome: Outcome, context: &mut Context<Self>) {
        let Key { execution, attempt } = self.key;
        let report = self.report.take().unwrap_or_else(|| RunReport::not_started(outcome.clone()));
        let RunReport { result, outputs, resources, evidence, logs, is_starved, .. } = report;
        if is_starved && matches!(outcome, Outcome::NotExecutable { .. }) {
            // Its start was stored before it was tried, and nothing of it ran: it waits again, which the store bounds.
            let (token, reason) = (Some(self.grant.work.token), outcome.summary());
            let hand_back = HandBack { execution, attempt, token, never_started: true, reason, outcome: None };
            self.deps.finisher.hand_back(hand_back);
            return context.stop();
        }
        let environment_ms = self.environment_took.map(millis);
        let evidence = Some(Evidence { environment_ms, ..evidence });
        let token = self.grant.work.token;
        let completion = Completion { execution, attempt, token, outcome, result, outputs, resources, evidence, logs };
        self.deps.finisher.complete(completion, self.grant.work.spec.action.clone());
        context.stop();
    }
}

impl Actor for Executor {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        tracing::debug!(execution.id = %self.key.execution, attempt = %self.key.attempt, child = self.life.name(), "executing");
        self.prepare(context);
    }
}

impl Handler<StopExecution> for Executor {
    type Result = ();

    fn handle(&mut self, StopExecution(stop): StopExecution, context: &mut Self::Context) {
        self.step(Event::Stop(stop), context);
    }
}

impl Handler<Started> for Executor {
    type Result = ();

    fn handle(&mut self, started: Started, context: &mut Self::Context) {
        self.stopper = Some(started.stopper);
        if let Some(pid) = started.pid {
            let Key { execution, attempt } = self.key;
            let (action, at) = (self.grant.work.spec.action.clone(), Timestamp(clock::wall()));
            for observer in self.deps.observers.iter() {
                observer.do_send(ExecutionNotice::Started { execution, attempt, action: action.clone(), pid, at });
            }
        }
        self.step(Event::Started, context);
    }
}
