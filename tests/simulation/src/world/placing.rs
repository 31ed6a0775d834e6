//! The scheduler of a server: look, decide, write, again until nothing more can be placed. As `scheduler/pass.rs` and
//! `scheduler/actor.rs` of the product do it, with its decisions.

use attune_control::protocol::{Follows, Looked, Pass, TakeBack, follows, look, room, solve};
use attune_store::{Assigned, PlacementView};

use super::server::{Asked, ServerEvent};
use super::store::Request;
use super::{MILLI, World};
use crate::reach::Point;

/// What a scheduler is at.
#[derive(Debug, Default)]
enum Work {
    #[default]
    Idle,
    Running,
    RunningAndWoken,
    Resting {
        woken: bool,
    },
}

/// A scheduler's pass.
#[derive(Debug, Default)]
pub(crate) struct Placing {
    work: Work,
    skip: Vec<String>,
    looks: u32,
    /// What the look under way came to, until the store has taken its assignments.
    looked: Option<(Looked, Vec<String>, PlacementView)>,
    take_backs: Vec<TakeBack>,
    ends_as: Option<Pass>,
}

impl World {
    pub(super) fn wake_scheduler(&mut self, number: usize) {
        let placing = &mut self.servers[number].placing;
        match placing.work {
            Work::Idle => self.begin_pass(number),
            Work::Running | Work::RunningAndWoken => placing.work = Work::RunningAndWoken,
            Work::Resting { .. } => placing.work = Work::Resting { woken: true },
        }
    }

    pub(super) fn scheduler_rested(&mut self, number: usize) {
        let placing = &mut self.servers[number].placing;
        if let Work::Resting { woken } = placing.work {
            placing.work = Work::Idle;
            if woken {
                self.begin_pass(number);
            }
        }
    }

    fn begin_pass(&mut self, number: usize) {
        self.servers[number].placing = Placing { work: Work::Running, ..Placing::default() };
        self.look(number);
    }

    fn look(&mut self, number: usize) {
        let server = &mut self.servers[number];
        if server.placing.looks >= server.policy.most_looks {
            return self.end_pass(number, Some(Pass::CutOff));
        }
        server.placing.looks += 1;
        let limit = look(&server.policy, &server.book);
        let skip = server.placing.skip.clone();
        self.server_ask(number, Asked::View, Request::View { limit, skip });
    }

    pub(super) fn looked(&mut self, number: usize, view: PlacementView) {
        let now = self.age(number);
        let server = &mut self.servers[number];
        let look = look(&server.policy, &server.book) as usize;
        server.book.look(&view, now);
        let advances = server.book.advances(&view, &server.policy);
        let plan = solve(&view, &advances);
        let looked = Looked {
            look,
            waiting: view.waiting.len(),
            wanted: plan.assignments.len(),
            got: 0,
            room: room(&view, &advances),
            exhausted: plan.exhausted.len(),
        };
        server.placing.looked = Some((looked, plan.exhausted, view));
        if plan.assignments.is_empty() {
            return self.after_look(number, 0);
        }
        self.server_ask(number, Asked::Assign, Request::Assign(plan.assignments));
    }

    pub(super) fn assigned(&mut self, number: usize, assigned: Vec<Assigned>) {
        self.servers[number].book.assigned(&assigned);
        let got = assigned.len();
        let messages = assigned.into_iter().map(|assigned| assigned.message);
        self.servers[number].relaying.gathering.extend(messages);
        self.publish_next(number);
        self.after_look(number, got);
    }

    fn after_look(&mut self, number: usize, got: usize) {
        let now = self.age(number);
        let server = &mut self.servers[number];
        let Some((looked, exhausted, view)) = server.placing.looked.take() else { return };
        match follows(Looked { got, ..looked }) {
            Follows::Again => {
                self.reach(Point::AssignRaced);
                self.look(number);
            }
            Follows::Further => {
                server.placing.skip.extend(exhausted);
                self.look(number);
            }
            Follows::Ended { pass, take_back } => {
                if take_back {
                    server.placing.take_backs = server.book.take_backs(&view, &server.policy, now);
                    server.placing.take_backs.reverse();
                }
                server.placing.ends_as = Some(pass);
                self.take_back_next(number);
            }
        }
    }

    pub(super) fn take_back_next(&mut self, number: usize) {
        let placing = &mut self.servers[number].placing;
        match placing.take_backs.pop() {
            Some(TakeBack { worker, at_most }) => {
                self.server_ask(number, Asked::TakeBack(worker), Request::TakeBack(worker, at_most));
            }
            None => {
                let pass = placing.ends_as;
                self.end_pass(number, pass);
            }
        }
    }

    /// The store could not be asked: the next tick is early enough.
    pub(super) fn pass_failed(&mut self, number: usize) {
        self.end_pass(number, None);
    }

    fn end_pass(&mut self, number: usize, ended: Option<Pass>) {
        let placing = &mut self.servers[number].placing;
        let woken = matches!(placing.work, Work::RunningAndWoken);
        placing.work = Work::Idle;
        if ended == Some(Pass::Full) {
            placing.work = Work::Resting { woken };
            return self.server_later(number, 5 * MILLI, ServerEvent::Rested);
        }
        if ended == Some(Pass::CutOff) || (woken && ended.is_some()) {
            self.begin_pass(number);
        }
    }
}
