//! Who submits and cancels.

use super::event::Event;
use super::store::{Answer, Asker, Request};
use super::{MILLI, SECOND, World};
use crate::random::Random;

impl World {
    /// Every client says when it comes.
    pub(super) fn submit_everything(&mut self) {
        let mut random = Random::new(self.plan.seed, 2);
        let mut at = SECOND;
        for number in 0..self.plan.executions {
            // Mostly a steady stream, now and then many at once.
            at += if random.percent(3) { 0 } else { random.between(0, 130 * MILLI) };
            self.at(at, Event::Submit(number));
        }
        self.asking = self.plan.executions;
    }

    /// Which kind a client asks for.
    pub(super) fn kind_of(&self, number: u32) -> usize {
        let mut draw = Random::new(self.plan.seed ^ u64::from(number), 3).below(100);
        for (place, kind) in self.kinds.iter().enumerate() {
            if draw < kind.share {
                return place;
            }
            draw -= kind.share;
        }
        0
    }

    pub(super) fn client_submits(&mut self, number: u32) {
        self.ask(Asker::Client(number, false), Request::Submit(number));
    }

    pub(super) fn client_cancels(&mut self, number: u32) {
        match self.database.by_key(&format!("client {number}")) {
            Some(id) => self.ask(Asker::Client(number, true), Request::Cancel(id)),
            None => self.asking -= 1,
        }
    }

    pub(super) fn client_hears(&mut self, number: u32, cancels: bool, answer: Option<Answer>) {
        let mut random = Random::new(self.plan.seed ^ u64::from(number) << 8, 4);
        match answer {
            Some(_) if !cancels && random.percent(4) => {
                // At any moment of its life.
                let longest = if random.percent(50) { 30 * MILLI } else { 4 * SECOND };
                let pause = random.between(0, longest);
                self.after(pause, Event::Cancel(number));
            }
            Some(_) => self.asking -= 1,
            // It asks again; its key makes that harmless.
            None => {
                let pause = self.random.between(SECOND, 3 * SECOND);
                self.after(pause, if cancels { Event::Cancel(number) } else { Event::Submit(number) });
            }
        }
    }
}
