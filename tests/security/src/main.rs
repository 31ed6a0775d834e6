//! `attune-attacks [--write] [SEC-01...]`: runs the tests of every attack and prints each with its verdict. With `--write`
//! it writes the table into `SECURITY.md` instead. Needs `cargo nextest`, and servers: run it with `with-services`.
#![expect(clippy::print_stdout, reason = "the verdicts are this program's output")]

use std::collections::BTreeMap;
use std::error::Error;
use std::process::{Command, ExitCode};
use std::time::Instant;

use attune_security_tests::{Proof, ROWS, Row, page, repository};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted.iter().any(|word| word == "--write") {
        let path = repository().join("SECURITY.md");
        let text = page(&std::fs::read_to_string(&path)?).ok_or("SECURITY.md has no place for the table")?;
        std::fs::write(path, text)?;
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<&Row> = ROWS.iter().filter(|row| wanted.is_empty() || wanted.iter().any(|id| id == row.id)).collect();
    let begun = Instant::now();
    let ends = run(&rows)?;
    let seconds = begun.elapsed().as_secs();
    let mut failed = 0;
    for row in &rows {
        let verdicts: Vec<&str> =
            row.tests.iter().map(|proof| ends.get(&key(proof)).map_or("MISSING", String::as_str)).collect();
        let verdict = match verdicts.iter().find(|verdict| **verdict != "PASS") {
            _ if row.tests.is_empty() => "not tried",
            None => "refused",
            Some(_) => "NOT REFUSED",
        };
        failed += usize::from(verdict == "NOT REFUSED");
        println!("{} {verdict}: {}", row.id, row.attack);
        println!("    expected: {}", row.refusal);
        println!("    level:    {}", row.level);
        for (proof, verdict) in row.tests.iter().zip(&verdicts) {
            println!("    {verdict:<7}   {} {}", proof.package, proof.test);
        }
        if !row.apart.is_empty() {
            println!("    not tried: {}", row.apart);
        }
    }
    println!("{} attacks, {} tests, {failed} not refused, {seconds} s", rows.len(), ends.len());
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn key(proof: &Proof) -> (String, String) {
    (proof.package.to_owned(), proof.test.to_owned())
}

/// Runs the tests of these rows; how each ended. A test that stands in several modules passes when all of them pass.
#[expect(clippy::disallowed_methods, reason = "runs the runner of tests, which is no child of a worker")]
fn run(rows: &[&Row]) -> Result<BTreeMap<(String, String), String>, Box<dyn Error>> {
    let proofs: Vec<&Proof> = rows.iter().flat_map(|row| row.tests).collect();
    let mut filters: Vec<String> =
        proofs.iter().map(|proof| format!("(package({}) & test(/(^|::){}$/))", proof.package, proof.test)).collect();
    filters.sort();
    filters.dedup();
    let mut packages: Vec<&str> = proofs.iter().map(|proof| proof.package).collect();
    packages.sort_unstable();
    packages.dedup();
    let mut command = Command::new("cargo");
    command.args(["nextest", "run", "--no-fail-fast", "--color", "never", "--status-level", "all"]);
    command.args(["--final-status-level", "none", "-E", &filters.join(" | ")]).current_dir(repository());
    command.args(packages.iter().flat_map(|package| ["-p", package]));
    let output = command.output().map_err(|error| format!("cargo nextest cannot be run: {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let mut ends: BTreeMap<(String, String), String> = BTreeMap::new();
    for line in said.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (Some(&verdict), [.., binary, name]) = (words.first(), words.as_slice()) else { continue };
        if !["PASS", "FAIL", "TIMEOUT", "SIGABRT", "SIGSEGV", "SIGKILL"].contains(&verdict) {
            continue;
        }
        let package = binary.split("::").next().unwrap_or_default().to_owned();
        let test = name.rsplit("::").next().unwrap_or_default().to_owned();
        let end = ends.entry((package, test)).or_insert_with(|| verdict.to_owned());
        if verdict != "PASS" {
            verdict.clone_into(end);
        }
    }
    if ends.is_empty() {
        return Err(format!("no test ran:\n{said}").into());
    }
    Ok(ends)
}
