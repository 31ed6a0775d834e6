//! Who gets a slot next and when the store is asked: the decision, without any actor.

use std::time::Duration;

use super::key::Key;
use super::ledger::{Ledger, Offered};

/// The first and the longest pause after the store could not be asked.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// How long what was claimed in advance may wait for its slot. It waits a few milliseconds, unless what got the slots
/// meanwhile takes its time: then somebody else may have a slot for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

/// Whether work is taken at present, and how long the store is left alone after it could not be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Desk {
    pause: Duration,
    is_paused: bool,
    is_accepting: bool,
    /// It takes no more work whatever the store says: it is about to drain.
    is_leaving: bool,
    is_draining: bool,
}

/// How much this worker takes at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// How many attempts run at once.
    pub slots: usize,
    /// How many are claimed beyond that, because slots become free quickly.
    pub ahead: usize,
}

/// What is to be done now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Todo {
    /// Granted attempts that want an executor.
    pub execute: Vec<Key>,
    /// Granted attempts that nobody was told to run, and that nobody shall: they are given back.
    pub hand_back: Vec<Key>,
    /// Whether granted attempts wait for a slot: it is to be looked again when their time may be over.
    pub is_ahead: bool,
    /// Attempts to ask the store for.
    pub claim: Vec<Key>,
    /// Whether nothing is left and nothing will come.
    pub is_over: bool,
}

/// What follows from an offer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AfterOffer {
    /// Its delivery is settled at once: the claim was answered before.
    pub settle: bool,
    /// Everything that waits is handed back: this worker takes no work.
    pub hand_back: bool,
    /// There may be a slot for it.
    pub proceed: bool,
}

/// What follows when the store says whether this worker takes work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepting {
    /// Nothing: it said so before.
    Unchanged,
    /// It takes work again.
    Proceed,
    /// Everything that waits is handed back.
    HandBack,
}

impl Default for Desk {
    fn default() -> Self {
        Self { pause: PAUSES.0, is_paused: false, is_accepting: true, is_leaving: false, is_draining: false }
    }
}

impl Desk {
    /// Whether it is on its way out.
    #[must_use]
    pub const fn is_draining(&self) -> bool {
        self.is_draining
    }

    /// Everything that the ledger allows at `now`, by the clock that counts suspend; what is to be claimed is noted there.
    pub fn todo(&self, ledger: &mut Ledger, room: Room, now: Duration) -> Todo {
        let mut execute = ledger.idle_grants();
        let slots = if self.is_draining { 0 } else { room.slots.saturating_sub(ledger.running()) };
        let beyond = execute.split_off(slots.min(execute.len()));
        let is_too_long =
            |key: &Key| ledger.idle_since(*key).is_some_and(|since| now.saturating_sub(since) >= PATIENCE);
        let (hand_back, ahead): (Vec<Key>, Vec<Key>) =
            beyond.into_iter().partition(|key| self.is_draining || is_too_long(key));
        let takes = self.takes_work() && !self.is_paused;
        let claim = if takes { ledger.take(room.slots, room.ahead) } else { Vec::new() };
        // What is granted is in the ledger until its end is known, so it is never empty with something to execute.
        Todo { execute, hand_back, is_ahead: !ahead.is_empty(), claim, is_over: self.is_draining && ledger.is_empty() }
    }

    /// What follows from an offer that the ledger has noted.
    #[must_use]
    pub fn offered(&self, offered: Offered) -> AfterOffer {
        #[cfg(attune_mutants)]
        if attune_types::mutant::is("ack_before_claim") {
            return AfterOffer { settle: true, hand_back: false, proceed: true };
        }
        match offered {
            Offered::New if !self.takes_work() => AfterOffer { hand_back: true, ..AfterOffer::default() },
            Offered::New => AfterOffer { proceed: true, ..AfterOffer::default() },
            Offered::Waiting => AfterOffer::default(),
            Offered::InHand => AfterOffer { settle: true, ..AfterOffer::default() },
        }
    }

    /// The store answers.
    pub const fn answered(&mut self) {
        self.pause = PAUSES.0;
    }

    /// The store could not be asked: how long to leave it alone; `None` when it is left alone already.
    pub fn failed(&mut self) -> Option<Duration> {
        if self.is_paused {
            return None;
        }
        self.is_paused = true;
        let pause = self.pause;
        self.pause = (pause * 2).min(PAUSES.1);
        Some(pause)
    }

    /// That time is over.
    pub const fn rested(&mut self) {
        self.is_paused = false;
    }

    /// The store says whether this worker takes work.
    pub fn accept(&mut self, accepting: bool) -> Accepting {
        if self.is_accepting == accepting {
            return Accepting::Unchanged;
        }
        self.is_accepting = accepting;
        if accepting { Accepting::Proceed } else { Accepting::HandBack }
    }

    /// No more work is taken, whatever the store says from now on.
    pub const fn stop_taking(&mut self) {
        self.is_leaving = true;
    }

    const fn takes_work(self) -> bool {
        self.is_accepting && !self.is_leaving && !self.is_draining
    }

    /// It is on its way out.
    pub const fn drain(&mut self) {
        self.is_draining = true;
    }
}

#[cfg(test)]
mod tests {
    use attune_types::{AttemptNumber, ExecutionId};

    use super::*;

    const fn room(slots: usize, ahead: usize) -> Room {
        Room { slots, ahead }
    }

    fn key(number: i64) -> Key {
        Key::new(ExecutionId(number), AttemptNumber::FIRST)
    }

    #[test]
    fn nothing_is_claimed_while_the_store_is_left_alone_or_no_work_is_taken() {
        let claims = |desk: &Desk| {
            let mut ledger = Ledger::default();
            ledger.offer(key(1), None);
            desk.todo(&mut ledger, room(4, 0), Duration::ZERO).claim
        };
        let mut desk = Desk::default();
        assert_eq!(claims(&desk), [key(1)]);
        assert_eq!(desk.failed(), Some(PAUSES.0));
        assert_eq!(desk.failed(), None);
        assert_eq!(claims(&desk), []);
        desk.rested();
        assert_eq!(claims(&desk), [key(1)]);
        assert_eq!(desk.accept(false), Accepting::HandBack);
        assert_eq!(desk.accept(false), Accepting::Unchanged);
        assert_eq!(claims(&desk), []);
        assert_eq!(desk.accept(true), Accepting::Proceed);
        desk.drain();
        assert_eq!(claims(&desk), []);
    }

    #[test]
    fn pauses_double_up_to_five_seconds_and_begin_anew_with_an_answer() {
        let mut desk = Desk::default();
        let mut pauses = Vec::new();
        for _ in 0..7 {
            pauses.extend(desk.failed().map(|pause| pause.as_millis()));
            desk.rested();
        }
        assert_eq!(pauses, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        desk.answered();
        assert_eq!(desk.failed(), Some(PAUSES.0));
    }

    #[test]
    fn an_offer_is_settled_at_once_only_when_it_is_in_hand() {
        let mut desk = Desk::default();
        let settle = |desk: &Desk, offered| desk.offered(offered).settle;
        assert!(!settle(&desk, Offered::New) && !settle(&desk, Offered::Waiting) && settle(&desk, Offered::InHand));
        desk.stop_taking();
        let expected = AfterOffer { hand_back: true, ..AfterOffer::default() };
        assert_eq!(desk.offered(Offered::New), expected);
    }

    #[test]
    fn who_is_leaving_takes_nothing_even_if_the_store_says_that_it_may() {
        let mut ledger = Ledger::default();
        let mut desk = Desk::default();
        ledger.offer(key(1), None);
        desk.stop_taking();
        assert_eq!(desk.accept(false), Accepting::HandBack);
        assert_eq!(desk.accept(true), Accepting::Proceed);
        assert_eq!(desk.todo(&mut ledger, room(4, 0), Duration::ZERO).claim, []);
        assert!(desk.offered(Offered::New).hand_back);
    }

    #[test]
    fn draining_is_over_when_the_ledger_is_empty() {
        let mut ledger = Ledger::default();
        let mut desk = Desk::default();
        assert!(!desk.todo(&mut ledger, room(1, 0), Duration::ZERO).is_over);
        desk.drain();
        ledger.offer(key(1), None);
        assert!(!desk.todo(&mut ledger, room(1, 0), Duration::ZERO).is_over);
        ledger.forget_waiting();
        assert!(desk.todo(&mut ledger, room(1, 0), Duration::ZERO).is_over);
    }

    /// `claimed` attempts, granted at once.
    fn granted(desk: &Desk, ledger: &mut Ledger, room: Room) -> Vec<Key> {
        let claimed = desk.todo(ledger, room, Duration::ZERO).claim;
        for key in &claimed {
            ledger.granted(*key, super::super::ledger_tests::grant(*key));
        }
        claimed
    }

    #[test]
    fn what_is_claimed_in_advance_runs_when_there_is_a_slot_and_no_sooner() {
        let (desk, mut ledger) = (Desk::default(), Ledger::default());
        for number in 1..=5 {
            ledger.offer(key(number), None);
        }
        assert_eq!(granted(&desk, &mut ledger, room(2, 2)), [key(1), key(2), key(3), key(4)]);
        let presence = std::sync::Arc::new(());
        let first = desk.todo(&mut ledger, room(2, 0), Duration::ZERO);
        assert_eq!((first.execute, first.is_ahead, first.claim), (vec![key(1), key(2)], true, vec![]));
        for number in [1, 2] {
            ledger.execute(key(number), &presence);
        }
        assert_eq!(desk.todo(&mut ledger, room(2, 0), Duration::ZERO).execute, []);
        ledger.report(key(2));
        let next = desk.todo(&mut ledger, room(2, 0), Duration::ZERO);
        assert_eq!((next.execute, next.hand_back), (vec![key(3)], vec![]));
    }

    #[test]
    fn what_waits_too_long_for_a_slot_is_given_back() {
        let (mut desk, mut ledger) = (Desk::default(), Ledger::default());
        for number in 1..=2 {
            ledger.offer(key(number), None);
        }
        granted(&desk, &mut ledger, room(1, 1));
        let presence = std::sync::Arc::new(());
        ledger.execute(key(1), &presence);
        let early = desk.todo(&mut ledger, room(1, 0), PATIENCE - Duration::from_millis(1));
        assert_eq!((early.hand_back, early.is_ahead), (vec![], true));
        let late = desk.todo(&mut ledger, room(1, 0), PATIENCE);
        assert_eq!((late.hand_back, late.execute, late.is_ahead), (vec![key(2)], vec![], false));
        desk.drain();
        assert_eq!(desk.todo(&mut ledger, room(9, 9), Duration::ZERO).hand_back, [key(2)]);
    }
}
