//! Every route of the API, in one table. The router is made from it, and the test that compares it with the OpenAPI
//! document reads it too.

use std::sync::OnceLock;

use actix_web::http::Method;
use actix_web::{HttpRequest, Route, web};

use super::executions::{cancel, explain, list, read, retry, submit};
use super::problem::Problem;
use super::{artifacts, environments, health, logs, openapi, packs, workers};

/// One method of one path.
pub(crate) struct Endpoint {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// Whether it answers without a token.
    pub(crate) open: bool,
    route: Route,
}

fn get(path: &'static str, route: Route) -> Endpoint {
    Endpoint { method: Method::GET, path, open: false, route }
}

fn post(path: &'static str, route: Route) -> Endpoint {
    Endpoint { method: Method::POST, path, open: false, route }
}

fn open(path: &'static str, route: Route) -> Endpoint {
    Endpoint { open: true, ..get(path, route) }
}

/// Every route. Paths without the prefix are the places where orchestrators look for them.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    vec![
        open("/health/live", web::to(health::live)),
        open("/health/ready", web::to(health::ready)),
        open("/openapi.json", web::to(openapi::openapi)),
        open("/api/v1/health/live", web::to(health::live)),
        open("/api/v1/health/ready", web::to(health::ready)),
        open("/api/v1/openapi.json", web::to(openapi::openapi)),
        get("/api/v1/executions", web::to(list::list)),
        post("/api/v1/executions", web::to(submit::submit)),
        post("/api/v1/executions/batch", web::to(submit::submit_batch)),
        get("/api/v1/executions/{id}", web::to(read::read)),
        get("/api/v1/executions/{id}/attempts", web::to(read::attempts)),
        get("/api/v1/executions/{id}/events", web::to(read::events)),
        get("/api/v1/executions/{id}/timeline", web::to(read::timeline)),
        get("/api/v1/executions/{id}/logs", web::to(logs::read)),
        get("/api/v1/executions/{id}/artifacts", web::to(artifacts::list)),
        get("/api/v1/executions/{id}/artifacts/{path:.*}", web::to(artifacts::read)),
        get("/api/v1/executions/{id}/explain", web::to(explain::explain_execution)),
        post("/api/v1/executions/{id}/cancel", web::to(cancel::cancel)),
        post("/api/v1/executions/{id}/retry", web::to(retry::retry)),
        get("/api/v1/workers", web::to(workers::list)),
        get("/api/v1/workers/{name}", web::to(workers::read)),
        post("/api/v1/workers/{name}/drain", web::to(workers::drain)),
        post("/api/v1/workers/{name}/resume", web::to(workers::resume)),
        get("/api/v1/packs", web::to(packs::list)),
        post("/api/v1/packs", web::to(packs::register)),
        get("/api/v1/actions", web::to(packs::actions)),
        get("/api/v1/actions/{ref}", web::to(packs::action)),
        get("/api/v1/runtimes", web::to(packs::runtimes)),
        get("/api/v1/environments", web::to(environments::list)),
    ]
}

/// Whether a path answers without a token.
pub(crate) fn is_open(path: &str) -> bool {
    static OPEN: OnceLock<Vec<&'static str>> = OnceLock::new();
    let open = OPEN.get_or_init(|| {
        endpoints().into_iter().filter(|endpoint| endpoint.open).map(|endpoint| endpoint.path).collect()
    });
    open.contains(&path)
}

/// Puts every route in its place.
pub(crate) fn configure(service: &mut web::ServiceConfig) {
    let mut resources: Vec<(&'static str, Vec<Route>)> = Vec::new();
    for Endpoint { method, path, route, .. } in endpoints() {
        let route = route.method(method);
        match resources.iter_mut().find(|(known, _)| *known == path) {
            Some((_, routes)) => routes.push(route),
            None => resources.push((path, vec![route])),
        }
    }
    for (path, routes) in resources {
        let resource = routes.into_iter().fold(web::resource(path), actix_web::Resource::route);
        service.service(resource.default_service(web::to(method_not_allowed)));
    }
    service.default_service(web::to(not_found));
}

async fn method_not_allowed(request: HttpRequest) -> Result<actix_web::HttpResponse, Problem> {
    Err(Problem::method_not_allowed(format!("{} is not a method of {}", request.method(), request.path())))
}

async fn not_found(request: HttpRequest) -> Result<actix_web::HttpResponse, Problem> {
    Err(Problem::not_found(format!("there is nothing at {}", request.path()))
        .hint("`GET /openapi.json` describes what there is"))
}
