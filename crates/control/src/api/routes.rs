//! Every route of the API, in one table. The router is made from it, and the test that compares it with the OpenAPI
//! document reads it too.

use std::collections::HashMap;
use std::sync::OnceLock;

use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, Route, web};

use super::access::{Access, Scope, Subject};
use super::executions::{cancel, explain, list, read, retry, reveal, submit};
use super::problem::Problem;
use super::{agent, artifacts, audit, environments, health, logs, metrics, openapi, packs, secrets, tokens, workers};

/// One method of one path.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// What it asks of whoever asks for it.
    pub(crate) access: Access,
    route: Route,
}

fn get(path: &'static str, access: Access, route: Route) -> Endpoint {
    Endpoint { method: Method::GET, path, access, route }
}

fn post(path: &'static str, access: Access, route: Route) -> Endpoint {
    Endpoint { method: Method::POST, path, access, route }
}

/// A route that asks for a scope.
const fn needs(scope: Scope) -> Access {
    Access::Needs(scope, Subject::Nothing)
}

/// A route about the execution `{id}`, for its owner.
const fn of_owner(scope: Scope) -> Access {
    Access::Needs(scope, Subject::Execution)
}

/// A route about the execution `{id}`, for its owner and for its script.
const fn of_script(scope: Scope) -> Access {
    Access::Needs(scope, Subject::OwnExecution)
}

/// Every route, with what it asks. Paths without the prefix are the places where orchestrators look for them.
///
/// A new route needs three rows, and the build fails while one is missing: here (the constructor wants its [`Access`]),
/// in `openapi.json` (method, path, and the scope in `security`), and, when the path has a parameter of a new kind, in
/// the list of examples of `tests/it/matrix.rs`, which tries every kind of token on every route of the document.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    use Access::Open;
    use Scope::{
        AgentRead, AuditRead, EnvironmentsRead, ExecutionsCancel, ExecutionsRead, ExecutionsRun, OutputsRead,
        PacksRead, PacksWrite, SecretsRead, SecretsWrite, TokensRead, TokensWrite, WorkersEnroll, WorkersRead,
        WorkersWrite,
    };
    vec![
        get("/health/live", Open, web::to(health::live)),
        get("/health/ready", Open, web::to(health::ready)),
        get("/openapi.json", Open, web::to(openapi::openapi)),
        get("/metrics", needs(WorkersRead), web::to(metrics::metrics)),
        get("/api/v1/health/live", Open, web::to(health::live)),
        get("/api/v1/health/ready", Open, web::to(health::ready)),
        get("/api/v1/openapi.json", Open, web::to(openapi::openapi)),
        get("/api/v1/executions", needs(ExecutionsRead), web::to(list::list)),
        post("/api/v1/executions", needs(ExecutionsRun), web::to(submit::submit)),
        post("/api/v1/executions/batch", needs(ExecutionsRun), web::to(submit::submit_batch)),
        get("/api/v1/executions/{id}", of_script(ExecutionsRead), web::to(read::read)),
        get("/api/v1/executions/{id}/attempts", of_owner(ExecutionsRead), web::to(read::attempts)),
        get("/api/v1/executions/{id}/events", of_owner(ExecutionsRead), web::to(read::events)),
        get("/api/v1/executions/{id}/timeline", of_owner(ExecutionsRead), web::to(read::timeline)),
        get("/api/v1/executions/{id}/logs", of_script(ExecutionsRead), web::to(logs::read)),
        get("/api/v1/executions/{id}/artifacts", of_script(ExecutionsRead), web::to(artifacts::list)),
        get("/api/v1/executions/{id}/artifacts/{path:.*}", of_script(ExecutionsRead), web::to(artifacts::read)),
        get("/api/v1/executions/{id}/explain", of_owner(ExecutionsRead), web::to(explain::explain_execution)),
        post("/api/v1/executions/{id}/cancel", of_owner(ExecutionsCancel), web::to(cancel::cancel)),
        post("/api/v1/executions/{id}/retry", of_owner(ExecutionsRun), web::to(retry::retry)),
        // Not read by looking: it leaves an entry in the audit trail, and nothing fetches it in advance.
        post("/api/v1/executions/{id}/reveal", of_owner(OutputsRead), web::to(reveal::reveal)),
        get("/api/v1/workers", needs(WorkersRead), web::to(workers::list)),
        get("/api/v1/workers/{name}", needs(WorkersRead), web::to(workers::read)),
        post("/api/v1/workers/{name}/drain", needs(WorkersWrite), web::to(workers::drain)),
        post("/api/v1/workers/{name}/resume", needs(WorkersWrite), web::to(workers::resume)),
        post(
            "/api/v1/workers/{name}/enroll",
            Access::Needs(WorkersEnroll, Subject::Worker),
            web::to(tokens::enroll_worker),
        ),
        get("/api/v1/packs", needs(PacksRead), web::to(packs::list)),
        post("/api/v1/packs", needs(PacksWrite), web::to(packs::register)),
        get("/api/v1/actions", needs(PacksRead), web::to(packs::actions)),
        get("/api/v1/actions/{ref}", needs(PacksRead), web::to(packs::action)),
        get("/api/v1/runtimes", needs(PacksRead), web::to(packs::runtimes)),
        get("/api/v1/environments", needs(EnvironmentsRead), web::to(environments::list)),
        get("/api/v1/secrets", needs(SecretsRead), web::to(secrets::list)),
        post("/api/v1/secrets", needs(SecretsWrite), web::to(secrets::put)),
        post("/api/v1/secrets/rotate", needs(SecretsWrite), web::to(secrets::rotate)),
        post("/api/v1/secrets/{name}/delete", needs(SecretsWrite), web::to(secrets::delete)),
        get("/api/v1/tokens", needs(TokensRead), web::to(tokens::list)),
        post("/api/v1/tokens", needs(TokensWrite), web::to(tokens::create)),
        post("/api/v1/tokens/{id}/revoke", needs(TokensWrite), web::to(tokens::revoke)),
        get("/api/v1/agent/info", needs(AgentRead), web::to(agent::info)),
        get("/api/v1/agent/binary", needs(AgentRead), web::to(agent::binary)),
        get("/api/v1/audit", needs(AuditRead), web::to(audit::list)),
        get("/api/v1/audit/verify", needs(AuditRead), web::to(audit::verify)),
    ]
}

/// What the route with this pattern asks; `None` when there is no such route.
pub(crate) fn access_of(method: &Method, pattern: &str) -> Option<Access> {
    static ACCESS: OnceLock<HashMap<(&'static str, String), Access>> = OnceLock::new();
    let all = ACCESS.get_or_init(|| {
        let row = |endpoint: Endpoint| ((endpoint.path, endpoint.method.to_string()), endpoint.access);
        endpoints().into_iter().map(row).collect()
    });
    all.iter().find(|((path, known), _)| *path == pattern && known == method.as_str()).map(|(_, access)| *access)
}

/// Puts every route in its place.
pub(crate) fn configure(service: &mut web::ServiceConfig) {
    let mut resources: Vec<(&'static str, Vec<Route>, Vec<String>)> = Vec::new();
    for Endpoint { method, path, route, .. } in endpoints() {
        let (name, route) = (method.to_string(), route.method(method));
        match resources.iter_mut().find(|(known, ..)| *known == path) {
            Some((_, routes, names)) => {
                routes.push(route);
                names.push(name);
            }
            None => resources.push((path, vec![route], vec![name])),
        }
    }
    for (path, routes, names) in resources {
        let resource = routes.into_iter().fold(web::resource(path), actix_web::Resource::route);
        let allowed = names.join(", ");
        service.service(
            resource.default_service(web::to(move |request: HttpRequest| method_not_allowed(request, allowed.clone()))),
        );
    }
    service.default_service(web::to(not_found));
}

async fn method_not_allowed(request: HttpRequest, allowed: String) -> HttpResponse {
    let detail = format!("{} is not a method of {}", request.method(), request.path());
    let mut response = Problem::method_not_allowed(detail).error_response();
    if let Ok(allowed) = HeaderValue::from_str(&allowed) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

async fn not_found(request: HttpRequest) -> Result<HttpResponse, Problem> {
    Err(Problem::not_found(format!("there is nothing at {}", request.path()))
        .hint("`GET /openapi.json` describes what there is"))
}
