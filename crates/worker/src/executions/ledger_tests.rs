use std::sync::Arc;
use std::time::Duration;

use attune_queue::DeliveryTag;
use attune_store::Claimed;
use attune_types::{
    ActionRef, AttemptNumber, ExecutionId, ExecutionSpec, LeaseToken, OutputFormat, ParameterDelivery, ParameterFormat,
    Requirement, ResourceLimits,
};
use proptest::prelude::*;

use super::key::Key;
use super::ledger::{Forgotten, Grant, Ledger, Offered};

fn key(number: i64) -> Key {
    Key::new(ExecutionId(number), AttemptNumber(1))
}

fn tag(number: u64) -> DeliveryTag {
    DeliveryTag { generation: 1, number }
}

pub(super) fn grant(key: Key) -> Grant {
    let spec = ExecutionSpec {
        action: ActionRef { pack: "core".into(), name: "noop".into() },
        pack_version: None,
        entry_point: "noop.sh".into(),
        code: None,
        requirement: Requirement { runtime: "shell".into(), ..Requirement::default() },
        parameter_delivery: ParameterDelivery::Stdin,
        parameter_format: ParameterFormat::Json,
        output_format: OutputFormat::Text,
        output_schema: None,
        timeout_ms: 1000,
        retry: None,
        idempotent: false,
        resources: ResourceLimits::default(),
        artifacts: Vec::new(),
        secrets: Vec::new(),
        secret_delivery: attune_types::SecretDelivery::Helper,
        secret_parameters: Vec::new(),
    };
    let work = Claimed {
        held: false,
        execution: key.execution,
        attempt: key.attempt,
        token: LeaseToken([0; 16]),
        spec,
        parameters: serde_json::Map::new(),
        trace: None,
        sealed: None,
    };
    Grant { work: Arc::new(work), held: false, granted_at: Duration::ZERO, start_before: Duration::MAX }
}

#[test]
fn an_attempt_goes_from_offer_to_end() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.offer(key(1), Some(tag(1))), Offered::New);
    assert_eq!(ledger.offer(key(1), Some(tag(2))), Offered::Waiting);
    assert_eq!(ledger.take(1, 0), [key(1)]);
    assert!(ledger.held().is_empty(), "a claim under way is no lease");
    assert_eq!(ledger.granted(key(1), grant(key(1))), [tag(1), tag(2)]);
    assert_eq!(ledger.idle_grants(), [key(1)]);
    let presence = Arc::new(());
    assert!(ledger.execute(key(1), &presence).is_some());
    assert!(ledger.execute(key(1), &presence).is_none(), "never two executors");
    assert_eq!(ledger.executing(ExecutionId(1)), [key(1)]);
    assert_eq!(ledger.offer(key(1), Some(tag(3))), Offered::InHand);
    assert!(ledger.report(key(1)));
    assert!(!ledger.report(key(1)), "never two reports");
    assert_eq!(ledger.held(), [key(1)]);
    ledger.forget(key(1));
    assert!(ledger.is_empty() && ledger.in_slots() == 0);
}

#[test]
fn slots_bound_what_is_taken_and_a_failed_claim_keeps_its_place() {
    let mut ledger = Ledger::default();
    for number in 1..=5 {
        ledger.offer(key(number), None);
    }
    assert_eq!(ledger.take(2, 0), [key(1), key(2)]);
    assert!(ledger.take(2, 0).is_empty());
    ledger.granted(key(1), grant(key(1)));
    ledger.unclaimed(&[key(1), key(2)]);
    assert_eq!(ledger.take(2, 0), [key(2)], "the granted one stays granted");
    ledger.unclaimed(&[key(2)]);
    let waiting: Vec<Key> = ledger.forget_waiting().into_iter().map(|forgotten| forgotten.key).collect();
    assert_eq!(waiting, [key(2), key(3), key(4), key(5)]);
    assert_eq!(ledger.held(), [key(1)]);
}

#[test]
fn a_claim_that_is_asked_again_shows_the_same_token_until_the_attempt_is_forgotten() {
    let mut ledger = Ledger::default();
    let token = |byte| LeaseToken([byte; 16]);
    ledger.offer(key(1), None);
    ledger.take(1, 0);
    assert_eq!(ledger.ask(key(1), token(1)), (token(1), false));
    ledger.unclaimed(&[key(1)]);
    ledger.take(1, 0);
    assert_eq!(ledger.ask(key(1), token(2)), (token(1), true));
    ledger.unclaimed(&[key(1)]);
    let forgotten = ledger.forget_waiting();
    assert_eq!(forgotten, [Forgotten { key: key(1), tags: Vec::new(), asked: Some(token(1)) }]);
    // A message that comes again after that is another claim, and must not pass for the first.
    ledger.offer(key(1), None);
    ledger.take(1, 0);
    assert_eq!(ledger.ask(key(1), token(3)), (token(3), false));
}

#[test]
fn a_crashed_executor_is_noticed_and_reported_once() {
    let mut ledger = Ledger::default();
    ledger.offer(key(1), None);
    ledger.take(1, 0);
    ledger.granted(key(1), grant(key(1)));
    let presence = Arc::new(());
    ledger.execute(key(1), &presence);
    assert!(ledger.deserted().is_empty());
    drop(presence);
    assert_eq!(ledger.deserted(), [key(1)]);
    assert!(ledger.unreported(key(1)).is_some());
    assert!(ledger.report(key(1)));
    assert!(ledger.deserted().is_empty() && ledger.unreported(key(1)).is_none());
}

proptest! {
    #[test]
    fn slots_are_never_exceeded_and_nothing_is_lost(
        slots in 1..5_usize, ahead in 0..3_usize, steps in proptest::collection::vec((0..7_u8, 0..8_i64), 0..200)
    ) {
        let mut ledger = Ledger::default();
        let mut claiming: Vec<Key> = Vec::new();
        let mut alive: std::collections::BTreeSet<Key> = std::collections::BTreeSet::new();
        let presence = Arc::new(());
        for (step, number) in steps {
            let key = key(number);
            match step {
                0 => { ledger.offer(key, None); alive.insert(key); }
                1 => claiming.extend(ledger.take(slots, ahead)),
                2 => if let Some(key) = claiming.pop() { ledger.granted(key, grant(key)); },
                3 => if let Some(key) = claiming.pop() { ledger.unclaimed(&[key]); },
                4 => if let Some(key) = claiming.pop() { ledger.forget(key); alive.remove(&key); },
                5 => { ledger.execute(key, &presence); }
                _ => if ledger.held().contains(&key) {
                    ledger.report(key);
                    ledger.forget(key);
                    alive.remove(&key);
                },
            }
            prop_assert!(ledger.in_slots() <= slots + ahead);
            prop_assert_eq!(ledger.in_slots() + ledger.waiting(), alive.len());
        }
    }
}
