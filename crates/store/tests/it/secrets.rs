//! Ciphertexts: secrets, secret parameters, and what is sealed to the worker of an attempt.

use attune_secret::{Binding, Envelope, Keyring, Owner, SecretId};
use attune_store::{
    Answered, Assignment, Completion, ParameterMove, ParameterSeal, RetentionPolicy, RetryAnswer, SealedAssignment,
    SealedExecution, SealedParameters, StoreError, StoredEnvelope,
};
use attune_types::{ActionRef, AttemptNumber, ExecutionId, ExecutionStatus, LeaseToken, Outcome};
use serde_json::json;

use crate::stage::{Hand, Stage, completion, object, request, success};

const VALUE: &[u8] = b"correct-horse-battery";

fn keys(texts: &[&str]) -> Keyring {
    Keyring::parse(texts, None).expect("keys")
}

const OLD: &str = "1 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NEW: &str = "2 bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn system(name: &str) -> SecretId {
    SecretId { owner: Owner::System, name: name.to_owned() }
}

fn sealed(keys: &Keyring, id: &SecretId, version: i64) -> Envelope {
    Envelope::seal(keys, &Binding::Secret(id.clone(), version), VALUE).expect("sealed")
}

async fn put(stage: &Stage, id: &SecretId, version: i64) -> bool {
    stage.store.secrets().put_secret(id, version, &sealed(&keys(&[OLD]), id, version)).await.expect("stored")
}

fn with_parameters(keys: &Keyring) -> SealedExecution {
    let mut request = request();
    request.spec.secret_parameters = vec!["token".to_owned()];
    request.parameters = object(json!({"message": "hello", "token": "***"}));
    let names = vec!["token".to_owned()];
    let keys = keys.clone();
    let seal = ParameterSeal::new(move |execution| {
        let binding = Binding::Parameters { execution, action: "core.echo".to_owned(), names: names.clone() };
        let envelope = Envelope::seal(&keys, &binding, br#"{"token":"correct-horse-battery"}"#)?;
        Ok(SealedParameters { names: names.clone(), envelope })
    });
    SealedExecution { request, parameters: Some(seal) }
}

fn moving(keys: &Keyring) -> ParameterMove {
    let keys = keys.clone();
    ParameterMove::new(move |stored, to| {
        let mut binding = stored.binding.clone();
        if let Binding::Parameters { execution, .. } = &mut binding {
            *execution = to;
        }
        Envelope::seal(&keys, &binding, &stored.envelope.open(&keys, &stored.binding)?)
    })
}

async fn repeat(stage: &Stage, id: ExecutionId, keys: &Keyring) -> ExecutionId {
    let answer = stage.store.secrets().retry_sealed(id, false, "ann", &moving(keys)).await.expect("repeated");
    let RetryAnswer::Submitted(repeated) = answer else { panic!("it was not repeated: {answer:?}") };
    repeated
}

fn assignment(execution: ExecutionId, hand: Hand, attempt: i32, sealed: &[u8]) -> SealedAssignment {
    let assignment = Assignment { execution, worker: hand.id, incarnation: hand.incarnation, most_live: 100 };
    SealedAssignment { assignment, attempt: AttemptNumber(attempt), sealed: sealed.to_vec(), outputs: None }
}

pub(crate) async fn a_secret_is_stored_replaced_in_order_and_forgotten(stage: &Stage) {
    let (id, secrets) = (system("db.password"), stage.store.secrets());
    assert!(!put(stage, &id, 2).await, "there is no first version yet");
    assert!(put(stage, &id, 1).await);
    assert!(!put(stage, &id, 1).await, "somebody else was first");
    assert!(put(stage, &id, 2).await);
    assert!(!put(stage, &id, 2).await && !put(stage, &id, 4).await);
    let stored = secrets.secret(&id).await.expect("read").expect("there");
    assert_eq!((stored.version, stored.envelope.key_id), (2, 1));
    let opened = stored.envelope.open(&keys(&[OLD]), &Binding::Secret(id.clone(), 2)).expect("opens");
    assert_eq!(&**opened, VALUE);
    // The same name of other owners is another secret.
    let pack = SecretId { owner: Owner::Pack("core".to_owned()), name: id.name.clone() };
    let action = SecretId { owner: Owner::Action("core.echo".parse().expect("an action")), name: id.name.clone() };
    assert!(put(stage, &pack, 1).await && put(stage, &action, 1).await);
    let all: Vec<SecretId> = secrets.secrets().await.expect("read").into_iter().map(|one| one.id).collect();
    assert_eq!(all, [id.clone(), pack.clone(), action]);
    assert!(secrets.delete_secret(&pack).await.expect("deleted"));
    assert!(!secrets.delete_secret(&pack).await.expect("deleted"));
    assert_eq!(secrets.secrets().await.expect("read").len(), 2);
}

/// SEC-12, in the database: a value that was passed as a parameter is nowhere in plain.
pub(crate) async fn secret_parameters_are_ciphertexts_and_stay_so_in_a_repetition(stage: &Stage) {
    let keys = keys(&[OLD]);
    let hand = stage.worker("w", 1).await;
    let mut keyed = with_parameters(&keys);
    keyed.request.idempotency_key = Some("once".to_owned());
    let plain = SealedExecution { request: request(), parameters: None };
    let secrets = stage.store.secrets();
    let submitted = secrets.submit_sealed(vec![keyed.clone(), plain]).await.expect("submitted");
    let id = submitted[0].id;
    let again = secrets.submit_sealed(vec![keyed]).await.expect("submitted");
    assert!(again[0].repeated && again[0].id == id && submitted[1].id != id);
    assert_eq!(stage.execution(id).await.parameters["token"], "***");

    let work = stage.run_again(id, hand).await;
    assert_eq!(work.parameters["token"], "***", "not even its worker reads it in the database");
    let lost = completion(&work, Outcome::Exited { code: 1 });
    assert_eq!(stage.complete(lost).await, attune_store::Answered::Accepted);
    let refused = stage.store.retry(id, false, "ann").await.expect_err("nobody can move them without a key");
    assert!(matches!(refused, StoreError::NoKey { execution } if execution == id), "{refused}");
    let repeated = repeat(stage, id, &keys).await;
    for execution in [id, repeated] {
        let rows = secrets.envelopes(0, None, 100).await.expect("read");
        let StoredEnvelope { binding, envelope, .. } =
            rows.into_iter().nth(usize::from(execution == repeated)).expect("one for each");
        assert_eq!(&**envelope.open(&keys, &binding).expect("opens"), br#"{"token":"correct-horse-battery"}"#);
    }
    let needs = secrets.secret_needs(&[id, repeated]).await.expect("read");
    assert_eq!(needs.iter().map(|need| need.execution).collect::<Vec<_>>(), [repeated], "only what waits has needs");
    assert!(needs[0].parameters.is_some());
    assert_eq!(stage.number("SELECT count(*) FROM execution_request WHERE parameters LIKE '%battery%'").await, 0);
    assert_eq!(secrets.secrets().await.expect("read").len(), 0, "they are no secrets that anybody lists");

    stage.pass(1000).await;
    let policy = RetentionPolicy { executions_ms: Some(1), ..RetentionPolicy::default() };
    stage.store.retain(&policy, ExecutionId(0)).await.expect("retained");
    assert_eq!(secrets.envelopes(0, None, 100).await.expect("read").len(), 1, "they go with their execution");
}

/// SEC-08, in the database: the secret parameters of two executions of one action change places.
pub(crate) async fn parameters_that_were_swapped_between_executions_do_not_open(stage: &Stage) {
    let keys = keys(&[OLD]);
    let secrets = stage.store.secrets();
    let submitted =
        secrets.submit_sealed(vec![with_parameters(&keys), with_parameters(&keys)]).await.expect("submitted");
    let (one, other) = (submitted[0].id, submitted[1].id);
    let opens = async |execution: ExecutionId| {
        let needs = secrets.secret_needs(&[execution]).await.expect("read");
        let StoredEnvelope { binding, envelope, .. } = needs[0].parameters.clone().expect("there");
        assert!(matches!(binding, Binding::Parameters { execution: bound, .. } if bound == execution));
        envelope.open(&keys, &binding).map(|value| value.to_vec())
    };
    assert!(opens(one).await.is_ok() && opens(other).await.is_ok());
    for (from, to) in [(one.0, -1), (other.0, one.0), (-1, other.0)] {
        let moved = format!("UPDATE secret SET execution_id = {to}, name = '{to}' WHERE execution_id = {from}");
        assert_eq!(stage.sql(&moved).await.expect("moved"), 1);
    }
    for execution in [one, other] {
        let error = opens(execution).await.expect_err("they are another execution's");
        assert_eq!(error.to_string(), "secret parameters token cannot be decrypted (authentication failed)");
    }
}

fn output_binding(execution: ExecutionId, attempt: i32) -> Binding {
    Binding::Outputs { execution, attempt: AttemptNumber(attempt), action: "core.echo".to_owned() }
}

/// Secret outputs come back encrypted with the key that was given for them: once, from the try that counts, and nowhere
/// else.
pub(crate) async fn secret_outputs_are_kept_as_ciphertexts_of_the_try_that_counts(stage: &Stage) {
    let keys = keys(&[OLD]);
    let hand = stage.worker("w", 2).await;
    let secrets = stage.store.secrets();
    let (one, other) = (stage.submit(request()).await, stage.submit(request()).await);
    let (waiting, key) = Envelope::awaiting(&keys, &output_binding(one, 1)).expect("random bytes");
    let wish = SealedAssignment { outputs: Some(waiting.clone()), ..assignment(one, hand, 1, b"its key") };
    let wishes = vec![wish, assignment(other, hand, 1, b"none")];
    assert_eq!(secrets.assign_sealed(wishes, &stage.policy).await.expect("assigned").len(), 2);
    assert_eq!(secrets.outputs(one).await.expect("read"), None, "nothing has come yet");
    assert_eq!(secrets.secrets().await.expect("read").len(), 0, "they are no secrets that anybody lists");

    // A rotation meets the key while the value is still to come, and the value comes while a rotation looks at it.
    let rows = secrets.envelopes(0, None, 100).await.expect("read");
    let [stored] = rows.as_slice() else { panic!("one row: {rows:?}") };
    assert!(stored.envelope == waiting && stored.binding == output_binding(one, 1));
    let rewrapped = waiting.rewrap(&self::keys(&[OLD, NEW]), &stored.binding).expect("opens");
    let work = stage.claim(one, 1, hand, false).await.expect("granted");
    let ciphertext = key.seal(&output_binding(one, 1), br#"{"/token":"correct-horse-battery"}"#).expect("sealed");
    let forged = Completion { token: LeaseToken([7; 16]), outputs: Some(b"forged".to_vec()), ..success(&work) };
    assert_eq!(stage.complete(forged).await, Answered::Refused);
    assert_eq!(secrets.outputs(one).await.expect("read"), None, "without the token nothing is kept");
    let done = Completion { outputs: Some(ciphertext), result: Some(json!({"token": "***"})), ..success(&work) };
    assert_eq!(stage.complete(done.clone()).await, Answered::Accepted);
    let late = Completion { outputs: Some(b"late".to_vec()), ..done };
    assert_eq!(stage.complete(late).await, Answered::Refused, "an end counts once, and so do its outputs");
    assert!(secrets.replace_envelope(stored, &rewrapped).await.expect("replaced"), "the value came under the same key");

    let kept = secrets.outputs(one).await.expect("read").expect("kept");
    assert_eq!((kept.envelope.key_id, &kept.binding), (2, &output_binding(one, 1)));
    let opened = kept.envelope.open(&self::keys(&[NEW]), &kept.binding).expect("opens with the new key alone");
    assert_eq!(opened.as_slice(), br#"{"/token":"correct-horse-battery"}"#);
    assert_eq!(stage.execution(one).await.result, Some(json!({"token": "***"})));

    // Swapped with those of another execution of the same action, they do not open.
    let moved = format!("UPDATE secret SET execution_id = {other}, name = '{other}' WHERE execution_id = {one}");
    assert_eq!(stage.sql(&moved).await.expect("moved"), 1);
    let swapped = secrets.outputs(other).await.expect("read").expect("there");
    let error = swapped.envelope.open(&self::keys(&[NEW]), &swapped.binding).expect_err("another's");
    assert!(error.to_string().ends_with("cannot be decrypted (authentication failed)"), "{error}");
}

/// A second try is given a key of its own; what the first would have answered is nobody's any more.
pub(crate) async fn a_second_try_has_a_key_of_its_own_for_its_outputs(stage: &Stage) {
    let keys = keys(&[OLD]);
    let hand = stage.worker("w", 1).await;
    let secrets = stage.store.secrets();
    let id = stage.submit(request()).await;
    for attempt in [1, 2] {
        let (waiting, key) = Envelope::awaiting(&keys, &output_binding(id, attempt)).expect("random bytes");
        let wish = SealedAssignment { outputs: Some(waiting), ..assignment(id, hand, attempt, b"its key") };
        assert_eq!(secrets.assign_sealed(vec![wish], &stage.policy).await.expect("assigned").len(), 1);
        if attempt == 1 {
            assert_eq!(stage.store.take_back(hand.id, 1).await.expect("taken back"), [id]);
            continue;
        }
        let work = stage.claim(id, attempt, hand, false).await.expect("granted");
        let outputs = key.seal(&output_binding(id, attempt), b"{}").expect("sealed");
        let done = Completion { outputs: Some(outputs), ..success(&work) };
        assert_eq!(stage.complete(done).await, Answered::Accepted);
    }
    let kept = secrets.outputs(id).await.expect("read").expect("kept");
    assert_eq!(kept.binding, output_binding(id, 2));
    assert_eq!(kept.envelope.open(&keys, &kept.binding).expect("opens").as_slice(), b"{}");
}

/// SEC-14, in the database.
pub(crate) async fn what_is_sealed_comes_with_the_claim_and_goes_with_the_end(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let secrets = stage.store.secrets();
    let left = || stage.number("SELECT count(*) FROM execution_attempt WHERE sealed IS NOT NULL");
    let (finished, cancelled) = (stage.submit(request()).await, stage.submit(request()).await);
    let wishes = vec![assignment(finished, hand, 1, b"for one"), assignment(cancelled, hand, 1, b"for two")];
    let assigned = secrets.assign_sealed(wishes, &stage.policy).await.expect("assigned");
    assert_eq!(assigned.len(), 2);
    let message = serde_json::to_string(&assigned[0].message.envelope).expect("serialises");
    assert!(!message.contains("for one"), "nothing of it goes through the broker");
    assert_eq!(left().await, 2);
    let work = stage.claim(finished, 1, hand, false).await.expect("granted");
    assert_eq!(work.sealed.as_deref(), Some(&b"for one"[..]));
    assert_eq!(stage.complete(success(&work)).await, attune_store::Answered::Accepted);
    assert_eq!(left().await, 1);
    stage.store.cancel(cancelled, "ann").await.expect("cancelled");
    assert_eq!(left().await, 0, "however it ends");

    let plain = stage.submit(request()).await;
    assert_eq!(stage.run_again(plain, hand).await.sealed, None);
}

pub(crate) async fn what_was_sealed_for_another_attempt_is_not_assigned(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let secrets = stage.store.secrets();
    let (right, wrong) = (stage.submit(request()).await, stage.submit(request()).await);
    let both = vec![assignment(right, hand, 1, b"a"), assignment(wrong, hand, 2, b"b")];
    assert!(secrets.assign_sealed(both, &stage.policy).await.expect("answered").is_empty());
    assert_eq!(stage.status(right).await, ExecutionStatus::Requested);
    assert_eq!(stage.number("SELECT count(*) FROM execution_attempt").await, 0);
    let again = vec![assignment(right, hand, 1, b"a")];
    assert_eq!(secrets.assign_sealed(again.clone(), &stage.policy).await.expect("assigned").len(), 1);
    assert!(secrets.assign_sealed(again, &stage.policy).await.expect("answered").is_empty(), "it waits no more");
}

pub(crate) async fn an_execution_needs_what_its_action_lists_from_owners_that_serve_it(stage: &Stage) {
    let owners = ["core", "other"].map(|pack| Owner::Pack(pack.to_owned()));
    let actions = ["core.echo", "core.noop"].map(|text| Owner::Action(text.parse().expect("an action")));
    for owner in [Owner::System].into_iter().chain(owners).chain(actions) {
        for name in ["db", "mail"] {
            assert!(put(stage, &SecretId { owner: owner.clone(), name: name.to_owned() }, 1).await);
        }
    }
    let mut listing = request();
    listing.spec.secrets = vec!["db".to_owned(), "gone".to_owned()];
    let (id, plain) = (stage.submit(listing).await, stage.submit(request()).await);
    let needs = stage.store.secrets().secret_needs(&[plain, id, ExecutionId(999)]).await.expect("read");
    assert_eq!(needs.len(), 2);
    assert!(needs[0].names.is_empty() && needs[0].secrets.is_empty() && needs[0].parameters.is_none());
    let need = &needs[1];
    assert_eq!((need.execution, need.attempt, need.names.len()), (id, AttemptNumber(1), 2));
    assert_eq!(need.action, "core.echo".parse::<ActionRef>().expect("an action"));
    let mut found: Vec<String> = need.secrets.iter().map(|secret| secret.id.to_string()).collect();
    found.sort();
    assert_eq!(found, ["db", "db of action core.echo", "db of pack core"]);
}

/// SEC-10, one step of it: a value that is replaced while keys are, stays the new one.
pub(crate) async fn a_rotation_replaces_only_what_it_read(stage: &Stage) {
    let (old, both) = (keys(&[OLD]), keys(&[OLD, NEW]));
    let secrets = stage.store.secrets();
    let ids: Vec<SecretId> = (0..5).map(|number| system(&format!("secret-{number}"))).collect();
    for id in &ids {
        assert!(secrets.put_secret(id, 1, &sealed(&old, id, 1)).await.expect("stored"));
    }
    let sample = secrets.one_of_each_key().await.expect("read");
    assert_eq!(sample.iter().map(|one| one.envelope.key_id).collect::<Vec<_>>(), [1]);
    let first = secrets.envelopes(0, Some(2), 3).await.expect("read");
    assert_eq!(first.len(), 3);
    // Somebody stores a new value between the read and the write.
    assert!(secrets.put_secret(&ids[1], 2, &sealed(&old, &ids[1], 2)).await.expect("stored"));
    let mut replaced = Vec::new();
    for stored in &first {
        let moved = stored.envelope.rewrap(&both, &stored.binding).expect("opens");
        replaced.push(secrets.replace_envelope(stored, &moved).await.expect("answered"));
    }
    assert_eq!(replaced, [true, false, true]);
    let rest = secrets.envelopes(0, Some(2), 100).await.expect("read");
    assert_eq!(rest.len(), 3, "what is moved already is left out");
    for stored in secrets.secrets().await.expect("read") {
        let binding = Binding::Secret(stored.id.clone(), stored.version);
        assert_eq!(&**stored.envelope.open(&both, &binding).expect("both keys work"), VALUE);
    }
    assert_eq!(secrets.one_of_each_key().await.expect("read").len(), 2);
}

pub(crate) async fn what_cannot_be_had_ends_what_waits_and_nothing_else(stage: &Stage) {
    let hand = stage.worker("w", 1).await;
    let (waiting, running) = (stage.submit(request()).await, stage.run(request(), hand).await.execution);
    let outcome = Outcome::SecretUnavailable { name: "db".to_owned(), reason: None };
    let secrets = stage.store.secrets();
    assert!(secrets.refuse(waiting, &outcome).await.expect("answered"));
    assert!(!secrets.refuse(waiting, &outcome).await.expect("answered"));
    assert!(!secrets.refuse(running, &outcome).await.expect("answered"));
    let ended = stage.execution(waiting).await;
    assert_eq!((ended.status, ended.outcome, ended.attempts), (ExecutionStatus::Failed, Some(outcome), 0));
    assert_eq!(stage.status(running).await, ExecutionStatus::Running);
    assert_eq!(stage.completed_messages().await, [(waiting, ExecutionStatus::Failed)]);
}
