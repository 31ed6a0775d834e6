//! Name resolution inside this process.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{NameServerConfig, ResolverConfig};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;

/// Resolves names without the C library, whose resolver a static binary must not load, in images that may lack
/// `/etc/resolv.conf`. `/etc/hosts` is read; mDNS, LDAP and other NSS modules are not consulted.
///
/// The configuration is read once per resolver, so a failure throws the resolver away and the next question reads it
/// anew: a laptop that changed networks or a pod whose file was written late recovers by itself.
#[derive(Debug, Clone, Default)]
pub struct Dns {
    resolver: Arc<Mutex<Option<Arc<TokioResolver>>>>,
}

impl Dns {
    /// With the system's configuration, read when the first name is asked for.
    #[must_use]
    pub fn from_system() -> Self {
        Self::default()
    }

    /// Addresses of a host, at least one. Literal addresses, also in brackets, are never looked up: with `ndots` above 3,
    /// as in every Kubernetes pod, they would go through the search list.
    ///
    /// # Errors
    /// When the name has no address or no name server answers.
    pub async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Some(address) = literal(host) {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let resolver = self.current()?;
        match resolver.lookup_ip(host).await {
            Ok(found) => Ok(found.iter().map(|address| SocketAddr::new(address, port)).collect()),
            Err(error) => {
                *self.resolver.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Err(io::Error::other(error))
            }
        }
    }

    /// Whether an error of [`Dns::resolve`] means that the name has no address, rather than that nobody answered.
    #[must_use]
    pub fn says_there_is_none(error: &io::Error) -> bool {
        let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<NetError>());
        cause.is_some_and(|cause| cause.is_nx_domain() || cause.is_no_records_found())
    }

    fn current(&self) -> io::Result<Arc<TokioResolver>> {
        let mut resolver = self.resolver.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(resolver) = resolver.as_ref() {
            return Ok(Arc::clone(resolver));
        }
        // Without /etc/resolv.conf there may still be a name server where Docker and systemd put theirs.
        let builder = TokioResolver::builder_tokio().unwrap_or_else(|_| {
            let local = NameServerConfig::udp_and_tcp(IpAddr::from([127, 0, 0, 1]));
            TokioResolver::builder_with_config(
                ResolverConfig::from_parts(None, vec![], vec![local]),
                TokioRuntimeProvider::default(),
            )
        });
        let built = Arc::new(builder.build().map_err(io::Error::other)?);
        *resolver = Some(Arc::clone(&built));
        Ok(built)
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn literals_are_not_looked_up() {
        let dns = Dns::from_system();
        for (host, address) in [("127.0.0.1", "127.0.0.1:5672"), ("::1", "[::1]:5672"), ("[::1]", "[::1]:5672")] {
            let expected: SocketAddr = address.parse().expect("is an address");
            assert_eq!(dns.resolve(host, 5672).await.expect("needs no name server"), [expected]);
        }
        assert!(dns.resolver.lock().expect("nobody panicked").is_none(), "no resolver was needed");
    }

    #[tokio::test]
    async fn localhost_is_this_machine() {
        let found = Dns::from_system().resolve("localhost", 1).await.expect("needs no name server");
        assert!(found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
    }
}
