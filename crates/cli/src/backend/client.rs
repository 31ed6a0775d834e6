//! What a server can be asked.

use std::path::Path;

use attune_types::{
    ActionRef, ActionSpec, Artifact, Attempt, AttemptNumber, Environment, Execution, ExecutionEvent, ExecutionId,
    ExecutionStatus, PackSpec, Requirement, RuntimeSpec, Worker,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::http::{Http, encoded};
use super::log_stream::{LogEvent, LogStreamReader, Piece};
use super::plain;
use super::request::{Request, What};
use crate::arguments::Global;
use crate::dev::Running;
use crate::error::CliError;

/// A page of a list.
#[derive(Debug, Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next: Option<String>,
}

/// Executions, newest first.
#[derive(Debug)]
pub(crate) struct Executions {
    /// The executions.
    pub(crate) executions: Vec<Execution>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

/// A worker as an execution that waits sees it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WorkerFit {
    /// Its name.
    pub(crate) worker: String,
    /// What it is doing.
    pub(crate) status: String,
    /// Everything it lacks.
    pub(crate) lacks: Vec<String>,
    /// How many slots it has.
    pub(crate) slots: u32,
    /// How many are free.
    pub(crate) free: u32,
}

/// Why an execution waits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Explanation {
    /// Which execution.
    pub(crate) id: ExecutionId,
    /// Where it stands.
    pub(crate) status: String,
    /// One or two sentences.
    pub(crate) summary: String,
    /// What to do next, when it has ended.
    #[serde(default)]
    pub(crate) hint: Option<String>,
    /// What its worker must offer.
    pub(crate) requirement: Requirement,
    /// Workers that fit, busy or not.
    pub(crate) fitting: Vec<WorkerFit>,
    /// Workers that do not; the nearest first.
    pub(crate) nearest_misses: Vec<WorkerFit>,
    /// How many wait before it.
    pub(crate) ahead: u64,
    /// Whether there may be more.
    pub(crate) ahead_is_more: bool,
}

impl Explanation {
    /// Whether it waits for a worker.
    pub(crate) fn is_waiting(&self) -> bool {
        self.status.parse().is_ok_and(ExecutionStatus::is_waiting)
    }
}

/// A server; cheap to clone. Every call blocks.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: Http,
}

impl Client {
    /// The server that `--api-url` or `ATTUNE_API_URL` names.
    pub(crate) fn configured(global: &Global) -> Result<Option<Self>, CliError> {
        let Some(url) = global.api_url.as_deref().filter(|url| !url.is_empty()) else { return Ok(None) };
        plain::check(url, global.api_token.as_deref().is_some_and(|token| !token.is_empty()))?;
        let hint = "check ATTUNE_API_URL, or unset it to run in this process".to_owned();
        Ok(Some(Self { http: Http::new(url, global.api_token.clone(), hint)? }))
    }

    /// The server that was named, else the `attune dev` of this directory.
    pub(crate) fn find(global: &Global) -> Result<Self, CliError> {
        Self::found(global, Path::new(crate::dev::DEFAULT_DIRECTORY))?.ok_or_else(|| CliError::Unavailable {
            what: "an Attune server".into(),
            hint: "start `attune dev` here, or set ATTUNE_API_URL (and ATTUNE_API_TOKEN) to a server".into(),
            source: "ATTUNE_API_URL is not set, and no `attune dev` runs in this directory".into(),
        })
    }

    /// The server that was named, else the `attune dev` of `directory`, when one runs.
    pub(crate) fn found(global: &Global, directory: &Path) -> Result<Option<Self>, CliError> {
        if let Some(client) = Self::configured(global)? {
            return Ok(Some(client));
        }
        let Some(running) = Running::find(directory)? else { return Ok(None) };
        let hint = "`attune dev` of this directory does not answer; start it again".to_owned();
        Ok(Some(Self { http: Http::new(&running.url, Some(running.token), hint)? }))
    }

    /// The connection, for what other files ask.
    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    pub(super) fn all<T: DeserializeOwned>(&self, path: &str) -> Result<Vec<T>, CliError> {
        let mut all = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let sign = if path.contains('?') { '&' } else { '?' };
            let from = cursor.map(|cursor| format!("{sign}cursor={}", encoded(&cursor))).unwrap_or_default();
            let page: Page<T> = self.http.get(&format!("{path}{from}"))?;
            all.extend(page.items);
            match page.next {
                Some(next) => cursor = Some(next),
                None => return Ok(all),
            }
        }
    }

    /// A page of executions.
    pub(crate) fn executions(
        &self,
        statuses: &[&str],
        action: Option<&str>,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Executions, CliError> {
        let mut path = format!("/executions?limit={limit}");
        if !statuses.is_empty() {
            path.push_str(&format!("&status={}", statuses.join(",")));
        }
        if let Some(action) = action {
            path.push_str(&format!("&action={}", encoded(action)));
        }
        if let Some(before) = before {
            path.push_str(&format!("&cursor={before}"));
        }
        let page: Page<Execution> = self.http.get(&path)?;
        Ok(Executions { executions: page.items, next: page.next })
    }

    /// One execution.
    pub(crate) fn execution(&self, id: ExecutionId) -> Result<Execution, CliError> {
        self.http.find(&format!("/executions/{id}"))?.ok_or_else(|| unknown_execution(id))
    }

    /// Its attempts.
    pub(crate) fn attempts(&self, id: ExecutionId) -> Result<Vec<Attempt>, CliError> {
        self.all(&format!("/executions/{id}/attempts"))
    }

    /// Its events.
    pub(crate) fn events(&self, id: ExecutionId) -> Result<Vec<ExecutionEvent>, CliError> {
        self.execution(id)?;
        self.all(&format!("/executions/{id}/events?limit=1000"))
    }

    /// Why it waits.
    pub(crate) fn explain(&self, id: ExecutionId) -> Result<Explanation, CliError> {
        self.http.find(&format!("/executions/{id}/explain"))?.ok_or_else(|| unknown_execution(id))
    }

    /// Asks for its end.
    pub(crate) fn cancel(&self, id: ExecutionId) -> Result<(), CliError> {
        let _: Value = self.http.post(&format!("/executions/{id}/cancel"), &json!({}), None)?;
        Ok(())
    }

    /// What it answered in secret, and its result with that.
    pub(crate) fn reveal(&self, id: ExecutionId) -> Result<Value, CliError> {
        self.http.post(&format!("/executions/{id}/reveal"), &json!({}), None)
    }

    /// Repeats it; the new execution.
    pub(crate) fn retry(&self, id: ExecutionId, may_run_twice: bool) -> Result<ExecutionId, CliError> {
        let body = json!({"may_run_twice": may_run_twice});
        let made: Made =
            self.http.post(&format!("/executions/{id}/retry"), &body, None).map_err(|error| match error {
                CliError::Server { status: 409, title, details, .. } if title.contains("unknown") => CliError::Server {
                    status: 409,
                    title,
                    details,
                    hint: format!("`attune execution retry {id} --may-run-twice` runs it again all the same"),
                },
                other => other,
            })?;
        Ok(made.id)
    }

    /// Everything it wrote so far, or, with `follow`, everything until it ends.
    pub(crate) fn logs(
        &self,
        id: ExecutionId,
        follow: bool,
        print: &mut dyn FnMut(Piece) -> Result<(), CliError>,
    ) -> Result<(), CliError> {
        if !follow {
            return self.http.lines::<Piece>(&format!("/executions/{id}/logs"), print);
        }
        let mut reader = self.follow(id);
        loop {
            match reader.next()? {
                LogEvent::Piece(piece) => print(piece)?,
                LogEvent::End(_) => return Ok(()),
            }
        }
    }

    /// The files that an execution left behind.
    pub(crate) fn artifacts(&self, id: ExecutionId) -> Result<Vec<Artifact>, CliError> {
        let page: Option<Page<Artifact>> = self.http.find(&format!("/executions/{id}/artifacts"))?;
        page.map(|page| page.items).ok_or_else(|| unknown_execution(id))
    }

    /// The content of one of them.
    pub(crate) fn artifact(
        &self,
        id: ExecutionId,
        name: &str,
        attempt: Option<AttemptNumber>,
    ) -> Result<Box<dyn std::io::Read + Send + Sync>, CliError> {
        let parts: Vec<String> = name.split('/').map(encoded).collect();
        let attempt = attempt.map_or_else(String::new, |attempt| format!("?attempt={attempt}"));
        let path = format!("/executions/{id}/artifacts/{}{attempt}", parts.join("/"));
        match self.http.open(&path, None) {
            Ok(answer) => Ok(Box::new(answer.into_body().into_reader())),
            Err(CliError::Server { status: 404, .. }) => Err(CliError::NotFound {
                what: "artifact",
                name: name.to_owned(),
                hint: format!("`attune artifact list {id}` shows what there is"),
            }),
            Err(error) => Err(error),
        }
    }

    /// What to report when content stopped in the middle.
    pub(crate) fn broke_off(&self, source: std::io::Error) -> CliError {
        self.http.unavailable(source)
    }

    /// Follows an execution until it ends; survives a restart of the server.
    pub(super) fn follow(&self, id: ExecutionId) -> LogStreamReader {
        LogStreamReader::new(self.http.clone(), id)
    }

    /// Submits a request.
    pub(crate) fn submit(&self, request: &Request) -> Result<ExecutionId, CliError> {
        let mut body = match &request.what {
            What::Action(action) => json!({"action": action.action_ref}),
            What::Script(script) => json!({
                "code": {"name": script.code.name, "content": script.code.content, "runtime": script.runtime},
            }),
        };
        body["parameters"] = Value::Object(request.parameters.clone());
        body["labels"] = json!(request.labels);
        if let Some(timeout) = request.timeout {
            body["timeout_seconds"] = json!(timeout.as_secs_f64());
        }
        let made: Made = self.http.post("/executions", &body, Some(&request.idempotency_key))?;
        Ok(made.id)
    }

    /// All packs.
    pub(crate) fn packs(&self) -> Result<Vec<PackSpec>, CliError> {
        self.all("/packs")
    }

    /// All actions, of one pack or of all.
    pub(crate) fn actions(&self, pack: Option<&str>) -> Result<Vec<ActionSpec>, CliError> {
        match pack {
            Some(pack) => self.all(&format!("/actions?pack={}", encoded(pack))),
            None => self.all("/actions"),
        }
    }

    /// One action.
    pub(crate) fn action(&self, action: &ActionRef) -> Result<Option<ActionSpec>, CliError> {
        self.http.find(&format!("/actions/{action}"))
    }

    /// All runtimes.
    pub(crate) fn runtimes(&self) -> Result<Vec<RuntimeSpec>, CliError> {
        self.all("/runtimes")
    }

    /// What workers told about environments last.
    pub(crate) fn environments(&self) -> Result<Vec<Environment>, CliError> {
        self.all("/environments")
    }

    /// All workers.
    pub(crate) fn workers(&self) -> Result<Vec<Worker>, CliError> {
        self.all("/workers")
    }

    /// One worker.
    pub(crate) fn worker(&self, name: &str) -> Result<Worker, CliError> {
        self.http.find(&format!("/workers/{}", encoded(name)))?.ok_or_else(|| CliError::NotFound {
            what: "worker",
            name: name.to_owned(),
            hint: "`attune worker list` shows the workers".into(),
        })
    }

    /// Asks a worker to finish what it has.
    pub(crate) fn drain_worker(&self, name: &str) -> Result<(), CliError> {
        let _: Value = self.http.post(&format!("/workers/{}/drain", encoded(name)), &json!({}), None)?;
        Ok(())
    }

    /// Lets a worker take work again.
    pub(crate) fn resume_worker(&self, name: &str) -> Result<(), CliError> {
        let _: Value = self.http.post(&format!("/workers/{}/resume", encoded(name)), &json!({}), None)?;
        Ok(())
    }
}

/// An accepted request.
#[derive(Debug, Deserialize)]
struct Made {
    id: ExecutionId,
}

fn unknown_execution(id: ExecutionId) -> CliError {
    CliError::NotFound {
        what: "execution",
        name: id.to_string(),
        hint: "`attune execution list` shows the newest ones".into(),
    }
}
