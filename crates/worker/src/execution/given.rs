//! What one attempt is given in secret: opened here, and nowhere before.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use attune_secret::{IncarnationKey, Opened, OpenedSecret, SealedFor};
use attune_store::Claimed;
use attune_types::{Incarnation, Outcome, SecretDelivery};
use serde_json::{Map, Value};

use crate::helper::{SecretBytes, SecretRefusal, SecretRequest, SecretSource};

/// What stands in the store in the place of a secret parameter.
const MASK: &str = attune_config::Secret::MASK;

/// Opens what was sealed for an attempt, and asks `source` for secrets of the action that were not.
///
/// # Errors
/// The outcome of an execution that cannot be given what it needs: nothing of it has started.
pub(super) async fn open(
    work: &Claimed,
    incarnation: Incarnation,
    key: &IncarnationKey,
    source: &dyn SecretSource,
) -> Result<Opened, Outcome> {
    let (execution, attempt) = (work.execution, work.attempt);
    let spec = &work.spec;
    let sealed = match &work.sealed {
        Some(sealed) => key.open(SealedFor { execution, attempt, incarnation }, sealed).map_err(|error| {
            let name = spec.secrets.first().or(spec.secret_parameters.first()).cloned().unwrap_or_default();
            Outcome::SecretUnavailable { name, reason: Some(error.to_string()) }
        })?,
        None => Opened::default(),
    };
    if spec.secrets.is_empty() && spec.secret_parameters.is_empty() {
        return Ok(sealed);
    }
    let Opened { mut secrets, mut values, output_key, .. } = sealed;
    for name in &spec.secrets {
        if secrets.iter().any(|secret| secret.name == *name) {
            continue;
        }
        let request = SecretRequest { execution, attempt, action: spec.action.clone(), name: name.clone() };
        match source.secret(&request).await {
            Ok(secret) => secrets.push(OpenedSecret::new(name.clone(), secret.expose())),
            // Whoever asks for what this source does not give is told so, then.
            Err(_) if source.has_any() => {}
            Err(_) => return Err(Outcome::SecretUnavailable { name: name.clone(), reason: None }),
        }
    }
    for name in &spec.secret_parameters {
        match work.parameters.get(name) {
            _ if values.contains_key(name) => {}
            None => {}
            // It was sealed when it was submitted, and whoever assigned it could not open it.
            Some(Value::String(text)) if text == MASK => {
                let reason =
                    format!("secret parameter {name} was not handed over: the server that assigned it has no key");
                return Err(Outcome::SecretUnavailable { name: name.clone(), reason: Some(reason) });
            }
            // Stored before secret parameters were sealed.
            Some(value) => {
                values.insert(name.clone(), value.clone());
            }
        }
    }
    Ok(Opened { output_key, ..Opened::new(secrets, values) })
}

/// The parameters with the secret ones in their places.
pub(super) fn parameters<'a>(work: &'a Claimed, opened: &Opened) -> Cow<'a, Map<String, Value>> {
    if opened.values.is_empty() {
        return Cow::Borrowed(&work.parameters);
    }
    let mut parameters = work.parameters.clone();
    parameters.extend(opened.values.iter().map(|(name, value)| (name.clone(), value.clone())));
    Cow::Owned(parameters)
}

/// What standard input begins with, when the action takes its secrets from there: one line, a JSON object.
///
/// # Errors
/// A secret is not text, so that it cannot stand in JSON.
pub(super) fn line(work: &Claimed, opened: &Opened) -> Result<Vec<u8>, Outcome> {
    if work.spec.secret_delivery == SecretDelivery::Helper || work.spec.secrets.is_empty() {
        return Ok(Vec::new());
    }
    let mut object = Map::new();
    for OpenedSecret { name, value } in &opened.secrets {
        let text = std::str::from_utf8(value).map_err(|_| Outcome::SecretUnavailable {
            name: name.clone(),
            reason: Some(format!("secret {name} is not text and cannot come on standard input: use get_secret")),
        })?;
        object.insert(name.clone(), Value::from(text));
    }
    let mut line = Value::Object(object).to_string().into_bytes();
    line.push(b'\n');
    Ok(line)
}

/// What was opened for one attempt, and behind it the worker's own source.
pub(super) struct AttemptSecrets {
    pub(super) opened: Arc<Opened>,
    pub(super) beyond: Arc<dyn SecretSource>,
}

impl fmt::Debug for AttemptSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "AttemptSecrets({:?})", self.opened)
    }
}

#[async_trait]
impl SecretSource for AttemptSecrets {
    async fn secret(&self, request: &SecretRequest) -> Result<SecretBytes, SecretRefusal> {
        match self.opened.secret(&request.name) {
            Some(secret) => Ok(SecretBytes::new(secret.value.to_vec())),
            None => self.beyond.secret(request).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::helper::NoSecrets;
    use attune_types::{AttemptNumber, ExecutionId, LeaseToken};
    use serde_json::json;

    const LIFE: Incarnation = Incarnation([3; 16]);

    fn work(spec: &Value, parameters: &Value) -> Claimed {
        let mut whole = json!({
            "action": "demo.a", "entry_point": "a.sh", "requirement": {"runtime": "shell"}, "timeout_ms": 1000,
        });
        whole.as_object_mut().expect("an object").extend(spec.as_object().expect("an object").clone());
        Claimed {
            execution: ExecutionId(7),
            attempt: AttemptNumber(1),
            held: false,
            token: LeaseToken([0; 16]),
            spec: serde_json::from_value(whole).expect("a specification"),
            parameters: parameters.as_object().expect("an object").clone(),
            trace: None,
            sealed: None,
        }
    }

    fn sealed(key: &IncarnationKey, work: &Claimed, opened: &Opened) -> Option<Vec<u8>> {
        let target = SealedFor { execution: work.execution, attempt: work.attempt, incarnation: LIFE };
        Some(key.public().seal(target, opened).expect("sealed"))
    }

    #[tokio::test]
    async fn what_was_sealed_is_opened_and_stands_in_its_place() {
        let key = IncarnationKey::generate().expect("a key");
        let mut work = work(
            &json!({"secrets": ["db"], "secret_parameters": ["token"], "secret_delivery": "stdin"}),
            &json!({"token": "***", "n": 1}),
        );
        let given = Opened::new(
            vec![OpenedSecret::new("db", b"hun\"ter2".to_vec())],
            json!({"token": {"a": 1}}).as_object().expect("an object").clone(),
        );
        work.sealed = sealed(&key, &work, &given);
        let opened = open(&work, LIFE, &key, &NoSecrets).await.expect("opened");
        assert_eq!(opened, given);
        assert_eq!(Value::Object(parameters(&work, &opened).into_owned()), json!({"token": {"a": 1}, "n": 1}));
        assert_eq!(line(&work, &opened).expect("text"), b"{\"db\":\"hun\\\"ter2\"}\n");
    }

    #[tokio::test]
    async fn what_cannot_be_had_ends_it_before_it_starts() {
        let key = IncarnationKey::generate().expect("a key");
        let listed = work(&json!({"secrets": ["db"]}), &json!({}));
        let refused = open(&listed, LIFE, &key, &NoSecrets).await.expect_err("not there");
        assert_eq!(refused, Outcome::SecretUnavailable { name: "db".into(), reason: None });

        let mut other = listed.clone();
        other.sealed = sealed(&IncarnationKey::generate().expect("a key"), &listed, &Opened::default());
        let refused = open(&other, LIFE, &key, &NoSecrets).await.expect_err("sealed to another life");
        assert!(refused.summary().contains("cannot be opened by this worker"), "{refused:?}");

        let masked = work(&json!({"secret_parameters": ["token"]}), &json!({"token": "***"}));
        let refused = open(&masked, LIFE, &key, &NoSecrets).await.expect_err("never with the mask as its value");
        assert!(refused.summary().contains("secret parameter token was not handed over"), "{refused:?}");
    }

    #[tokio::test]
    async fn without_secrets_nothing_is_copied() {
        let key = IncarnationKey::generate().expect("a key");
        let plain = work(&json!({}), &json!({"n": 1}));
        let opened = open(&plain, LIFE, &key, &NoSecrets).await.expect("nothing to open");
        assert!(opened.is_empty() && matches!(parameters(&plain, &opened), Cow::Borrowed(_)));
        assert!(line(&plain, &opened).expect("nothing").is_empty());
    }
}
