//! Claims, held claims, and what is given back.

use std::collections::BTreeSet;
use std::sync::Arc;

use attune_store::{Answered, CancelAnswer, ClaimAnswer, ClaimRequest, HandBack, Hold};
use attune_types::{
    AttemptNumber, AttemptState, ExecutionId, ExecutionStatus, Incarnation, LeaseToken, Outcome, RetryCause,
};

use crate::stage::{Hand, Stage, claim_request, request, retried, success, wrong_token};

fn back(execution: ExecutionId, attempt: i32, token: Option<LeaseToken>) -> HandBack {
    HandBack {
        execution,
        attempt: AttemptNumber(attempt),
        token,
        never_started: false,
        reason: "no interpreter".into(),
        outcome: None,
    }
}

async fn state(stage: &Stage, id: ExecutionId, attempt: usize) -> AttemptState {
    stage.store.attempts(id).await.expect("attempts")[attempt - 1].state
}

pub(crate) async fn a_claim_starts_what_is_assigned_and_nothing_twice(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.submit(request()).await;
    stage.assign(id, hand).await.expect("assigned");
    assert!(stage.claim(id, 2, hand, false).await.is_none(), "no such attempt");
    let stranger = Hand { incarnation: Incarnation([9; 16]), ..hand };
    assert!(stage.claim(id, 1, stranger, false).await.is_none(), "another incarnation");
    let work = stage.claim(id, 1, hand, false).await.expect("granted");
    assert_eq!((work.execution, work.attempt), (id, AttemptNumber::FIRST));
    let execution = stage.execution(id).await;
    assert_eq!(execution.status, ExecutionStatus::Running);
    assert!(execution.started_at.is_some());
    assert_eq!(execution.worker.as_deref(), Some("w"));
    assert!(stage.claim(id, 1, hand, false).await.is_none(), "a duplicate delivery");
    assert!(stage.claim(ExecutionId(987_654), 1, hand, false).await.is_none(), "no such execution");
    assert_eq!(stage.kinds(id).await, ["execution.requested", "execution.scheduled", "execution.running"]);
    let attempt = stage.store.attempts(id).await.expect("attempts").remove(0);
    assert_eq!(attempt.state, AttemptState::Running);
    assert!(attempt.started_at.is_some() && attempt.lease_ends_at > attempt.started_at);
}

pub(crate) async fn a_claim_holds_the_executions_of_the_actions_that_are_named(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let (one, other) = (stage.submit(request()).await, stage.submit(request()).await);
    let action = stage.execution(one).await.action.to_string();
    for (id, named, held) in [(one, action, true), (other, "some.other".to_owned(), false)] {
        stage.assign(id, hand).await.expect("assigned");
        let hold = Hold::Actions(Arc::new(BTreeSet::from([named])));
        let request = ClaimRequest { hold, ..claim_request(id, 1, false) };
        let answers = stage.store.claim(hand.incarnation, vec![request]).await.expect("answered");
        let Some(ClaimAnswer::Granted(work)) = answers.first() else { panic!("granted: {answers:?}") };
        assert_eq!(work.held, held);
        let expected = if held { AttemptState::Claimed } else { AttemptState::Running };
        assert_eq!(state(stage, id, 1).await, expected);
        assert_eq!(stage.execution(id).await.started_at.is_none(), held);
    }
}

pub(crate) async fn of_many_concurrent_claims_one_is_granted(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.submit(request()).await;
    stage.assign(id, hand).await.expect("assigned");
    let racing: Vec<_> = (0..20)
        .map(|_| {
            let store = stage.store.clone();
            // The same claim twice in one batch races with itself, too.
            let requests = vec![claim_request(id, 1, false), claim_request(id, 1, false)];
            tokio::spawn(async move { store.claim(hand.incarnation, requests).await.expect("answered") })
        })
        .collect();
    let mut granted = 0;
    for task in racing {
        let answers = task.await.expect("joined");
        granted += answers.iter().filter(|answer| matches!(answer, ClaimAnswer::Granted(_))).count();
    }
    assert_eq!(granted, 1);
}

pub(crate) async fn a_batch_answers_in_order_and_one_bad_claim_spoils_none(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let (one, two) = (stage.submit(request()).await, stage.submit(request()).await);
    stage.assign(one, hand).await.expect("assigned");
    stage.assign(two, hand).await.expect("assigned");
    let requests = vec![
        claim_request(two, 1, false),
        claim_request(ExecutionId(987_654), 1, false),
        claim_request(one, 1, true),
        claim_request(one, 7, false),
    ];
    let answers = stage.store.claim(hand.incarnation, requests).await.expect("answered");
    let granted: Vec<Option<ExecutionId>> = answers
        .iter()
        .map(|answer| match answer {
            ClaimAnswer::Granted(work) => Some(work.execution),
            ClaimAnswer::Refused => None,
        })
        .collect();
    assert_eq!(granted, [Some(two), None, Some(one), None]);
    assert_eq!(
        (stage.status(one).await, stage.status(two).await),
        (ExecutionStatus::Scheduled, ExecutionStatus::Running)
    );
}

pub(crate) async fn a_held_claim_starts_only_with_its_token(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.submit(request()).await;
    stage.assign(id, hand).await.expect("assigned");
    let work = stage.claim(id, 1, hand, true).await.expect("granted");
    assert_eq!(state(stage, id, 1).await, AttemptState::Claimed);
    assert_eq!(stage.status(id).await, ExecutionStatus::Scheduled);
    let start = |token: Option<LeaseToken>, incarnation| {
        let store = stage.store.clone();
        async move { store.start(incarnation, vec![back(id, 1, token)]).await.expect("answered")[0] }
    };
    assert_eq!(start(Some(wrong_token()), hand.incarnation).await, Answered::Refused);
    assert_eq!(start(None, hand.incarnation).await, Answered::Refused);
    assert_eq!(start(Some(work.token), Incarnation([9; 16])).await, Answered::Refused);
    assert_eq!(start(Some(work.token), hand.incarnation).await, Answered::Accepted);
    assert_eq!(stage.status(id).await, ExecutionStatus::Running);
    // The answer got lost, and is given once more.
    assert_eq!(start(Some(work.token), hand.incarnation).await, Answered::Accepted);
    let _applied = stage.complete(success(&work)).await;
    assert_eq!(start(Some(work.token), hand.incarnation).await, Answered::Refused);
}

pub(crate) async fn a_claim_whose_answer_got_lost_is_answered_again_and_only_to_its_token(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    for held in [false, true] {
        stage.beat(hand, Vec::new()).await;
        let id = stage.submit(request()).await;
        stage.assign(id, hand).await.expect("assigned");
        let first = claim_request(id, 1, held);
        let ask = |request: ClaimRequest, incarnation| {
            let store = stage.store.clone();
            async move { store.claim(incarnation, vec![request]).await.expect("answered").remove(0) }
        };
        // Asked again without ever having been asked: the same as asking for the first time.
        let again = ClaimRequest { again: true, ..first.clone() };
        let ClaimAnswer::Granted(granted) = ask(again.clone(), hand.incarnation).await else { panic!("granted") };
        assert!(stage.live(40).await.iter().all(|report| report.lost.is_empty()));
        let ClaimAnswer::Granted(repeated) = ask(again.clone(), hand.incarnation).await else { panic!("granted") };
        assert_eq!(granted, repeated);
        assert_eq!((granted.token, granted.held), (first.token, held));
        // A message that is delivered twice is another claim, with another token; so is another life.
        assert_eq!(ask(first.clone(), hand.incarnation).await, ClaimAnswer::Refused);
        let other = ClaimRequest { again: true, ..claim_request(id, 1, held) };
        assert_eq!(ask(other, hand.incarnation).await, ClaimAnswer::Refused);
        assert_eq!(ask(again.clone(), Incarnation([9; 16])).await, ClaimAnswer::Refused);
        // Its lease counts from the last answer.
        assert!(stage.live(40).await.iter().all(|report| report.lost.is_empty()));
        if held {
            continue;
        }
        assert_eq!(stage.complete(success(&granted)).await, Answered::Accepted);
        assert_eq!(ask(again, hand.incarnation).await, ClaimAnswer::Refused, "it has ended");
        let kinds = stage.kinds(id).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "execution.running").count(), 1, "{kinds:?}");
    }
}

pub(crate) async fn what_was_cancelled_before_its_claim_was_heard_ends_without_having_run(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.submit(request()).await;
    stage.assign(id, hand).await.expect("assigned");
    let first = claim_request(id, 1, false);
    let _lost = stage.store.claim(hand.incarnation, vec![first.clone()]).await.expect("answered");
    assert_eq!(stage.store.cancel(id, "ann").await.expect("answered"), CancelAnswer::Canceling);
    let again = vec![ClaimRequest { again: true, ..first }];
    assert_eq!(stage.store.claim(hand.incarnation, again).await.expect("answered"), [ClaimAnswer::Refused]);
    assert_eq!(stage.execution(id).await.outcome, Some(Outcome::Cancelled { by: "ann".into() }));
    assert_eq!(state(stage, id, 1).await, AttemptState::Cancelled);
    assert_eq!(stage.completed_messages().await, [(id, ExecutionStatus::Cancelled)]);
}

pub(crate) async fn a_start_that_was_not_made_use_of_is_given_back_on_its_workers_word(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let work = stage.run(request(), hand).await;
    let id = work.execution;
    let vouched = |token, attempt| HandBack { never_started: true, ..back(id, attempt, token) };
    let give = |wish: HandBack, incarnation| {
        let store = stage.store.clone();
        async move { store.hand_back(incarnation, vec![wish]).await.expect("answered")[0] }
    };
    assert_eq!(give(vouched(None, 1), hand.incarnation).await, Answered::Refused);
    assert_eq!(give(vouched(Some(wrong_token()), 1), hand.incarnation).await, Answered::Refused);
    assert_eq!(give(vouched(Some(work.token), 1), Incarnation([9; 16])).await, Answered::Refused);
    assert_eq!(give(vouched(Some(work.token), 1), hand.incarnation).await, Answered::Accepted);
    let attempt = stage.store.attempts(id).await.expect("attempts").remove(0);
    assert_eq!((attempt.state, attempt.started_at), (AttemptState::HandedBack, None));
    assert_eq!(stage.status(id).await, ExecutionStatus::Retrying);
    assert_eq!(stage.number("SELECT tries FROM execution").await, 0, "no try counts");
    assert_eq!(stage.number("SELECT unstarted FROM execution").await, 1);
    // At once, and its late word changes nothing.
    assert_eq!(stage.complete(success(&work)).await, Answered::Refused);
    let next = stage.run_again(id, hand).await;
    assert_eq!(next.attempt, AttemptNumber(2));
    stage.store.cancel(id, "ann").await.expect("answered");
    assert_eq!(give(vouched(Some(next.token), 2), hand.incarnation).await, Answered::Accepted);
    assert_eq!(stage.execution(id).await.outcome, Some(Outcome::Cancelled { by: "ann".into() }));
    assert_eq!(stage.completed_messages().await, [(id, ExecutionStatus::Cancelled)]);

    let endless = stage.submit(request()).await;
    for attempt in 1..=stage.policy.most_unstarted {
        let work = stage.run_again(endless, hand).await;
        let wish = HandBack { never_started: true, ..back(endless, attempt, Some(work.token)) };
        assert_eq!(give(wish, hand.incarnation).await, Answered::Accepted);
    }
    assert!(matches!(stage.execution(endless).await.outcome, Some(Outcome::Undeliverable { .. })));
}

pub(crate) async fn what_is_handed_back_waits_again_and_is_not_counted(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.submit(request()).await;
    let give = |token: Option<LeaseToken>, attempt: i32| {
        let store = stage.store.clone();
        async move { store.hand_back(hand.incarnation, vec![back(id, attempt, token)]).await.expect("answered")[0] }
    };
    stage.assign(id, hand).await.expect("assigned");
    assert_eq!(give(None, 1).await, Answered::Accepted);
    assert_eq!(give(None, 1).await, Answered::Refused);
    assert_eq!(stage.status(id).await, ExecutionStatus::Requested);
    stage.assign(id, hand).await.expect("assigned again");
    let work = stage.claim(id, 2, hand, true).await.expect("granted");
    assert_eq!(give(None, 2).await, Answered::Refused, "a claimed attempt needs its token");
    assert_eq!(give(Some(wrong_token()), 2).await, Answered::Refused);
    assert_eq!(give(Some(work.token), 2).await, Answered::Accepted);
    let work = stage.run_again(id, hand).await;
    assert_eq!(give(Some(work.token), 3).await, Answered::Refused, "what runs is not given back");
    let states: Vec<_> = stage.store.attempts(id).await.expect("attempts").iter().map(|one| one.state).collect();
    assert_eq!(states, [AttemptState::HandedBack, AttemptState::HandedBack, AttemptState::Running]);
    assert!(stage.completed_messages().await.is_empty());
}

pub(crate) async fn what_nobody_can_start_fails_as_undeliverable(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let id = stage.submit(request()).await;
    for attempt in 1..=stage.policy.most_unstarted {
        stage.assign(id, hand).await.expect("assigned");
        let answers = stage.store.hand_back(hand.incarnation, vec![back(id, attempt, None)]).await.expect("answered");
        assert_eq!(answers, [Answered::Accepted]);
    }
    let execution = stage.execution(id).await;
    assert_eq!(execution.status, ExecutionStatus::Failed);
    let Some(Outcome::Undeliverable { nearest_misses }) = execution.outcome else { panic!("{execution:?}") };
    assert_eq!((nearest_misses[0].worker.as_str(), nearest_misses[0].lacks[0].as_str()), ("w", "no interpreter"));
    assert_eq!(stage.completed_messages().await, [(id, ExecutionStatus::Failed)]);
}

pub(crate) async fn a_hand_back_with_an_outcome_fails_or_is_retried(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let broken = Outcome::EnvironmentFailed { step: "pip install".into(), log: "no such package".into() };
    let with_outcome = |id, token| HandBack { outcome: Some(broken.clone()), ..back(id, 1, token) };

    let plain = stage.submit(request()).await;
    stage.assign(plain, hand).await.expect("assigned");
    let work = stage.claim(plain, 1, hand, true).await.expect("granted");
    let given = vec![with_outcome(plain, Some(work.token))];
    assert_eq!(stage.store.hand_back(hand.incarnation, given).await.expect("answered"), [Answered::Accepted]);
    assert_eq!(stage.execution(plain).await.outcome, Some(broken.clone()));
    assert_eq!(stage.status(plain).await, ExecutionStatus::Failed);
    assert_eq!(state(stage, plain, 1).await, AttemptState::Failed);

    let again = stage.submit(retried(&[RetryCause::Failed], false)).await;
    stage.assign(again, hand).await.expect("assigned");
    let given = vec![with_outcome(again, None)];
    assert_eq!(stage.store.hand_back(hand.incarnation, given).await.expect("answered"), [Answered::Accepted]);
    assert_eq!(stage.status(again).await, ExecutionStatus::Retrying);
    assert_eq!(state(stage, again, 1).await, AttemptState::Rejected);
    assert_eq!(stage.completed_messages().await, [(plain, ExecutionStatus::Failed)]);
}
