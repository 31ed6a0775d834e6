//! Storing secrets, and sealing them to workers.

use std::collections::HashMap;

use attune_secret::{
    Binding, Envelope, Keyring, Opened, OpenedSecret, PublicKey, SealedFor, SecretError, SecretId, parameters_of,
    parameters_text,
};
use attune_store::{
    Assignment, NewExecution, ParameterMove, ParameterSeal, PlacementView, SealedAssignment, SealedExecution,
    SealedParameters, SecretNeed, Store, StoreError, StoredSecret,
};
use attune_types::{ActionRef, ExecutionId, Outcome, WorkerId};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// What stands in the place of a secret parameter.
const MASK: &str = "***";

/// The fewest bytes of a secret that can be kept out of logs: hiding shorter ones would destroy them.
pub const LEAST_SECRET_BYTES: usize = 8;

/// The most bytes of a secret: what one call of `get_secret` hands out.
pub const MOST_SECRET_BYTES: usize = 64 << 10;

/// How often a secret that somebody else replaces at the same moment is stored again.
const TRIES: usize = 8;

/// Why a secret could not be stored, found or moved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key or a ciphertext failed.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Somebody else replaces the same secret again and again.
    #[error("secret {name} is being replaced by somebody else at the same time")]
    Busy {
        /// The secret's name.
        name: String,
    },
    /// What is encrypted names a key that is not here, or one that does not fit.
    #[error("what is encrypted with key {key_id} cannot be read: {source}")]
    Unreadable {
        /// The number of the key.
        key_id: u32,
        /// Why.
        source: SecretError,
    },
}

/// The keys, and what is done with them. Whoever assigns work holds it; a worker never does.
#[derive(Debug, Clone)]
pub struct Vault {
    keys: Keyring,
}

/// Assignments with what is sealed for them.
#[derive(Debug, Default)]
pub(crate) struct Sealing {
    /// Those that can be made.
    pub(crate) assignments: Vec<SealedAssignment>,
    /// Executions that need what cannot be had, and why.
    pub(crate) refused: Vec<(ExecutionId, Outcome)>,
}

impl Vault {
    /// Works with these keys.
    #[must_use]
    pub const fn new(keys: Keyring) -> Self {
        Self { keys }
    }

    /// The keys.
    pub(super) const fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// Checks that the keys that are here open what is stored: one ciphertext of each key is opened.
    ///
    /// # Errors
    /// [`SecretError::UnknownKey`] when something is encrypted with a key that is not here, [`VaultError::Unreadable`] when
    /// a key of that number is here but is another one.
    pub async fn check(&self, store: &dyn Store) -> Result<(), VaultError> {
        let sample = store.secrets().one_of_each_key().await?;
        // A missing key is named before one that does not fit: it is the simpler mistake.
        sample.iter().try_for_each(|stored| self.keys.check(stored.envelope.key_id))?;
        for stored in sample {
            let key_id = stored.envelope.key_id;
            stored
                .envelope
                .check(&self.keys, &stored.binding)
                .map_err(|source| VaultError::Unreadable { key_id, source })?;
        }
        Ok(())
    }

    /// Stores a secret, in the place of one of the same name and owner; its version.
    ///
    /// # Errors
    /// The store fails.
    pub async fn put(&self, store: &dyn Store, id: &SecretId, value: &[u8]) -> Result<i64, VaultError> {
        for _ in 0..TRIES {
            let version = store.secrets().secret(id).await?.map_or(0, |secret| secret.version) + 1;
            let envelope = Envelope::seal(&self.keys, &Binding::Secret(id.clone(), version), value)?;
            if store.secrets().put_secret(id, version, &envelope).await? {
                return Ok(version);
            }
        }
        Err(VaultError::Busy { name: id.name.clone() })
    }

    /// Copies into `to`, under the keys of `its`, the secrets of these names that `action` may be given.
    ///
    /// # Errors
    /// A store fails, or a secret does not open.
    pub async fn lend(
        &self,
        from: &dyn Store,
        names: &[String],
        action: &ActionRef,
        its: &Self,
        to: &dyn Store,
    ) -> Result<(), VaultError> {
        for secret in from.secrets().secrets().await? {
            if names.contains(&secret.id.name) && secret.id.owner.serves(action) {
                let value = self.open_secret(&secret)?;
                its.put(to, &secret.id, &value).await?;
            }
        }
        Ok(())
    }

    /// Takes the secret parameters out of a request. They are encrypted when it is known which execution it becomes. Costs
    /// nothing when there are none.
    pub(crate) fn take_in(&self, mut request: NewExecution) -> SealedExecution {
        let secret = take_secret_parameters(&mut request);
        if secret.is_empty() {
            return SealedExecution { request, parameters: None };
        }
        let (keys, action) = (self.keys.clone(), request.spec.action.to_string());
        let names: Vec<String> = secret.keys().cloned().collect();
        let text = Zeroizing::new(parameters_text(&secret));
        let seal = ParameterSeal::new(move |execution| {
            let binding = Binding::Parameters { execution, action: action.clone(), names: names.clone() };
            Ok(SealedParameters { names: names.clone(), envelope: Envelope::seal(&keys, &binding, &text)? })
        });
        SealedExecution { request, parameters: Some(seal) }
    }

    /// What moves secret parameters to an execution that repeats theirs.
    pub(crate) fn moving(&self) -> ParameterMove {
        let keys = self.keys.clone();
        ParameterMove::new(move |stored, to| {
            let value = stored.envelope.open(&keys, &stored.binding)?;
            let mut binding = stored.binding.clone();
            if let Binding::Parameters { execution, .. } = &mut binding {
                *execution = to;
            }
            Envelope::seal(&keys, &binding, &value)
        })
    }

    /// The secret outputs of an execution, by JSON pointer into its result. `None` when it has left none.
    ///
    /// # Errors
    /// The store fails, or they do not open.
    pub async fn outputs(
        &self,
        store: &dyn Store,
        execution: ExecutionId,
    ) -> Result<Option<Map<String, Value>>, VaultError> {
        let Some(stored) = store.secrets().outputs(execution).await? else { return Ok(None) };
        let text = stored.envelope.open(&self.keys, &stored.binding)?;
        Ok(Some(parameters_of(&text).ok_or_else(|| SecretError::Form { name: stored.binding.name() })?))
    }

    /// Submits a request whose parameters may hold secrets.
    ///
    /// # Errors
    /// The store fails.
    pub async fn submit(
        &self,
        store: &dyn Store,
        request: NewExecution,
    ) -> Result<Option<attune_store::Submitted>, VaultError> {
        if !has_secret_parameters(&request) {
            return Ok(store.submit(vec![request]).await?.first().copied());
        }
        let sealed = self.take_in(request);
        Ok(store.secrets().submit_sealed(vec![sealed]).await?.first().copied())
    }

    /// Seals to the worker of each assignment what its execution needs. `view` is what the assignments were decided from.
    pub(crate) async fn seal(
        &self,
        store: &dyn Store,
        assignments: &[Assignment],
        view: &PlacementView,
    ) -> Result<Sealing, StoreError> {
        let executions: Vec<ExecutionId> = assignments.iter().map(|one| one.execution).collect();
        let needs = store.secrets().secret_needs(&executions).await?;
        let keys: HashMap<WorkerId, &str> = view
            .workers
            .iter()
            .filter_map(|worker| Some((worker.worker, worker.capabilities.sealing_key.as_deref()?)))
            .collect();
        let mut sealing = Sealing::default();
        for need in needs {
            let Some(assignment) = assignments.iter().find(|one| one.execution == need.execution) else { continue };
            let opened = match self.open(&need) {
                Ok(opened) => opened,
                Err(outcome) => {
                    sealing.refused.push((need.execution, outcome));
                    continue;
                }
            };
            match self.seal_one(&need, opened, assignment, keys.get(&assignment.worker).copied()) {
                Ok(sealed) => sealing.assignments.push(sealed),
                Err(error) => {
                    tracing::warn!(worker.id = %assignment.worker, execution.id = %need.execution, error = %error, "nothing can be sealed to this worker");
                }
            }
        }
        Ok(sealing)
    }

    fn seal_one(
        &self,
        need: &SecretNeed,
        mut opened: Opened,
        assignment: &Assignment,
        key: Option<&str>,
    ) -> Result<SealedAssignment, SecretError> {
        let key = key.ok_or(SecretError::PublicKey).and_then(PublicKey::from_hex)?;
        let SecretNeed { execution, attempt, .. } = *need;
        let mut outputs = None;
        if need.has_outputs {
            let binding = Binding::Outputs { execution, attempt, action: need.action.to_string() };
            let (waiting, output_key) = Envelope::awaiting(&self.keys, &binding)?;
            (outputs, opened) = (Some(waiting), opened.with_output_key(output_key));
        }
        let sealed = key.seal(SealedFor { execution, attempt, incarnation: assignment.incarnation }, &opened)?;
        Ok(SealedAssignment { assignment: *assignment, attempt, sealed, outputs })
    }

    /// Everything that an execution needs, in plain, or why it cannot be had.
    fn open(&self, need: &SecretNeed) -> Result<Opened, Outcome> {
        let mut secrets = Vec::with_capacity(need.names.len());
        for name in &need.names {
            let candidates =
                need.secrets.iter().filter(|one| one.id.name == *name && one.id.owner.serves(&need.action));
            let Some(chosen) = candidates.max_by_key(|one| one.id.owner.narrowness()) else {
                return Err(Outcome::SecretUnavailable { name: name.clone(), reason: None });
            };
            let value = self.open_secret(chosen).map_err(|error| unavailable(name, &error))?;
            secrets.push(OpenedSecret { name: name.clone(), value });
        }
        let mut values = Map::new();
        if let Some(stored) = &need.parameters {
            let name = stored.binding.name();
            let text = stored.envelope.open(&self.keys, &stored.binding).map_err(|error| unavailable(&name, &error))?;
            values =
                parameters_of(&text).ok_or_else(|| unavailable(&name, &SecretError::Form { name: name.clone() }))?;
        }
        Ok(Opened::new(secrets, values))
    }

    fn open_secret(&self, secret: &StoredSecret) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        secret.envelope.open(&self.keys, &Binding::Secret(secret.id.clone(), secret.version))
    }
}

fn unavailable(name: &str, error: &SecretError) -> Outcome {
    let reason = match error {
        SecretError::UnknownKey { .. } => format!("secret {name} cannot be decrypted ({error})"),
        other => other.to_string(),
    };
    Outcome::SecretUnavailable { name: name.to_owned(), reason: Some(reason) }
}

/// Takes out what its action marks as secret, and leaves `***` there.
fn take_secret_parameters(request: &mut NewExecution) -> Map<String, Value> {
    let mut secret = Map::new();
    for name in &request.spec.secret_parameters {
        if let Some(value) = request.parameters.get_mut(name) {
            secret.insert(name.clone(), std::mem::replace(value, Value::from(MASK)));
        }
    }
    secret
}

/// Whether a request holds a secret parameter.
pub(crate) fn has_secret_parameters(request: &NewExecution) -> bool {
    request.spec.secret_parameters.iter().any(|name| request.parameters.contains_key(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_secret::Owner;
    use attune_types::{AttemptNumber, Timestamp};

    fn vault() -> Vault {
        Vault::new(Keyring::ephemeral().expect("random bytes"))
    }

    fn stored(vault: &Vault, owner: Owner, name: &str, value: &str) -> StoredSecret {
        let id = SecretId { owner, name: name.to_owned() };
        let envelope =
            Envelope::seal(&vault.keys, &Binding::Secret(id.clone(), 1), value.as_bytes()).expect("random bytes");
        StoredSecret { row: 1, id, version: 1, envelope, created_at: Timestamp(0), stored_at: Timestamp(0) }
    }

    fn need(action: &str, names: &[&str], secrets: Vec<StoredSecret>) -> SecretNeed {
        SecretNeed {
            execution: ExecutionId(1),
            attempt: AttemptNumber(1),
            action: action.parse::<ActionRef>().expect("an action"),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            secrets,
            parameters: None,
            has_outputs: false,
        }
    }

    #[test]
    fn the_narrowest_owner_wins_and_nobody_elses_counts() {
        let vault = vault();
        let action = |text: &str| Owner::Action(text.parse().expect("an action"));
        let all = vec![
            stored(&vault, Owner::System, "db", "the system's"),
            stored(&vault, Owner::Pack("demo".into()), "db", "the pack's"),
            stored(&vault, action("demo.a"), "db", "the action's"),
            stored(&vault, Owner::Pack("other".into()), "db", "another pack's"),
        ];
        for (asks, gets) in [("demo.a", "the action's"), ("demo.b", "the pack's"), ("third.a", "the system's")] {
            let opened = vault.open(&need(asks, &["db"], all.clone())).expect("there");
            assert_eq!(&**opened.secret("db").expect("there").value, gets.as_bytes(), "{asks}");
        }
    }

    #[test]
    fn what_is_not_listed_is_not_given_and_what_is_missing_is_named() {
        let vault = vault();
        let all = vec![stored(&vault, Owner::System, "db", "value"), stored(&vault, Owner::System, "mail", "value")];
        let opened = vault.open(&need("demo.a", &["mail"], all.clone())).expect("there");
        assert_eq!(opened.secrets.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["mail"]);
        assert_eq!(
            vault.open(&need("demo.a", &["mail", "gone"], all)),
            Err(Outcome::SecretUnavailable { name: "gone".into(), reason: None })
        );
    }

    /// SEC-08: no fallback to an empty value, nor to a wider owner.
    #[test]
    fn what_does_not_decrypt_is_an_error_even_when_a_wider_one_would() {
        let vault = vault();
        let mut broken = stored(&vault, Owner::Pack("demo".into()), "db", "the pack's");
        broken.envelope.ciphertext[20] ^= 1;
        let all = vec![stored(&vault, Owner::System, "db", "the system's"), broken];
        let outcome = vault.open(&need("demo.a", &["db"], all)).expect_err("refused");
        assert_eq!(outcome.summary(), "secret db cannot be decrypted (authentication failed)");
    }
}
