//! The document that describes this API.

use actix_web::HttpResponse;
use actix_web::http::header;

/// Written by hand; a test compares it with the routes.
pub(crate) const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /openapi.json`
pub(crate) async fn openapi() -> HttpResponse {
    HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/json")).body(DOCUMENT)
}
