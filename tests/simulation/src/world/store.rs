//! The way to the database and back, and everything that goes wrong on it.

use std::collections::{HashMap, HashSet};

use attune_store::{
    Answered, Assigned, Assignment, Beat, BeatReply, ClaimAnswer, ClaimRequest, Completion, HandBack, OutboxMessage,
    PlacementView, Registered, Registration,
};
use attune_types::{ExecutionId, Incarnation, WorkerId};

use super::event::{Event, Part};
use super::server::Asked;
use super::worker::Wanted;
use super::{MILLI, SECOND, World};
use crate::database::Refusal;
use crate::reach::Point;

/// How long a call may take before it is given up, in microseconds.
const CALL_TIMEOUT: i64 = 30 * SECOND;

/// What the database is asked.
#[derive(Debug, Clone)]
pub(crate) enum Request {
    Submit(u32),
    Cancel(ExecutionId),
    View { limit: u32, skip: Vec<String> },
    Assign(Vec<Assignment>),
    TakeBack(WorkerId, u32),
    TakeOutbox(u32),
    DeleteOutbox(Vec<i64>),
    Reap,
    WhoIs(String),
    Register(Registration),
    Beat(Beat),
    Claim(Incarnation, Vec<ClaimRequest>),
    Start(Incarnation, HandBack),
    Complete(Vec<Completion>),
    HandBack(Incarnation, Vec<HandBack>),
    Leave(WorkerId, Incarnation),
}

/// What it answers.
#[derive(Debug)]
pub(crate) enum Answer {
    Submitted,
    Done,
    View(PlacementView),
    Assigned(Vec<Assigned>),
    Taken(Vec<ExecutionId>),
    Outbox(Vec<OutboxMessage>),
    Reaped,
    Is(Option<Incarnation>),
    Registered(Registered),
    Beat(BeatReply),
    Claimed(Vec<ClaimAnswer>),
    Answered(Vec<Answered>),
}

/// Who asked, and what for.
#[derive(Debug, Clone)]
pub(crate) enum Asker {
    Client(u32, bool),
    Server(usize, u64, Asked),
    Worker(usize, u64, Wanted),
}

/// A call on its way.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) id: u64,
    pub(crate) asker: Asker,
    pub(crate) request: Request,
    pub(crate) gives_up_at: i64,
}

/// An answer on its way. `None`: it failed, and whether it was done is unknown.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) id: u64,
    pub(crate) asker: Asker,
    pub(crate) answer: Option<Answer>,
}

/// How the database, or the way to it, behaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mood {
    /// It answers.
    #[default]
    Fine,
    /// It reads and does not write.
    ReadOnly,
    /// It refuses connections.
    Away,
    /// It says nothing.
    Silent,
}

/// The way to the database.
#[derive(Debug, Default)]
pub(crate) struct Way {
    pub(crate) mood: Mood,
    pub(crate) cuts: HashMap<Part, Mood>,
    pub(crate) clock_offset: i64,
    /// Of a hundred answers, how many get lost.
    pub(crate) lost_percent: u64,
    /// The longest a call takes, in microseconds.
    pub(crate) slowest: i64,
    last_call: u64,
    open: HashSet<u64>,
    stuck: Vec<Call>,
    /// Outbox rows that the broker has confirmed, or sent back often enough.
    pub(crate) free_rows: HashMap<i64, u8>,
}

impl Asker {
    fn part(&self) -> Part {
        match self {
            Self::Client(..) => Part::Client,
            Self::Server(number, ..) => Part::Server(*number),
            Self::Worker(number, ..) => Part::Worker(*number),
        }
    }
}

impl World {
    /// Asks the database; the answer comes as an event, or does not come.
    pub(crate) fn ask(&mut self, asker: Asker, request: Request) {
        self.way.last_call += 1;
        let id = self.way.last_call;
        self.way.open.insert(id);
        let gives_up_at = self.now + CALL_TIMEOUT;
        let delay = self.delay();
        self.after(delay, Event::Arrive(Box::new(Call { id, asker, request, gives_up_at })));
    }

    fn delay(&mut self) -> i64 {
        let usual = self.random.between(100, 1_500);
        if self.way.slowest > 0 { usual + self.random.between(0, self.way.slowest) } else { usual }
    }

    fn mood(&self, part: Part) -> Mood {
        self.way.cuts.get(&part).copied().unwrap_or_default().max(self.way.mood)
    }

    pub(super) fn arrive(&mut self, call: Call) {
        let mood = self.mood(call.asker.part());
        let reads = matches!(call.request, Request::View { .. } | Request::WhoIs(_));
        match mood {
            Mood::Silent => {
                let Call { id, asker, gives_up_at, .. } = call.clone();
                self.at(gives_up_at, Event::Answer(Box::new(Reply { id, asker, answer: None })));
                self.way.stuck.push(call);
            }
            Mood::Away => self.fail(call, 20 * MILLI),
            Mood::ReadOnly if !reads => self.fail(call, 2 * MILLI),
            Mood::Fine | Mood::ReadOnly => self.serve(call),
        }
    }

    fn fail(&mut self, call: Call, within: i64) {
        let pause = self.random.between(1, within);
        let Call { id, asker, .. } = call;
        self.after(pause, Event::Answer(Box::new(Reply { id, asker, answer: None })));
    }

    /// What was stuck goes on, or is gone.
    pub(crate) fn unstick(&mut self) {
        for call in std::mem::take(&mut self.way.stuck) {
            if self.mood(call.asker.part()) == Mood::Silent {
                self.way.stuck.push(call);
            } else if self.random.percent(60) {
                let delay = self.delay();
                self.after(delay, Event::Arrive(Box::new(call)));
            } else {
                self.fail(call, 20 * MILLI);
            }
        }
    }

    fn serve(&mut self, call: Call) {
        let Call { id, asker, request, .. } = call;
        let is_write = !matches!(request, Request::View { .. } | Request::WhoIs(_));
        let is_end = matches!(request, Request::Complete(_));
        let answer = match self.execute(&asker, request) {
            Ok(answer) => Some(answer),
            Err(refusal) => {
                self.refused(&refusal);
                None
            }
        };
        self.judge_commit();
        self.wake();
        let delay = self.delay();
        if is_write && self.random.percent(self.way.lost_percent) {
            if is_end {
                self.reach(Point::EndAnswerLost);
            }
            self.say(|| format!("answer {id} lost"));
            let pause = delay + self.random.between(0, 3 * SECOND);
            return self.after(pause, Event::Answer(Box::new(Reply { id, asker, answer: None })));
        }
        self.after(delay, Event::Answer(Box::new(Reply { id, asker, answer })));
    }

    fn execute(&mut self, asker: &Asker, request: Request) -> Result<Answer, Refusal> {
        let now = self.database_now();
        Ok(match request {
            Request::Submit(number) => {
                let kind = self.kind_of(number);
                let (spec, key) = (self.kinds[kind].spec.clone(), self.kinds[kind].requirement_key.clone());
                let submitted = self.database.submit(now, spec, key, Some(format!("client {number}")));
                let id = submitted.id;
                if self.stories.len() < id.0 as usize {
                    self.stories.resize_with(id.0 as usize, Default::default);
                }
                self.say(|| format!("client {number} submitted {id}"));
                Answer::Submitted
            }
            Request::Cancel(id) => {
                let was = self.database.execution(id).map(|row| row.status);
                self.stories[id.0 as usize - 1].cancelled = true;
                let answer = self.database.cancel(now, id, "ada")?;
                self.say(|| format!("{id} cancelled: {answer:?}"));
                if was.is_some_and(attune_types::ExecutionStatus::is_waiting) {
                    self.reach(Point::CancelledWaiting);
                }
                Answer::Done
            }
            Request::View { limit, skip } => Answer::View(self.database.placement_view(now, limit, &skip)),
            Request::Assign(assignments) => {
                let assigned = self.database.assign(now, &assignments, &self.policy)?;
                for one in &assigned {
                    self.say(|| format!("{}.{} assigned to {}", one.execution, one.attempt, one.worker));
                }
                Answer::Assigned(assigned)
            }
            Request::TakeBack(worker, at_most) => Answer::Taken(self.database.take_back(worker, at_most)?),
            Request::TakeOutbox(limit) => {
                Answer::Outbox(self.database.take_outbox(now, limit, self.policy.outbox_hold_ms))
            }
            Request::DeleteOutbox(ids) => {
                self.judge_deletion(&ids);
                self.database.delete_outbox(&ids);
                Answer::Done
            }
            Request::Reap => {
                let report = self.database.reap(now, &self.policy)?;
                self.judge_reaping(&report);
                Answer::Reaped
            }
            Request::WhoIs(name) => Answer::Is(self.database.worker_named(&name).map(|row| row.incarnation)),
            Request::Register(registration) => {
                let registered = self.database.register(now, &registration)?;
                self.say(|| format!("{} registered as {}: {registered:?}", registration.name, registered.id));
                if registration.previous_is_dead && !registered.settled.is_empty() {
                    self.reach(Point::SettledByEvidence);
                }
                Answer::Registered(registered)
            }
            Request::Beat(beat) => {
                let wall = now + self.wall_offset(asker);
                Answer::Beat(self.database.beat(now, &beat, wall))
            }
            Request::Claim(incarnation, requests) => {
                let answers = self.database.claim(now, incarnation, &requests)?;
                for (request, answer) in requests.iter().zip(&answers) {
                    let granted = matches!(answer, ClaimAnswer::Granted(_));
                    self.say(|| format!("{}.{} claimed: {granted}", request.execution, request.attempt));
                    self.reach_claim(request, granted);
                }
                Answer::Claimed(answers)
            }
            Request::Start(incarnation, request) => Answer::Answered(self.database.start(incarnation, &[request])?),
            Request::Complete(completions) => {
                let answers = self.database.complete(now, &completions)?;
                for (one, answer) in completions.iter().zip(&answers) {
                    self.say(|| format!("{}.{} ends {:?}: {answer:?}", one.execution, one.attempt, one.outcome));
                    self.reach_end(one, *answer);
                }
                Answer::Answered(answers)
            }
            Request::HandBack(incarnation, requests) => {
                let answers = self.database.hand_back(now, incarnation, &requests, self.policy.most_unstarted)?;
                for (one, answer) in requests.iter().zip(&answers) {
                    self.say(|| format!("{}.{} handed back: {answer:?}", one.execution, one.attempt));
                    if *answer == Answered::Accepted {
                        self.reach(Point::HandedBack);
                    }
                }
                Answer::Answered(answers)
            }
            Request::Leave(id, incarnation) => {
                self.database.deregister(id, incarnation)?;
                Answer::Done
            }
        })
    }

    pub(super) fn answer(&mut self, reply: Reply) {
        // Only the first answer counts: who gave up does not hear what comes later.
        if !self.way.open.contains(&reply.id) {
            return;
        }
        match &reply.asker {
            Asker::Client(..) => {}
            Asker::Server(number, life, _) => {
                let server = &mut self.servers[*number];
                if server.life != *life || !server.is_up {
                    self.way.open.remove(&reply.id);
                    return;
                }
                if server.is_paused {
                    return server.deferred.push(Event::Answer(Box::new(reply)));
                }
            }
            Asker::Worker(number, life, _) => {
                let worker = &mut self.workers[*number];
                if worker.life != *life || !worker.is_up {
                    self.way.open.remove(&reply.id);
                    return;
                }
                if worker.is_paused {
                    return worker.deferred.push(Event::Answer(Box::new(reply)));
                }
            }
        }
        self.way.open.remove(&reply.id);
        match reply.asker {
            Asker::Client(number, cancels) => self.client_hears(number, cancels, reply.answer),
            Asker::Server(number, _, asked) => self.server_hears(number, asked, reply.answer),
            Asker::Worker(number, _, wanted) => self.worker_hears(number, wanted, reply.answer),
        }
    }
}
