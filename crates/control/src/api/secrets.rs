//! Requests about secrets. Their values come in and never go out.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use attune_secret::{Owner, SecretId, is_valid_secret_name};
use attune_store::{AuditNote, Store, StoredSecret};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::access::Principal;
use super::body;
use super::fields::Fields;
use super::problem::{FieldProblem, Problem};
use super::query::Query;
use super::state::ApiState;
use crate::secrets::{LEAST_SECRET_BYTES, MOST_SECRET_BYTES, Rotation, Vault, VaultError};

/// Everything about a secret but its value.
fn shown(secret: &StoredSecret) -> Value {
    let reference = secret.id.owner.reference();
    json!({
        "name": secret.id.name,
        "owner": secret.id.owner.kind(),
        "owner_ref": if reference.is_empty() { None } else { Some(reference) },
        "version": secret.version,
        "key_id": secret.envelope.key_id,
        "created_at": secret.created_at,
        "updated_at": secret.stored_at,
    })
}

fn owner_of(fields: &mut Fields) -> Option<Owner> {
    let pack: Option<String> = fields.optional("pack");
    let action: Option<String> = fields.optional("action");
    let (field, owner) = match (pack, action) {
        (Some(_), Some(_)) => {
            fields.refuse("action", "exclusive", "cannot be given together with `pack`");
            return None;
        }
        (None, None) => return Some(Owner::System),
        (Some(pack), None) => ("pack", Owner::of("pack", &pack)),
        (None, Some(action)) => ("action", Owner::of("action", &action)),
    };
    if owner.is_none() {
        fields.refuse(field, "format", "must be the name of a pack, or pack.action");
    }
    owner
}

fn vault_of(state: &ApiState) -> Result<Arc<Vault>, Problem> {
    state.vault.clone().ok_or_else(|| {
        Problem::unavailable("this server has no key for secrets")
            .hint("set security.encryption_key (ATTUNE__SECURITY__ENCRYPTION_KEY_FILE) on every server")
    })
}

/// Does something with keys and store on the main runtime, to its end even when the client goes away.
pub(crate) async fn with_vault<Answer, Doing>(
    state: &ApiState,
    act: impl FnOnce(Arc<Vault>, Arc<dyn Store>) -> Doing,
) -> Result<Answer, Problem>
where
    Answer: Send + 'static,
    Doing: Future<Output = Result<Answer, VaultError>> + Send + 'static,
{
    let vault = vault_of(state)?;
    match state.runtime.spawn(act(vault, Arc::clone(&state.store))).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(VaultError::Store(error))) => Err(error.into()),
        Ok(Err(error @ VaultError::Busy { .. })) => {
            Err(Problem::conflict("urn:attune:problem:busy", "the secret is being replaced", error.to_string()))
        }
        Ok(Err(error)) => {
            tracing::error!(error = %error, "a secret could not be kept or opened");
            Err(Problem::internal())
        }
        Err(error) => {
            tracing::error!(error = %error, "keeping a secret broke off");
            Err(Problem::internal())
        }
    }
}

/// `GET /secrets`: names, owners, versions, times, and the numbers of keys.
pub(crate) async fn list(state: web::Data<ApiState>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    Query::of(&request, &[])?.check()?;
    let secrets = state.ask(|store| async move { store.secrets().secrets().await }).await?;
    let items: Vec<Value> = secrets.iter().map(shown).collect();
    Ok(HttpResponse::Ok().json(json!({"items": items, "next": null})))
}

/// What is to be stored.
struct Wanted {
    id: SecretId,
    value: Zeroizing<String>,
}

fn read(mut fields: Fields) -> Result<Wanted, Problem> {
    let name: String = fields.required("name").unwrap_or_default();
    let owner = owner_of(&mut fields);
    let value: Zeroizing<String> = Zeroizing::new(fields.required("value").unwrap_or_default());
    let unmaskable: bool = fields.optional("unmaskable").unwrap_or_default();
    if !is_valid_secret_name(&name) {
        fields.refuse(
            "name",
            "format",
            "must be letters, digits, '_', '-' and '.', at most 128, a letter or digit first",
        );
    }
    if value.len() > MOST_SECRET_BYTES {
        fields.refuse("value", "size", format!("may have {MOST_SECRET_BYTES} bytes"));
    }
    if value.len() < LEAST_SECRET_BYTES && !unmaskable {
        fields.refuse(
            "value",
            "length",
            format!(
                "has less than {LEAST_SECRET_BYTES} bytes and could not be hidden in logs; `unmaskable` allows that"
            ),
        );
    }
    fields.check()?;
    Ok(Wanted { id: SecretId { owner: owner.unwrap_or(Owner::System), name }, value })
}

/// `POST /secrets`: stores a value, as a new secret or in the place of the one before.
pub(crate) async fn put(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    vault_of(&state)?;
    let Wanted { id, value } = read(body::object(&request, payload, body::MOST).await?)?;
    let wanted = id.clone();
    let (version, secret) = with_vault(&state, move |vault, store| async move {
        let version = vault.put(store.as_ref(), &wanted, value.as_bytes()).await?;
        Ok((version, store.secrets().secret(&wanted).await?))
    })
    .await?;
    state
        .audit(AuditNote::new(principal.name, "secret.put", format!("secret/{id}"), format!("version {version}")))
        .await?;
    let mut response = if version == 1 { HttpResponse::Created() } else { HttpResponse::Ok() };
    let gone = || Problem::not_found(format!("secret {id} was deleted meanwhile"));
    Ok(response.json(shown(&secret.ok_or_else(gone)?)))
}

/// `POST /secrets/{name}/delete`
pub(crate) async fn delete(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    path: web::Path<String>,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let mut fields = body::optional_object(&request, payload).await?;
    let owner = owner_of(&mut fields);
    fields.check()?;
    let id = SecretId { owner: owner.unwrap_or(Owner::System), name: path.into_inner() };
    let wanted = id.clone();
    if !state.ask(move |store| async move { store.secrets().delete_secret(&wanted).await }).await? {
        return Err(
            Problem::not_found(format!("there is no secret {id}")).hint("`GET /api/v1/secrets` lists what there is")
        );
    }
    state.audit(AuditNote::new(principal.name, "secret.delete", format!("secret/{id}"), "")).await?;
    Ok(HttpResponse::Ok().json(json!({"name": id.name, "owner": id.owner.kind(), "deleted": true})))
}

/// `POST /secrets/rotate`: one step of moving everything to the current key.
pub(crate) async fn rotate(
    state: web::Data<ApiState>,
    request: HttpRequest,
    payload: web::Payload,
    principal: Principal,
) -> Result<HttpResponse, Problem> {
    let mut fields = body::optional_object(&request, payload).await?;
    let after: i64 = fields.optional("after").unwrap_or_default();
    let re_encrypt: bool = fields.optional("re_encrypt").unwrap_or_default();
    fields.check()?;
    let step = with_vault(&state, move |vault, store| async move {
        vault.rotate(store.as_ref(), Rotation { re_encrypt }, after).await
    })
    .await?;
    let detail = format!("{} moved to key {}, {} failed", step.moved, step.key_id, step.failed.len());
    state.audit(AuditNote::new(principal.name, "secret.rotate", "secrets", detail)).await?;
    Ok(HttpResponse::Ok().json(step))
}

/// What is wrong with an action that has secret outputs on a server without a key: they could only be stored in plain.
pub(crate) fn no_key_for_outputs(prefix: &str) -> FieldProblem {
    FieldProblem::new(
        format!("{prefix}action"),
        "secret",
        "has secret outputs, and this server has no key to keep them with: set security.encryption_key",
    )
}

/// What is wrong with secret parameters on a server without a key: they could only be stored in plain.
pub(crate) fn no_key(prefix: &str, names: &[String]) -> Vec<FieldProblem> {
    names
        .iter()
        .map(|name| {
            FieldProblem::new(
                format!("{prefix}parameters.{name}"),
                "secret",
                "is secret, and this server has no key to keep it with: set security.encryption_key",
            )
        })
        .collect()
}
