//! How programs learn of the way to the network.

/// Variables that tell a program which proxies it goes through and whose certificates it trusts. Whoever runs a worker
/// or a command says it once, and every tool that fetches something is told the same.
pub const NETWORK_VARIABLES: [&str; 10] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];
