//! `attune-canary [--executions N] [--slots N]`: secrets given to many executions that do all they can to write them down.
//! One JSON object on standard output; exit code 1 when a secret was found anywhere.
#![expect(clippy::print_stdout, reason = "the report is this program's output")]

use std::error::Error;
use std::process::ExitCode;

use attune_security_tests::canary::{Order, run};
use attune_testkit::postgres::TestDatabase;
use attune_testkit::rabbitmq::TestBroker;

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let (mut executions, mut slots) = (1000, 8);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let number = arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--executions" => executions = number.parse()?,
            "--slots" => slots = number.parse()?,
            _ => return Err(format!("{argument} is unknown; use --executions N or --slots N").into()),
        }
    }
    let (database, broker) = (TestDatabase::create().await, TestBroker::create().await);
    let order =
        Order { executions, slots, database_url: database.url().to_owned(), broker_url: broker.url().to_owned() };
    let database = std::sync::Arc::new(database);
    let dumped = std::sync::Arc::clone(&database);
    let report = tokio::task::spawn_blocking(move || run(&order, || Ok(dumped.dump()))).await??;
    println!("{:#}", report.to_json());
    Ok(if report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
