//! What works on this machine, and what to do about the rest.
//!
//! Facts come from the crates that use them (`attune-process` for the kernel, `attune-runtime` for interpreters,
//! `attune-store` and `attune-queue` for the services); here they are judged. Both `attune doctor` and
//! `attune-agent doctor` print the same findings.

mod clocks;
mod disk;
mod finding;
mod interpreters;
mod kernel;
mod limits;
mod names;
mod render;
mod services;
mod supervision;

use attune_config::Config;
use attune_pack::Library;

pub use finding::{Finding, State};
pub use render::render;

/// Examines this machine as a worker with this configuration would find it. Call it while the process has no other
/// thread: what may be limited is found out by trying, in children that are forked.
///
/// `needs_services`: without a database and a broker in the configuration nothing works (a worker of its own), or both
/// are embedded (`attune` alone).
///
/// # Errors
///
/// When no runtime can be made to ask the services with.
pub fn examine(config: &Config, library: &Library, needs_services: bool) -> std::io::Result<Vec<Finding>> {
    let reading = clocks::Reading::take();
    let mut findings = limits::findings();
    findings.extend(kernel::findings(config));
    findings.extend(disk::findings(&config.paths));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    findings.extend(runtime.block_on(async {
        let mut findings = interpreters::findings(
            library,
            &config.worker.capabilities.runtimes,
            config.paths.runtime_hints.as_deref(),
        )
        .await;
        findings.extend(names::findings(config).await);
        findings.extend(services::findings(config, needs_services).await);
        findings
    }));
    findings.push(supervision::finding());
    findings.push(reading.judge());
    // What needs a hand comes first; otherwise the order in which it was looked at.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.state));
    Ok(findings)
}

/// Whether a worker can do its work here.
#[must_use]
pub fn is_usable(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.state != State::Fail)
}
