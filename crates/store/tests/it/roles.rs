//! What each role of the database may do, tried on a real server: a worker's whole life through its narrow role, and
//! everything that a stolen login of it would try next.

use std::sync::Arc;

use attune_secret::{Binding, Envelope, Keyring};
use attune_store::{
    Answered, ApiToken, Assignment, AuditNote, AuditVerdict, Beat, ClaimAnswer, Claimed, Completion, Enrolment,
    ExecutionToken, HandBack, NewToken, OpenOptions, PostgresStore, SealedAssignment, Store, TokenKind, TokenStanding,
};
use attune_types::{Artifact, AttemptNumber, ExecutionId, ExecutionStatus, LogChunk, LogStream, Outcome, Timestamp};
use sqlx::AssertSqlSafe;

use crate::stage::{Hand, Stage, claim_request, completion, registration, request, retried, success, wrong_token};

const WORKER: &str = "attune_worker";

/// Which error a statement ends with, in one word; how many rows it touched when it ends well.
async fn tried(store: &PostgresStore, statement: &str) -> Result<u64, String> {
    match sqlx::query(AssertSqlSafe(statement.to_owned())).execute(store.pool()).await {
        Ok(done) => Ok(done.rows_affected()),
        Err(error) => Err(error.as_database_error().map_or_else(|| error.to_string(), |one| one.message().to_owned())),
    }
}

struct Crew {
    store: Arc<PostgresStore>,
    hand: Hand,
}

impl Crew {
    async fn join(stage: &Stage, name: &str, life: u8) -> Self {
        let store = Arc::new(stage.as_role(WORKER, OpenOptions::default()).await);
        let announced = registration(name, life);
        let id = store.register_worker(&announced).await.expect("registered").id;
        Self { store, hand: Hand { id, incarnation: announced.incarnation } }
    }

    async fn claim(&self, id: ExecutionId, attempt: i32) -> Option<Claimed> {
        match self
            .store
            .claim(self.hand.incarnation, vec![claim_request(id, attempt, false)])
            .await
            .expect("heard")
            .pop()
        {
            Some(ClaimAnswer::Granted(work)) => Some(*work),
            _ => None,
        }
    }
}

async fn given(stage: &Stage, hand: Hand, request: attune_store::NewExecution) -> ExecutionId {
    let id = stage.submit(request).await;
    let wish = Assignment { execution: id, worker: hand.id, incarnation: hand.incarnation, most_live: 1000 };
    assert_eq!(stage.store.assign(vec![wish], &stage.policy).await.expect("assigned").len(), 1);
    id
}

fn piece(work: &Claimed, execution: ExecutionId) -> LogChunk {
    LogChunk {
        execution,
        attempt: work.attempt,
        sequence: 0,
        stream: LogStream::Stdout,
        offset: 0,
        at: Timestamp(1),
        bytes: b"hello".to_vec(),
    }
}

fn file(work: &Claimed, worker: &str) -> Artifact {
    Artifact {
        execution: work.execution,
        attempt: work.attempt,
        path: "report.txt".to_owned(),
        size_bytes: 5,
        sha256: "00".repeat(32),
        worker: worker.to_owned(),
        location: "somewhere".to_owned(),
        stored_at: Timestamp(0),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_lives_its_whole_life_in_its_narrow_role() {
    let stage = Stage::postgres().await;
    let crew = Crew::join(&stage, "w1", 1).await;
    let store = &crew.store;
    let first = given(&stage, crew.hand, request()).await;
    let (worker, incarnation) = (crew.hand.id, crew.hand.incarnation);
    let beat = Beat { worker, incarnation, holding: Vec::new(), lease_ms: 45_000, refuses_work: false };
    assert_eq!(store.beat(&beat).await.expect("beaten").assigned.len(), 1);
    let work = crew.claim(first, 1).await.expect("claimed");
    let holding = vec![(first, AttemptNumber(1))];
    assert!(store.beat(&Beat { holding, ..beat.clone() }).await.expect("beaten").superseded.is_empty());
    store.append_logs(vec![piece(&work, first)]).await.expect("stored");
    store.put_artifacts(vec![file(&work, "w1")]).await.expect("noted");
    let token = ApiToken::generate().expect("random");
    let issue = ExecutionToken {
        execution: first,
        attempt: work.attempt,
        lease: work.token,
        hash: token.hash(),
        lives_ms: 360_000,
        scopes: vec!["executions:read".to_owned()],
    };
    assert!(store.admission().issue_execution_token(&issue).await.expect("issued"));
    let found = stage.store.admission().find_token(token.hash()).await.expect("read").expect("there");
    assert_eq!(found.standing, TokenStanding::Valid);
    assert_eq!(store.complete(vec![success(&work)]).await.expect("heard"), [Answered::Accepted]);
    assert_eq!(stage.status(first).await, ExecutionStatus::Completed);
    let ended = stage.store.admission().find_token(token.hash()).await.expect("read").expect("there");
    assert_eq!(ended.standing, TokenStanding::Ended, "it dies with its attempt");
    assert_eq!(stage.store.logs(first, 0, 10).await.expect("read").len(), 1);
    assert_eq!(stage.completed_messages().await, [(first, ExecutionStatus::Completed)]);

    // Ends that need a decision, and what is given back.
    let again = given(&stage, crew.hand, retried(&[attune_types::RetryCause::Failed], true)).await;
    let work = crew.claim(again, 1).await.expect("claimed");
    let failed = completion(&work, Outcome::Exited { code: 3 });
    assert_eq!(store.complete(vec![failed]).await.expect("heard"), [Answered::Accepted]);
    assert_eq!(stage.status(again).await, ExecutionStatus::Retrying);
    let back = given(&stage, crew.hand, request()).await;
    let hand_back = HandBack { execution: back, attempt: AttemptNumber(1), ..hand_back_of_nothing() };
    assert_eq!(store.hand_back(incarnation, vec![hand_back]).await.expect("heard"), [Answered::Accepted]);
    assert_eq!(stage.status(back).await, ExecutionStatus::Requested);

    // A second life of the same name, with evidence.
    let running = given(&stage, crew.hand, request()).await;
    let lost = crew.claim(running, 1).await.expect("claimed");
    let next = Arc::new(stage.as_role(WORKER, OpenOptions::default()).await);
    let announced = attune_store::Registration { previous_is_dead: true, ..registration("w1", 2) };
    let registered = next.register_worker(&announced).await.expect("registered");
    assert_eq!(registered.settled.len(), 1);
    assert_eq!(stage.status(running).await, ExecutionStatus::Abandoned);
    // The first life has no rights any more, whatever it still knows.
    assert_eq!(store.complete(vec![success(&lost)]).await.expect("heard"), [Answered::Refused]);
    assert!(store.beat(&beat).await.expect("beaten").replaced);
    next.deregister_worker(registered.id, announced.incarnation).await.expect("left");
    stage.close().await;
}

fn hand_back_of_nothing() -> HandBack {
    HandBack {
        execution: ExecutionId(0),
        attempt: AttemptNumber(1),
        token: None,
        reason: "the interpreter is gone".to_owned(),
        never_started: false,
        outcome: None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_login_of_a_worker_reads_no_secret_and_writes_nothing_of_others() {
    let stage = Stage::postgres().await;
    let (victim, thief) = (Crew::join(&stage, "victim", 1).await, Crew::join(&stage, "thief", 2).await);
    let id = given(&stage, victim.hand, request()).await;
    let work = victim.claim(id, 1).await.expect("claimed");
    let waiting = given(&stage, victim.hand, request()).await;

    // What it may not even ask for.
    for (statement, table) in [
        ("SELECT * FROM secret", "secret"),
        ("UPDATE secret SET ciphertext = ''", "secret"),
        ("SELECT token_hash FROM api_token", "api_token"),
        ("DELETE FROM api_token", "api_token"),
        ("SELECT * FROM worker_enrolment", "worker_enrolment"),
        ("SELECT * FROM audit", "audit"),
        ("DELETE FROM audit", "audit"),
        ("INSERT INTO audit VALUES (1, 1, '', '', '', '', '', '')", "audit"),
        ("SELECT * FROM execution_event", "execution_event"),
        ("INSERT INTO execution_event (execution_id, kind, detail, at) VALUES (1, 'x', '{}', 0)", "execution_event"),
        ("SELECT * FROM outbox", "outbox"),
        ("DELETE FROM outbox", "outbox"),
        ("SELECT * FROM log_chunk", "log_chunk"),
        (
            "INSERT INTO execution (action, requirement_key, available_at, requested_at) VALUES ('a.b', '', 0, 0)",
            "execution",
        ),
        ("DELETE FROM execution", "execution"),
        ("UPDATE execution SET action = 'a.b'", "execution"),
        ("UPDATE execution SET attempts = 9", "execution"),
        (
            "INSERT INTO execution_attempt (execution_id, attempt, worker_id, incarnation, assigned_at, dispatch_deadline) VALUES (1, 9, 1, '', 0, 0)",
            "execution_attempt",
        ),
        ("UPDATE execution_attempt SET worker_id = 2", "execution_attempt"),
        ("UPDATE execution_request SET spec = ''", "execution_request"),
        ("DELETE FROM worker", "worker"),
        ("UPDATE setting SET clock_offset_us = 0", "setting"),
        ("UPDATE pack SET document = ''", "pack"),
        ("TRUNCATE audit", "audit"),
    ] {
        let refusal = tried(&thief.store, statement).await.expect_err(statement);
        assert_eq!(refusal, format!("permission denied for table {table}"), "{statement}");
    }
    let refusal = tried(&thief.store, "SELECT attune_audit('a', 'b', 'c', 'd')").await.expect_err("refused");
    assert_eq!(refusal, "permission denied for function attune_audit");

    // What it may ask for, of its own: of others it finds nothing.
    for statement in [
        "SELECT * FROM execution",
        "SELECT * FROM execution_request",
        "SELECT * FROM execution_attempt",
        "SELECT * FROM artifact",
        "SELECT * FROM environment",
        "SELECT id FROM api_token",
        "UPDATE execution SET status = 'failed'",
        "UPDATE execution_attempt SET lease_ends_at = 0",
        "UPDATE execution_attempt SET state = 'failed', token_hash = ''",
        "DELETE FROM artifact",
        "DELETE FROM environment",
    ] {
        assert_eq!(tried(&thief.store, statement).await, Ok(0), "{statement}");
    }
    // What it may write, in the name of others: refused by what is written.
    let victims = victim.hand.id.0;
    for statement in [
        format!("INSERT INTO log_chunk VALUES ({id}, 1, 99, 1, 0, 0, 'forged')"),
        format!("INSERT INTO artifact (execution_id, attempt, path, sha256, size_bytes, stored_at, worker, location) VALUES ({id}, 1, 'x', '', 0, 0, 'thief', '')"),
        format!("INSERT INTO outbox (payload, occurred_at, held_until) VALUES ('{{\"type\":\"execution.completed\",\"payload\":{{\"execution\":{id}}}}}', 0, 0)"),
        "INSERT INTO outbox (payload, occurred_at, held_until) VALUES ('{\"type\":\"execution.scheduled\",\"payload\":{\"execution\":1}}', 0, 0)".to_owned(),
        format!("INSERT INTO runtime_version VALUES ({victims}, 'python', '9')"),
        format!("INSERT INTO environment (worker_id, pack_ref, runtime, fingerprint, state, changed_at) VALUES ({victims}, 'a', 'b', 'c', 'ready', 0)"),
        format!("UPDATE worker SET last_beat_at = 0 WHERE id = {victims}"),
        format!("UPDATE worker SET drain = TRUE WHERE id = {victims}"),
        "INSERT INTO runtime (ref, name, document) VALUES ('x.python', 'python', '{}')".to_owned(),
        format!("INSERT INTO api_token (name, kind, owner, scopes, token_hash, created_at, expires_at, execution_id, attempt) VALUES ('x', 'execution', 'execution/{id}', '[\"executions:read\"]', 'h', 0, 1, {id}, 1)"),
        "INSERT INTO api_token (name, kind, owner, scopes, token_hash, created_at) VALUES ('x', 'person', 'me', '[\"admin\"]', 'h', 0)".to_owned(),
    ] {
        let refusal = tried(&thief.store, &statement).await.expect_err(&statement);
        assert!(refusal.starts_with("new row violates row-level security policy"), "{statement}: {refusal}");
    }

    // Through the store's own words, with everything that it could have heard: incarnation, numbers, even the token.
    let stolen =
        thief.store.claim(victim.hand.incarnation, vec![claim_request(waiting, 1, false)]).await.expect("heard");
    assert!(matches!(stolen[0], ClaimAnswer::Refused));
    assert_eq!(thief.store.complete(vec![success(&work)]).await.expect("heard"), [Answered::Refused]);
    let (worker, incarnation) = (victim.hand.id, victim.hand.incarnation);
    let beat = Beat { worker, incarnation, holding: vec![], lease_ms: 1, refuses_work: true };
    assert!(thief.store.beat(&beat).await.is_err());
    // Of attempts of others it knows nothing, and what nobody knows is left out.
    let pieces = "SELECT count(*) FROM log_chunk";
    let before = stage.number(pieces).await;
    thief.store.append_logs(vec![piece(&work, id)]).await.expect("nothing to do");
    assert_eq!(stage.number(pieces).await, before);
    let mut wrong = success(&work);
    wrong.token = wrong_token();
    assert_eq!(victim.store.complete(vec![wrong]).await.expect("heard"), [Answered::Refused]);

    // Nothing has happened to the victim.
    assert_eq!(victim.store.complete(vec![success(&work)]).await.expect("heard"), [Answered::Accepted]);
    assert!(victim.claim(waiting, 1).await.is_some());
    stage.close().await;
}

/// The key for secret outputs is laid down by the scheduler's role and used by the worker's, and neither writes the table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secret_outputs_go_through_the_narrow_roles_and_nobody_elses_do() {
    let stage = Stage::postgres().await;
    let scheduler = stage.as_role("attune_scheduler", OpenOptions::default()).await;
    let (crew, thief) = (Crew::join(&stage, "w1", 1).await, Crew::join(&stage, "w2", 1).await);
    let keys = Keyring::ephemeral().expect("random bytes");
    let id = stage.submit(request()).await;
    let binding = Binding::Outputs { execution: id, attempt: AttemptNumber(1), action: "core.echo".to_owned() };
    let (waiting, key) = Envelope::awaiting(&keys, &binding).expect("random bytes");
    let assignment =
        Assignment { execution: id, worker: crew.hand.id, incarnation: crew.hand.incarnation, most_live: 9 };
    let wish =
        SealedAssignment { assignment, attempt: AttemptNumber(1), sealed: b"key".to_vec(), outputs: Some(waiting) };
    assert_eq!(scheduler.secrets().assign_sealed(vec![wish], &stage.policy).await.expect("assigned").len(), 1);
    let work = crew.claim(id, 1).await.expect("claimed");

    for who in [&thief.store, &crew.store] {
        for statement in [
            format!("SELECT attune_await_outputs({id}, 1, 1, 'x', 0)"),
            "SELECT ciphertext FROM secret".to_owned(),
            "UPDATE secret SET ciphertext = 'x'".to_owned(),
        ] {
            let refusal = tried(who, &statement).await.expect_err(&statement);
            assert!(refusal.starts_with("permission denied for"), "{statement}: {refusal}");
        }
    }
    // Without the hash of a token that only its own worker sees, nothing is kept.
    let forged = format!("SELECT attune_keep_outputs({id}, 1, sha256('guess'), 'forged', 0)");
    tried(&thief.store, &forged).await.expect("it is about nothing");
    assert_eq!(stage.store.secrets().outputs(id).await.expect("read"), None);

    let outputs = Some(key.seal(&binding, b"{}").expect("sealed"));
    let done = Completion { outputs, ..success(&work) };
    assert_eq!(thief.store.complete(vec![done.clone()]).await.expect("heard"), [Answered::Refused]);
    assert_eq!(crew.store.complete(vec![done]).await.expect("heard"), [Answered::Accepted]);
    let api = stage.as_role("attune_api", OpenOptions::default()).await;
    let kept = api.secrets().outputs(id).await.expect("read").expect("kept");
    assert_eq!(kept.envelope.open(&keys, &kept.binding).expect("opens").as_slice(), b"{}");
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_completers_in_the_narrow_role_one_wins() {
    let stage = Stage::postgres().await;
    let crew = Crew::join(&stage, "w1", 1).await;
    let id = given(&stage, crew.hand, request()).await;
    let work = crew.claim(id, 1).await.expect("claimed");
    let racers = (0..50).map(|_| {
        let (store, completion) = (Arc::clone(&crew.store), success(&work));
        tokio::spawn(async move { store.complete(vec![completion]).await.expect("heard")[0] })
    });
    let mut accepted = 0;
    for racer in racers.collect::<Vec<_>>() {
        accepted += usize::from(racer.await.expect("ran") == Answered::Accepted);
    }
    assert_eq!(accepted, 1);
    assert_eq!(stage.completed_messages().await.len(), 1);
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enrolled_name_is_taken_with_its_key_alone() {
    let stage = Stage::postgres().await;
    let admission = stage.store.admission();
    let boot = ApiToken::generate().expect("random");
    let new = NewToken {
        name: "boot".to_owned(),
        kind: TokenKind::Bootstrap { worker: "w1".to_owned() },
        owner: "ops".to_owned(),
        scopes: vec!["workers:enroll".to_owned()],
        hash: boot.hash(),
        lives_ms: Some(600_000),
    };
    let token = admission.put_token(&new).await.expect("kept").id;
    let key = ApiToken::generate().expect("random");
    assert_eq!(admission.enrol_worker(token, key.hash()).await.expect("answered"), Enrolment::Enrolled);
    assert!(matches!(admission.enrol_worker(token, [1; 32]).await, Ok(Enrolment::AlreadyUsed(_))));

    let thief = stage.as_role(WORKER, OpenOptions::default()).await;
    let refused = thief.register_worker(&registration("w1", 1)).await.expect_err("refused");
    let source = std::error::Error::source(&refused).map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("the name w1 is enrolled"), "{source}");
    thief.register_worker(&registration("w2", 1)).await.expect("a name that nobody enrolled");
    let options = OpenOptions { enrolment_key: Some(key), ..OpenOptions::default() };
    stage.as_role(WORKER, options).await.register_worker(&registration("w1", 1)).await.expect("its own");

    stage.sql("UPDATE setting SET enrolled_workers_only = TRUE").await.expect("set");
    assert!(thief.register_worker(&registration("w3", 1)).await.is_err());
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_api_takes_in_and_shows_and_bends_no_history() {
    let stage = Stage::postgres().await;
    let api = stage.as_role("attune_api", OpenOptions::default()).await;
    let id = api.submit(vec![request()]).await.expect("submitted")[0].id;
    assert!(api.execution(id).await.expect("read").is_some());
    api.cancel(id, "ada").await.expect("cancelled");
    let admission = api.admission();
    admission.audit(vec![AuditNote::new("ada", "token.create", "token/1", "")]).await.expect("noted");
    admission.audit(vec![AuditNote::new("ada", "token.revoke", "token/1", "")]).await.expect("noted");
    for statement in [
        "DELETE FROM audit",
        "UPDATE audit SET actor = 'eve'",
        "INSERT INTO audit VALUES (9, 1, '', '', '', '', '', '')",
        "TRUNCATE audit",
        "DELETE FROM execution_event",
        "DELETE FROM execution",
    ] {
        let refusal = tried(&api, statement).await.expect_err(statement);
        assert!(refusal.starts_with("permission denied for table"), "{statement}: {refusal}");
    }
    // Not even the owner, short of taking the trigger away; and that is seen.
    assert!(stage.sql("DELETE FROM audit").await.is_err());
    assert!(matches!(admission.verify_audit().await, Ok(AuditVerdict::Whole { entries: 2, .. })));
    stage.sql("ALTER TABLE audit DISABLE TRIGGER audit_fixed").await.expect("the owner may");
    stage.sql("UPDATE audit SET actor = 'eve' WHERE id = 1").await.expect("altered");
    assert!(matches!(admission.verify_audit().await, Ok(AuditVerdict::Broken { id: 1, .. })));
    stage.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_scheduler_moves_executions_and_owns_nothing_else() {
    let stage = Stage::postgres().await;
    let scheduler = stage.as_role("attune_scheduler", OpenOptions::default()).await;
    let hand = stage.worker("w1", 1).await;
    let id = stage.submit(request()).await;
    assert_eq!(scheduler.placement_view(10, &[]).await.expect("seen").waiting.len(), 1);
    let wish = Assignment { execution: id, worker: hand.id, incarnation: hand.incarnation, most_live: 9 };
    assert_eq!(scheduler.assign(vec![wish], &stage.policy).await.expect("assigned").len(), 1);
    scheduler.reap(&stage.policy).await.expect("reaped");
    let taken = scheduler.take_outbox(10, 1000).await.expect("taken");
    scheduler.delete_outbox(&taken.iter().map(|one| one.id).collect::<Vec<_>>()).await.expect("deleted");
    scheduler.retain(&attune_store::RetentionPolicy::default(), ExecutionId(0)).await.expect("retained");
    for statement in [
        "INSERT INTO api_token (name, token_hash, created_at) VALUES ('x', 'h', 0)",
        "UPDATE secret SET ciphertext = ''",
        "DELETE FROM audit",
        "UPDATE pack SET document = ''",
    ] {
        let refusal = tried(&scheduler, statement).await.expect_err(statement);
        assert!(refusal.starts_with("permission denied for table"), "{statement}: {refusal}");
    }
    stage.close().await;
}
