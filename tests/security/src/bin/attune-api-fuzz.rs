//! `attune-api-fuzz [--seconds N] [--seed N] PROGRAM`: a public fuzzer of OpenAPI documents against a real server. `PROGRAM` is
//! `schemathesis`, which `scripts/fuzz-api.sh` installs. Exit code 1 when an answer was a fault of the server or not what
//! the document says.
#![expect(clippy::print_stdout, reason = "the verdict is this program's output")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

use attune_end_to_end::Deployment;
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;
use serde_json::json;

const TOKEN: &str = "att_0123456789abcdef";
/// What must hold for every answer: no fault, and what the document says.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
                      response_schema_conformance,ignored_auth,negative_data_rejection,unsupported_method,use_after_free";

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (mut seconds, mut seed, mut program) = (600_u64, 1_u64, String::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => seconds = arguments.next().unwrap_or_default().parse()?,
            "--seed" => seed = arguments.next().unwrap_or_default().parse()?,
            _ => program = argument,
        }
    }
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let home = tempfile::Builder::new().prefix("attune-api-fuzz-").tempdir()?;
    let (packs, key) = (home.path().join("packs"), home.path().join("key"));
    pack(&packs)?;
    fs::write(&key, "5".repeat(64))?;
    let (packs, key) = (packs.display().to_string(), key.display().to_string());
    let settings = [
        ("ATTUNE__PACKS__DIRECTORIES", packs.as_str()),
        ("ATTUNE__SECURITY__ENCRYPTION_KEY_FILE", key.as_str()),
        ("ATTUNE__SERVER__API_TOKEN", TOKEN),
        ("ATTUNE__SERVER__REQUESTS_PER_SECOND", "0"),
        ("ATTUNE__LOG__LEVEL", "attune_control=debug,info"),
        ("ATTUNE__LOG__FORMAT", "json"),
    ];
    let mut deployment = Deployment::start(database.url(), broker.url(), &settings)?;
    let client = deployment.client().with_token(TOKEN);
    // Something to ask about. The worker is gone before anything is made up: what is made up is not to be run.
    deployment.add_worker("w1", 2, &[("ATTUNE__PACKS__DIRECTORIES", packs.as_str())])?;
    for parameters in [json!({"text": "hello"}), json!({"text": "bye", "code": 3})] {
        let id = client.submit("fuzzed.speak", &parameters)?;
        client.wait(id)?;
    }
    client.post("/secrets", &json!({"name": "db.password", "value": "correct horse"}))?;
    deployment.workers.clear();

    let begun = Instant::now();
    let document = format!("{}/api/v1/openapi.json", deployment.address());
    let mut faults = Vec::new();
    let mut round = 0;
    while begun.elapsed().as_secs() < seconds && faults.is_empty() {
        // What the document says first, each of its limits among it; then what nobody thought of, in new ways each time.
        let phases = if round == 0 { "examples,coverage" } else { "fuzzing,stateful" };
        let left = seconds.saturating_sub(begun.elapsed().as_secs()).max(5).to_string();
        let part = ["run", "--phases", phases, "--max-examples", "100", "--max-time", &left];
        if !fuzz(&program, &part, &document, seed + round, home.path())? {
            faults.push(format!("round {round} found something"));
        }
        round += 1;
    }
    if !client.is_ready() {
        faults.push("the server is not ready any more".to_owned());
    }
    // The server's own word on what it answered.
    let log = deployment.server.printed();
    let (mut answers, mut broken) = (0_u64, 0_u64);
    for line in log.lines() {
        let Some((_, rest)) = line.split_once("\"http.status\":") else {
            if line.contains("panicked") {
                faults.push(line.to_owned());
            }
            continue;
        };
        answers += 1;
        if rest.starts_with('5') {
            broken += 1;
            faults.push(line.to_owned());
        }
    }
    for fault in faults.iter().take(20) {
        println!("{fault}");
    }
    println!(
        "{}",
        json!({"answers": answers, "answers_5xx": broken, "seconds": begun.elapsed().as_secs(), "rounds": round, "faults": faults.len()})
    );
    Ok(if faults.is_empty() && answers > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs a part of it; whether nothing was found.
#[expect(clippy::disallowed_methods, reason = "runs the fuzzer, which is no child of a worker")]
fn fuzz(program: &str, part: &[&str], document: &str, seed: u64, folder: &Path) -> Result<bool, Box<dyn Error>> {
    let mut command = Command::new(program);
    command.args(["--no-color"]).args(part).arg(document);
    command.args(["--seed", &seed.to_string(), "--checks", CHECKS, "--continue-on-failure"]);
    command.args(["--header", &format!("Authorization: Bearer {TOKEN}"), "--request-timeout", "60"]);
    let status = command.current_dir(folder).status().map_err(|error| format!("{program} cannot be run: {error}"))?;
    Ok(status.success())
}

/// A pack with an action that says something.
fn pack(packs: &Path) -> std::io::Result<()> {
    let actions = packs.join("fuzzed/actions");
    fs::create_dir_all(&actions)?;
    fs::write(packs.join("fuzzed/pack.yaml"), "ref: fuzzed\nversion: 1.0.0\n")?;
    fs::write(
        actions.join("speak.sh"),
        "cat; echo done >$ATTUNE_ARTIFACTS_DIR/report.txt; exit ${ATTUNE_PARAM_CODE:-0}\n",
    )?;
    fs::write(
        actions.join("speak.yaml"),
        "ref: fuzzed.speak\nrunner_type: shell\nentry_point: speak.sh\nartifacts: [\"*.txt\"]\nparameters:\n  text: {type: string}\n  code: {type: integer}\n  pin: {type: string, secret: true}\n",
    )
}
