//! Keeps foreign web pages away from a server that has no token.
//!
//! Without a token the server listens on loopback alone, but every page in a browser on the same machine can reach that.
//! So such a server answers only requests that were addressed to a loopback name (a page that points its own name at
//! 127.0.0.1 is thereby refused) and that do not come from another page.

use actix_web::http::header::{self, HeaderMap};

use super::problem::Problem;

/// Whether `authority` (`host[:port]`) names this machine.
fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => authority.rsplit_once(':').map_or(authority, |(host, _)| host),
    };
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Lets a request pass that was addressed to this machine and comes from no foreign page.
pub(crate) fn check(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name| headers.get(name).map(|value: &header::HeaderValue| value.to_str().unwrap_or("?"));
    if let Some(host) = text(header::HOST)
        && !is_loopback(host)
    {
        return Err(Problem::forbidden_origin(format!("{host:?} is not a name of this machine")));
    }
    if let Some(origin) = text(header::ORIGIN) {
        let authority = origin.split_once("://").map_or("", |(_, authority)| authority);
        if !is_loopback(authority) {
            return Err(Problem::forbidden_origin(format!("the page {origin:?} is not served by this machine")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn headers(host: &str, origin: Option<&str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_str(host).expect("a header"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_str(origin).expect("a header"));
        }
        headers
    }

    #[test]
    fn only_this_machine_may_ask() {
        for (host, origin) in [
            ("127.0.0.1:8080", None),
            ("localhost:8080", Some("http://localhost:8080")),
            ("[::1]:8080", Some("http://[::1]:8080")),
            ("127.0.0.1", Some("http://127.0.0.1:3000")),
        ] {
            assert!(check(&headers(host, origin)).is_ok(), "{host} {origin:?}");
        }
        for (host, origin) in [
            ("evil.example:8080", None),
            ("127.0.0.1.evil.example", None),
            ("localhost:8080", Some("https://evil.example")),
            ("localhost:8080", Some("null")),
            ("localhost:8080", Some("http://localhost.evil.example")),
        ] {
            assert!(check(&headers(host, origin)).is_err(), "{host} {origin:?}");
        }
    }
}
