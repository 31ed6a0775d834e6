//! What is measured: `attune dev` in one process, and server and worker on a real database and broker.

use std::io;
use std::path::Path;
use std::time::Instant;

use attune_end_to_end::{Client, Deployment, Program, repository};
use serde_json::json;

use crate::Options;
use crate::floor::PATH;
use crate::report::Report;

/// A running deployment and how to reach it.
pub(crate) struct Running {
    pub(crate) client: Client,
    /// Programs whose processor time counts, by name.
    pub(crate) parts: Parts,
}

/// The programs behind a deployment; dropping them stops it.
pub(crate) enum Parts {
    Embedded { program: Program, _folder: tempfile::TempDir },
    Distributed(Deployment),
}

impl Running {
    /// Processor milliseconds so far, by program.
    pub(crate) fn processor_ms(&self) -> Vec<(&'static str, u64)> {
        match &self.parts {
            Parts::Embedded { program, .. } => vec![("attune dev", program.processor_ms())],
            Parts::Distributed(deployment) => vec![
                ("attune-server", deployment.server.processor_ms()),
                ("attune-worker", deployment.workers.iter().map(Program::processor_ms).sum()),
            ],
        }
    }
}

impl Running {
    /// The most memory that each program has had, by name.
    pub(crate) fn peak_bytes(&self) -> Vec<(&'static str, u64)> {
        match &self.parts {
            Parts::Embedded { program, .. } => vec![("attune dev", program.peak_bytes())],
            Parts::Distributed(deployment) => {
                let workers = deployment.workers.iter().map(Program::peak_bytes).max().unwrap_or(0);
                vec![("attune-server", deployment.server.peak_bytes()), ("attune-worker", workers)]
            }
        }
    }
}

/// Starts `attune dev` in a fresh folder.
pub(crate) fn embedded(options: &Options, report: &Report) -> io::Result<Running> {
    let folder = tempfile::Builder::new().prefix("attune-bench-").tempdir()?;
    let packs = repository().join("packs").display().to_string();
    let slots = options.slots.to_string();
    let environment = [
        ("PATH", PATH),
        ("ATTUNE__PACKS__DIRECTORIES", packs.as_str()),
        ("ATTUNE__WORKER__MAX_CONCURRENT_TASKS", slots.as_str()),
        ("ATTUNE__LOG__FORMAT", "text"),
    ];
    let start = Instant::now();
    let program = Program::start("attune", "dev", &["dev", "--port", "0"], &environment, folder.path())?;
    let (address, token) = wait_for_announcement(&program, folder.path())?;
    let client = Client::new(&address).with_token(&token);
    while client.get("/workers").map_or(0, |body| body["items"].as_array().map_or(0, Vec::len)) == 0 {
        breathe(start)?;
    }
    report.single("start_to_consuming", "ms", elapsed_ms(start), &json!({"deployment": "embedded"}));
    rest();
    report.single("idle_resident", "bytes", program.resident_bytes() as f64, &json!({"program": "attune dev"}));
    Ok(Running { client, parts: Parts::Embedded { program, _folder: folder } })
}

/// Starts one server and one worker.
pub(crate) fn distributed(options: &Options, report: &Report, database: &str, broker: &str) -> io::Result<Running> {
    let mut deployment = Deployment::start(database, broker, &[])?;
    let start = Instant::now();
    deployment.add_worker("bench", options.slots, &[("PATH", PATH)])?;
    while !deployment.workers[0].printed().contains("consuming") {
        breathe(start)?;
    }
    report.single("start_to_consuming", "ms", elapsed_ms(start), &json!({"deployment": "postgres+rabbitmq"}));
    deployment.wait_for_workers(1)?;
    rest();
    for (name, program) in [("attune-server", &deployment.server), ("attune-worker", &deployment.workers[0])] {
        report.single("idle_resident", "bytes", program.resident_bytes() as f64, &json!({"program": name}));
    }
    Ok(Running { client: deployment.client(), parts: Parts::Distributed(deployment) })
}

/// `attune dev` writes where it listens and its token beside its data.
fn wait_for_announcement(program: &Program, folder: &Path) -> io::Result<(String, String)> {
    let start = Instant::now();
    loop {
        let read = |name: &str| std::fs::read_to_string(folder.join(".attune").join(name)).unwrap_or_default();
        let announced: serde_json::Value = serde_json::from_str(&read("address.json")).unwrap_or_default();
        let address = announced["url"].as_str().unwrap_or_default().to_owned();
        let token = read("token").trim().to_owned();
        if !address.is_empty() && !token.is_empty() && Client::new(&address).is_ready() {
            return Ok((address, token));
        }
        if let Err(error) = breathe(start) {
            return Err(io::Error::other(format!("{error}: {}", program.printed())));
        }
    }
}

fn elapsed_ms(start: Instant) -> f64 {
    start.elapsed().as_secs_f64() * 1000.0
}

#[expect(clippy::disallowed_methods, reason = "a benchmark's main thread waits; nothing else runs on it")]
fn breathe(start: Instant) -> io::Result<()> {
    if start.elapsed().as_secs() > 30 {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "the deployment did not come up within 30 s"));
    }
    std::thread::sleep(std::time::Duration::from_millis(1));
    Ok(())
}

/// Lets start-up work settle before memory is read.
#[expect(clippy::disallowed_methods, reason = "a benchmark's main thread waits; nothing else runs on it")]
fn rest() {
    std::thread::sleep(std::time::Duration::from_secs(3));
}
