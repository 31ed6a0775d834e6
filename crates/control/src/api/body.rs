//! Reads request bodies: bounded in size and in time, and JSON alone.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use attune_types::InlineCode;
use futures_util::StreamExt;
use serde_json::Value;

use super::fields::Fields;
use super::problem::Problem;

/// The largest body of a single request in bytes: 1 MiB, and what inline code may take as JSON text on top (its quotes
/// and line ends are two bytes there).
pub(crate) const MOST: usize = (1 << 20) + 2 * InlineCode::MAX_BYTES;

/// The largest body of a batch in bytes.
pub(crate) const MOST_OF_A_BATCH: usize = 16 << 20;

/// How long a body may take to arrive.
const PATIENCE: Duration = Duration::from_secs(30);

/// Reads a body of at most `most` bytes.
async fn read(request: &HttpRequest, mut payload: web::Payload, most: usize) -> Result<web::BytesMut, Problem> {
    let too_large = || Problem::too_large(format!("a body may have {most} bytes"));
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.and_then(|text| text.parse::<usize>().ok()).is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let reading = async {
        let mut body = web::BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| Problem::malformed(format!("the body broke off: {error}")))?;
            if body.len() + chunk.len() > most {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    };
    tokio::time::timeout(PATIENCE, reading)
        .await
        .unwrap_or_else(|_| Err(Problem::request_timeout(format!("a body has {} s to arrive", PATIENCE.as_secs()))))
}

/// Whether the request says that its body is JSON. Asking for it also keeps foreign web pages out: a page cannot send
/// this type elsewhere without asking first, and nobody here says yes.
fn is_json(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    content_type.split(';').next().unwrap_or("").trim().eq_ignore_ascii_case("application/json")
}

/// The value of a body, exactly as it was sent: what other readers round, drop or replace is refused with its place.
fn parse(body: &[u8]) -> Result<Value, Problem> {
    attune_pack::read_json(body)
        .map_err(|error| Problem::malformed(format!("the body is not JSON that can be kept: {error}")))
}

/// Reads the body as one JSON value.
pub(crate) async fn json(request: &HttpRequest, payload: web::Payload, most: usize) -> Result<Value, Problem> {
    let body = read(request, payload, most).await?;
    if !is_json(request) {
        return Err(Problem::unsupported_media_type("send the body with `Content-Type: application/json`"));
    }
    parse(&body)
}

/// Reads the body as one JSON object.
pub(crate) async fn object(request: &HttpRequest, payload: web::Payload, most: usize) -> Result<Fields, Problem> {
    let value = json(request, payload, most).await?;
    Fields::of("", value).map_err(|problem| Problem::invalid(vec![problem]))
}

/// As [`object`], for requests that need no body: an empty one reads as an empty object.
pub(crate) async fn optional_object(request: &HttpRequest, payload: web::Payload) -> Result<Fields, Problem> {
    let body = read(request, payload, MOST).await?;
    let value = if body.iter().all(u8::is_ascii_whitespace) {
        Value::Object(serde_json::Map::new())
    } else if is_json(request) {
        parse(&body)?
    } else {
        return Err(Problem::unsupported_media_type("send the body with `Content-Type: application/json`"));
    };
    Fields::of("", value).map_err(|problem| Problem::invalid(vec![problem]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_kept_exactly_or_refused_with_its_place() {
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        for (body, words) in [
            ("{\"parameters\":\n {\"a\": \"\\ud800\"}}", "line 2 column 15: a lone surrogate"),
            ("{\"a\": 1, \"a\": 2}", "line 1 column 12: duplicate key \"a\""),
            ("[123456789012345678901234567890]", "line 1 column 2: the integer"),
            ("[NaN]", "line 1 column 2: JSON has no NaN"),
            (deep.as_str(), "line 1 column 128: recursion limit"),
        ] {
            let problem = parse(body.as_bytes()).expect_err(words);
            assert_eq!(problem.status, 400);
            assert!(problem.detail.contains(words), "{}", problem.detail);
        }
        assert_eq!(parse(b"{\"a\": \"\xff\"}").expect_err("not UTF-8").status, 400);
        assert_eq!(parse(br#"{"a": "\u0000"}"#).expect("kept"), serde_json::json!({"a": "\0"}));
    }
}
