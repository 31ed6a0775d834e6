//! Every attempt this worker has to do with, from the first message about it until the store has taken its end.
//!
//! The ledger is plain data behind a lock and belongs to no actor: whatever crashes, what is owed is still written
//! down here. No lock is held across an await, and nothing under it can panic half-way.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use attune_queue::DeliveryTag;
use attune_store::Claimed;
use attune_types::{ExecutionId, LeaseToken};

use super::key::Key;

/// Where an attempt stands.
#[derive(Debug)]
enum Phase {
    /// It waits for a slot.
    Waiting,
    /// It has a slot and the store is being asked for it.
    Claiming,
    /// It is this worker's; nobody runs it yet.
    Granted(Grant),
    /// An executor runs it as long as `presence` lives.
    Executing { grant: Grant, presence: Weak<()> },
    /// Its end is being reported.
    Reporting,
}

/// A claim that was granted.
#[derive(Debug, Clone)]
pub struct Grant {
    /// The work.
    pub work: Arc<Claimed>,
    /// Whether the store still waits for the word that it starts.
    pub held: bool,
    /// When the answer came, by the clock that counts suspend.
    pub granted_at: Duration,
    /// From when on it must not be started on the strength of this claim, by the clock that counts suspend: the fence would
    /// have ended it by then, and its lease may have been given to somebody else.
    pub start_before: Duration,
}

#[derive(Debug)]
struct Entry {
    /// Deliveries that are to be settled once the claim was answered.
    tags: Vec<DeliveryTag>,
    phase: Phase,
    /// The token of its claim, once the store was asked for it. While it waits, that means that no answer came: it may
    /// have been granted, and nothing of it was started.
    asked: Option<LeaseToken>,
}

/// Something that waited and is forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    /// Which.
    pub key: Key,
    /// Its deliveries, to be settled.
    pub tags: Vec<DeliveryTag>,
    /// The token of a claim that was never answered.
    pub asked: Option<LeaseToken>,
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It waits for a slot now.
    New,
    /// It waits already; the delivery is settled together with the first one.
    Waiting,
    /// It is in hand already: settle the delivery.
    InHand,
}

/// Every attempt this worker has to do with.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: HashMap<Key, Entry>,
    order: VecDeque<Key>,
}

impl Ledger {
    /// Notes that an attempt may be claimed.
    pub fn offer(&mut self, key: Key, tag: Option<DeliveryTag>) -> Offered {
        match self.entries.get_mut(&key) {
            None => {
                let tags = tag.into_iter().collect();
                self.entries.insert(key, Entry { tags, phase: Phase::Waiting, asked: None });
                self.order.push_back(key);
                Offered::New
            }
            Some(Entry { tags, phase: Phase::Waiting | Phase::Claiming, .. }) => {
                if let Some(tag) = tag.filter(|tag| !tags.contains(tag)) {
                    tags.push(tag);
                }
                Offered::Waiting
            }
            Some(_) => Offered::InHand,
        }
    }

    /// Takes as many waiting attempts as there are free slots, and `ahead` more, oldest first; they are being claimed now.
    pub fn take(&mut self, slots: usize, ahead: usize) -> Vec<Key> {
        // An end that is being reported runs nothing any more, so its slot is free; yet there are never more ends waiting
        // for the store than slots, or a store that is away would let them pile up.
        let running = self.in_slots() - self.reporting();
        let free = (slots + ahead).saturating_sub(running).min((2 * slots + ahead).saturating_sub(self.in_slots()));
        let mut taken = Vec::new();
        while taken.len() < free {
            let Some(key) = self.order.pop_front() else { break };
            if let Some(entry) = self.entries.get_mut(&key).filter(|entry| matches!(entry.phase, Phase::Waiting)) {
                entry.phase = Phase::Claiming;
                taken.push(key);
            }
        }
        taken
    }

    /// Notes that the store is being asked for an attempt; the token to ask with, and whether it was asked before. The token
    /// stays the same as long as the attempt is in these books, so that the store can give a lost answer once more.
    pub fn ask(&mut self, key: Key, fresh: LeaseToken) -> (LeaseToken, bool) {
        let Some(entry) = self.entries.get_mut(&key) else { return (fresh, false) };
        let again = entry.asked.is_some();
        (*entry.asked.get_or_insert(fresh), again)
    }

    /// Puts attempts whose claim could not be asked back to the head of the line.
    pub fn unclaimed(&mut self, keys: &[Key]) {
        for key in keys.iter().rev() {
            if let Some(entry) = self.entries.get_mut(key).filter(|entry| matches!(entry.phase, Phase::Claiming)) {
                entry.phase = Phase::Waiting;
                self.order.push_front(*key);
            }
        }
    }

    /// Notes that a claim was granted; the deliveries to settle.
    pub fn granted(&mut self, key: Key, grant: Grant) -> Vec<DeliveryTag> {
        #[cfg(attune_mutants)]
        if attune_types::mutant::is("ack_never")
            && let Some(entry) = self.entries.get_mut(&key)
        {
            entry.tags.clear();
        }
        self.entries.get_mut(&key).map_or_else(Vec::new, |entry| {
            entry.phase = Phase::Granted(grant);
            std::mem::take(&mut entry.tags)
        })
    }

    /// Forgets an attempt; the deliveries to settle.
    pub fn forget(&mut self, key: Key) -> Vec<DeliveryTag> {
        self.entries.remove(&key).map_or_else(Vec::new, |entry| entry.tags)
    }

    /// Forgets an attempt that was given back; the deliveries to settle.
    pub fn given_back(&mut self, key: Key) -> Vec<DeliveryTag> {
        #[cfg(attune_mutants)]
        if attune_types::mutant::is("slot_leak_on_handback") {
            return Vec::new();
        }
        self.forget(key)
    }

    /// Forgets everything that waits, oldest first.
    pub fn forget_waiting(&mut self) -> Vec<Forgotten> {
        let waiting: Vec<Key> = self.order.drain(..).collect();
        let forget = |key| {
            let Entry { tags, asked, .. } = self.entries.remove(&key)?;
            Some(Forgotten { key, tags, asked })
        };
        waiting.into_iter().filter_map(forget).collect()
    }

    /// Hands a granted attempt to the executor that is represented by `presence`.
    pub fn execute(&mut self, key: Key, presence: &Arc<()>) -> Option<Grant> {
        let entry = self.entries.get_mut(&key)?;
        let Phase::Granted(grant) = &entry.phase else { return None };
        let grant = grant.clone();
        entry.phase = Phase::Executing { grant: grant.clone(), presence: Arc::downgrade(presence) };
        Some(grant)
    }

    /// Granted attempts that nobody runs yet.
    #[must_use]
    pub fn idle_grants(&self) -> Vec<Key> {
        self.keys(|phase| matches!(phase, Phase::Granted(_)))
    }

    /// When an attempt was granted that nobody runs yet.
    #[must_use]
    pub fn idle_since(&self, key: Key) -> Option<Duration> {
        match &self.entries.get(&key)?.phase {
            Phase::Granted(grant) => Some(grant.granted_at),
            _ => None,
        }
    }

    /// How many attempts are being run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.entries.values().filter(|entry| matches!(entry.phase, Phase::Executing { .. })).count()
    }

    /// Attempts whose executor is gone without having reported their end.
    #[must_use]
    pub fn deserted(&self) -> Vec<Key> {
        self.keys(|phase| matches!(phase, Phase::Executing { presence, .. } if presence.strong_count() == 0))
    }

    /// The grant of an attempt whose end has not been reported.
    #[must_use]
    pub fn unreported(&self, key: Key) -> Option<Grant> {
        match &self.entries.get(&key)?.phase {
            Phase::Granted(grant) | Phase::Executing { grant, .. } => Some(grant.clone()),
            _ => None,
        }
    }

    /// Notes that the end of an attempt is being reported. `false` when it was before: who asks second must not report.
    pub fn report(&mut self, key: Key) -> bool {
        match self.entries.get_mut(&key) {
            Some(entry) if !matches!(entry.phase, Phase::Reporting) => {
                entry.phase = Phase::Reporting;
                true
            }
            _ => false,
        }
    }

    /// Attempts whose leases this worker must renew.
    #[must_use]
    pub fn held(&self) -> Vec<Key> {
        self.keys(|phase| !matches!(phase, Phase::Waiting | Phase::Claiming))
    }

    /// Attempts of an execution that are being run.
    #[must_use]
    pub fn executing(&self, execution: ExecutionId) -> Vec<Key> {
        let mut keys = self.keys(|phase| matches!(phase, Phase::Executing { .. } | Phase::Granted(_)));
        keys.retain(|key| key.execution == execution);
        keys
    }

    fn reporting(&self) -> usize {
        self.entries.values().filter(|entry| matches!(entry.phase, Phase::Reporting)).count()
    }

    /// How many attempts are this worker's business and do not wait for a slot.
    #[must_use]
    pub fn in_slots(&self) -> usize {
        self.entries.len() - self.waiting()
    }

    /// How many attempts wait for a slot.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.order.len()
    }

    /// Whether there is nothing left to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many attempts stand where, for people.
    #[must_use]
    pub fn census(&self) -> BTreeMap<&'static str, usize> {
        let mut census = BTreeMap::new();
        for entry in self.entries.values() {
            let name = match entry.phase {
                Phase::Waiting => "waiting",
                Phase::Claiming => "claiming",
                Phase::Granted(_) => "granted",
                Phase::Executing { .. } => "executing",
                Phase::Reporting => "reporting",
            };
            *census.entry(name).or_default() += 1;
        }
        census
    }

    fn keys(&self, wanted: impl Fn(&Phase) -> bool) -> Vec<Key> {
        let mut keys: Vec<Key> =
            self.entries.iter().filter(|(_, entry)| wanted(&entry.phase)).map(|(key, _)| *key).collect();
        keys.sort_unstable();
        keys
    }
}
