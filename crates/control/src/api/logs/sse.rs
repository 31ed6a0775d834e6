//! Server-sent events, as the HTML standard writes them.

use actix_web::web::Bytes;
use serde::Serialize;

/// One event. `data` is JSON and therefore one line.
pub(crate) fn event(name: &str, id: Option<i64>, data: &impl Serialize) -> Bytes {
    let data = serde_json::to_string(data).unwrap_or_default();
    let id = id.map_or_else(String::new, |id| format!("id: {id}\n"));
    Bytes::from(format!("{id}event: {name}\ndata: {data}\n\n"))
}

/// What a stream begins with: how long a client waits before it connects again, in milliseconds.
pub(crate) fn opening() -> Bytes {
    Bytes::from_static(b"retry: 1000\n\n")
}

/// Says that the server is still there; clients ignore it.
pub(crate) fn keep_alive() -> Bytes {
    Bytes::from_static(b": still here\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_is_a_block_of_lines() {
        assert_eq!(
            event("log", Some(3), &json!({"text": "a\nb"})),
            "id: 3\nevent: log\ndata: {\"text\":\"a\\nb\"}\n\n"
        );
        assert_eq!(event("end", None, &json!(1)), "event: end\ndata: 1\n\n");
    }
}
