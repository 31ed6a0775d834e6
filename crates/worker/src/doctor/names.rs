//! Names of hosts.

use std::time::Duration;

use attune_config::{Config, SecretUrl};
use attune_process::clock;
use attune_queue::Dns;
use tokio::time::timeout;

use super::Finding;

/// How long a name may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// One line for every host that the configuration names, resolved as a worker resolves it.
pub(super) async fn findings(config: &Config) -> Vec<Finding> {
    let urls: [Option<&SecretUrl>; 2] = [config.database.url.as_ref(), config.message_queue.url.as_ref()];
    let mut hosts: Vec<String> = urls.into_iter().flatten().filter_map(|url| host_of(url.expose())).collect();
    hosts.sort();
    hosts.dedup();
    let mut findings = Vec::new();
    for host in hosts {
        findings.push(resolved(&host).await);
    }
    if findings.is_empty() {
        findings.push(Finding::ok("DNS", "no host is configured, so no name is needed"));
    }
    findings
}

async fn resolved(host: &str) -> Finding {
    let started = clock::boot();
    let advice = "look at /etc/resolv.conf and /etc/hosts, and at the name itself";
    match timeout(PATIENCE, Dns::from_system().resolve(host, 0)).await {
        Ok(Ok(addresses)) => {
            let first = addresses.first().map(|address| address.ip().to_string()).unwrap_or_default();
            let more = if addresses.len() > 1 { format!(" and {} more", addresses.len() - 1) } else { String::new() };
            Finding::ok(
                "DNS",
                format!("{host} is {first}{more}, after {} ms", clock::boot().saturating_sub(started).as_millis()),
            )
        }
        Ok(Err(error)) => Finding::fail("DNS", format!("{host}: {error}"), advice),
        Err(_) => Finding::fail("DNS", format!("{host}: no answer within {} s", PATIENCE.as_secs()), advice),
    }
}

/// The host of a URL; `None` where none is named, as in `sqlite:` and for sockets in the file system.
fn host_of(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    let place = place.split(['/', '?', '#']).next()?;
    let host = match place.strip_prefix('[') {
        Some(literal) => literal.split(']').next()?,
        None => place.split(':').next()?,
    };
    (!host.is_empty() && !host.starts_with('%') && !url.starts_with("sqlite")).then(|| host.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_a_url_is_found_whatever_is_around_it() {
        for (url, host) in [
            ("postgres://u:p%40@db.example:5432/attune?sslmode=require", Some("db.example")),
            ("amqp://rabbit", Some("rabbit")),
            ("amqps://u:p@ss@[::1]:5671/%2f", Some("::1")),
            ("postgres:///attune?host=/run/postgresql", None),
            ("postgres://%2Frun%2Fpostgresql/attune", None),
            ("sqlite:attune.db", None),
            ("sqlite:///var/lib/attune.db", None),
        ] {
            assert_eq!(host_of(url).as_deref(), host, "{url}");
        }
    }
}
