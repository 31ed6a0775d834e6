//! One request to run something: read, checked, and turned into what the store accepts.

use std::collections::BTreeMap;

use actix_web::http::header::HeaderMap;
use attune_pack::Overrides;
use attune_store::NewExecution;
use attune_types::{ActionRef, ActionSpec, InlineCode, Requirement, VersionConstraint, action::is_valid_name};
use serde_json::{Map, Value};

use crate::api::access::Principal;
use crate::api::fields::Fields;
use crate::api::problem::{FieldProblem, Problem};
use crate::api::state::ApiState;

/// The largest set of parameters, as JSON text, in bytes.
const MOST_PARAMETER_BYTES: usize = 1 << 20;

/// The longest time limit a request may ask for, in seconds: thirty days.
const LONGEST_TIMEOUT_SECONDS: f64 = 30.0 * 24.0 * 3600.0;

const MOST_LABELS: usize = 64;
const LONGEST_LABEL: usize = 256;

/// What is to run.
#[derive(Debug, PartialEq)]
enum Target {
    Action(ActionRef),
    Code { code: InlineCode, requirement: Requirement },
}

/// A request that has the right shape.
#[derive(Debug, PartialEq)]
pub(crate) struct SubmitRequest {
    target: Target,
    parameters: Map<String, Value>,
    labels: BTreeMap<String, String>,
    timeout_seconds: Option<f64>,
    /// The key that makes a repetition harmless.
    pub(crate) idempotency_key: Option<String>,
}

/// What stands in the way of a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Refusal {
    /// Fields that break rules.
    Fields(Vec<FieldProblem>),
    /// Something else.
    Problem(Problem),
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Fields(fields) => Self::invalid(fields),
            Refusal::Problem(problem) => problem,
        }
    }
}

impl SubmitRequest {
    /// Reads a request. `in_batch` allows the idempotency key inside it; a single request has it in a header.
    pub(crate) fn read(mut fields: Fields, in_batch: bool) -> Result<Self, Vec<FieldProblem>> {
        let action: Option<String> = fields.optional("action");
        let code: Option<Value> = fields.optional("code");
        let parameters: Map<String, Value> = fields.optional("parameters").unwrap_or_default();
        let labels: BTreeMap<String, String> = fields.optional("labels").unwrap_or_default();
        let timeout_seconds: Option<f64> = fields.optional("timeout_seconds");
        let idempotency_key: Option<String> = if in_batch { fields.optional("idempotency_key") } else { None };

        let target = match (action, code) {
            (Some(text), None) => match text.parse() {
                Ok(action) => Some(Target::Action(action)),
                Err(error) => {
                    fields.refuse("action", "format", attune_types::action::NotAnActionRef::to_string(&error));
                    None
                }
            },
            (None, Some(code)) => {
                let read = Fields::of(fields.path("code"), code).map_err(|problem| vec![problem]).and_then(read_code);
                read.map_err(|problems| fields.refuse_all(problems)).ok()
            }
            (Some(_), Some(_)) => {
                fields.refuse("code", "exclusive", "cannot be given together with `action`");
                None
            }
            (None, None) => {
                fields.refuse("action", "required", "is required, unless `code` is given");
                None
            }
        };
        if let Some(seconds) = timeout_seconds
            && !(seconds > 0.0 && seconds <= LONGEST_TIMEOUT_SECONDS)
        {
            fields.refuse("timeout_seconds", "range", format!("must be above 0 and at most {LONGEST_TIMEOUT_SECONDS}"));
        }
        if serde_json::to_vec(&parameters).map_or(0, |text| text.len()) > MOST_PARAMETER_BYTES {
            fields.refuse("parameters", "size", format!("may be {MOST_PARAMETER_BYTES} bytes as JSON"));
        }
        if labels.len() > MOST_LABELS {
            fields.refuse("labels", "size", format!("may be {MOST_LABELS} in number"));
        }
        if labels.iter().any(|(name, value)| name.is_empty() || name.len().max(value.len()) > LONGEST_LABEL) {
            fields.refuse(
                "labels",
                "length",
                format!("names and values may have {LONGEST_LABEL} bytes, names at least 1"),
            );
        }
        if let Some(key) = &idempotency_key
            && let Err(message) = check_key(key)
        {
            fields.refuse("idempotency_key", "format", message);
        }
        let problems = fields.finish();
        match target {
            Some(target) if problems.is_empty() => {
                Ok(Self { target, parameters, labels, timeout_seconds, idempotency_key })
            }
            _ => Err(problems),
        }
    }

    /// Checks the request against what it names, so that nothing is stored that cannot run as asked. `prefix` is its
    /// place in a batch, with a dot at the end.
    pub(crate) async fn prepare(
        self,
        state: &ApiState,
        principal: &Principal,
        trace: Option<String>,
        prefix: &str,
    ) -> Result<NewExecution, Refusal> {
        let timeout_ms = self.timeout_seconds.map(|seconds| (seconds * 1000.0).ceil() as u64);
        let overrides = Overrides { timeout_ms, worker_labels: BTreeMap::new() };
        let (spec, parameters) = match self.target {
            Target::Action(reference) => {
                let found = state.catalogue.find(state, &reference).await.map_err(Refusal::Problem)?;
                let Some(entry) = found else {
                    return Err(Refusal::Problem(unknown_action(&reference)));
                };
                if !entry.action.enabled {
                    return Err(Refusal::Problem(disabled_action(&entry.action)));
                }
                let parameters = attune_pack::check_parameters(&entry.action, self.parameters).map_err(|problems| {
                    let named = problems.into_iter().map(|problem| {
                        FieldProblem::new(
                            format!("{prefix}parameters.{}", problem.field),
                            problem.rule,
                            problem.message,
                        )
                    });
                    Refusal::Fields(named.collect())
                })?;
                (attune_pack::execution_spec(&entry.action, &entry.pack_version, &overrides), parameters)
            }
            Target::Code { code, requirement } => {
                let mut spec = attune_pack::inline_spec(code, &requirement.runtime, &overrides);
                spec.requirement = requirement;
                (spec, self.parameters)
            }
        };
        Ok(NewExecution {
            spec,
            parameters,
            idempotency_key: principal.idempotency_key(self.idempotency_key),
            requested_by: Some(principal.name.clone()),
            labels: self.labels,
            trace,
            retry_of: None,
        })
    }
}

fn read_code(mut fields: Fields) -> Result<Target, Vec<FieldProblem>> {
    let name: Option<String> = fields.required("name");
    let content: Option<String> = fields.required("content");
    let runtime: Option<String> = fields.required("runtime");
    let version: Option<VersionConstraint> = fields.optional("runtime_version");
    let labels: BTreeMap<String, String> = fields.optional("worker_selector").unwrap_or_default();
    if let Some(name) = &name {
        let plain = !name.is_empty() && name.len() <= 255 && name != "." && name != "..";
        if !plain || name.chars().any(|character| character == '/' || character.is_control()) {
            fields.refuse("name", "format", "must be a file name without folders");
        }
    }
    if content.as_ref().is_some_and(|content| content.len() > InlineCode::MAX_BYTES) {
        fields.refuse("content", "size", format!("may have {} bytes", InlineCode::MAX_BYTES));
    }
    let runtime = runtime.map(|runtime| runtime.to_lowercase());
    if runtime.as_ref().is_some_and(|runtime| !runtime.split('.').all(is_valid_name)) {
        fields.refuse("runtime", "format", "must be the name of a runtime, e.g. python");
    }
    let problems = fields.finish();
    match (name, content, runtime) {
        (Some(name), Some(content), Some(runtime)) if problems.is_empty() => Ok(Target::Code {
            code: InlineCode { name, content },
            requirement: Requirement { runtime, version, labels, ..Requirement::default() },
        }),
        _ => Err(problems),
    }
}

pub(crate) fn unknown_action(reference: &ActionRef) -> Problem {
    Problem::not_found(format!("there is no action {reference}")).hint("`GET /api/v1/actions` lists what there is")
}

fn disabled_action(action: &ActionSpec) -> Problem {
    let detail = format!("the action {} is disabled", action.action_ref);
    Problem::conflict("urn:attune:problem:disabled", "the action is disabled", detail)
        .hint("set `enabled: true` in its pack")
}

/// Checks an idempotency key: 1 to 255 visible ASCII characters.
fn check_key(key: &str) -> Result<(), &'static str> {
    let valid = (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    if valid { Ok(()) } else { Err("must be 1 to 255 visible ASCII characters") }
}

/// The header `Idempotency-Key`.
pub(crate) fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    let key = value.to_str().unwrap_or("");
    check_key(key)
        .map_err(|message| Problem::invalid(vec![FieldProblem::new("Idempotency-Key", "format", message)]))?;
    Ok(Some(key.to_owned()))
}

/// The header `traceparent`, when it is one; a bad one is no reason to refuse work.
pub(crate) fn trace_of(headers: &HeaderMap) -> Option<String> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let parts: Vec<&str> = text.split('-').collect();
    let hex = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    match parts.as_slice() {
        ["00", trace, span, flags] if hex(trace, 32) && hex(span, 16) && hex(flags, 2) => Some(text.to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: Value) -> Result<SubmitRequest, Vec<(String, String)>> {
        let fields = Fields::of("", value).expect("an object");
        SubmitRequest::read(fields, false)
            .map_err(|problems| problems.into_iter().map(|problem| (problem.field, problem.rule)).collect())
    }

    fn refused(value: Value) -> Vec<String> {
        let problems = read(value).expect_err("refused");
        problems.into_iter().map(|(field, rule)| format!("{field}:{rule}")).collect()
    }

    #[test]
    fn a_request_names_an_action_or_brings_code() {
        assert!(read(json!({"action": "core.echo", "parameters": {"text": "hi"}})).is_ok());
        assert!(read(json!({"code": {"name": "a.py", "content": "print(1)", "runtime": "Python"}})).is_ok());
        assert_eq!(refused(json!({})), ["action:required"]);
        assert_eq!(refused(json!({"action": "core.echo", "code": {}})), ["code:exclusive"]);
    }

    #[test]
    fn nobody_assigns_what_is_the_servers() {
        let smuggled = json!({"action": "core.echo", "status": "completed", "worker": "w1", "attempt": 1});
        assert_eq!(refused(smuggled), ["attempt:unknown", "status:unknown", "worker:unknown"]);
        assert_eq!(refused(json!({"action": "core.echo", "idempotency_key": "k"})), ["idempotency_key:unknown"]);
    }

    #[test]
    fn every_rule_of_a_field_is_named() {
        for (value, expected) in [
            (json!({"action": "Core"}), "action:format"),
            (json!({"action": 7}), "action:type"),
            (json!({"action": "core.echo", "parameters": []}), "parameters:type"),
            (json!({"action": "core.echo", "timeout_seconds": 0}), "timeout_seconds:range"),
            (json!({"action": "core.echo", "timeout_seconds": 1e12}), "timeout_seconds:range"),
            (json!({"action": "core.echo", "labels": {"": "x"}}), "labels:length"),
            (json!({"code": {"name": "../a", "content": "", "runtime": "python"}}), "code.name:format"),
            (json!({"code": {"name": "a", "content": "", "runtime": "py thon"}}), "code.runtime:format"),
            (json!({"code": {"name": "a", "content": ""}}), "code.runtime:required"),
        ] {
            assert!(refused(value.clone()).contains(&expected.to_owned()), "{value}: {expected}");
        }
    }
}
