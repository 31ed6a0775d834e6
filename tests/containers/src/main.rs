//! `attune-containers [PROOF...]`: the proofs that take a container engine, all or those that are named.
//!
//! Static programs are taken from `ATTUNE_STATIC_DIR` or `target/static`. Ends with 0 when everything holds, with 1 when
//! something does not, with 69 and the reason where no engine can be had, with 64 for a proof that nobody knows.

use std::process::ExitCode;
use std::time::Instant;

use attune_container_tests::{Engine, PROOFS, Programs, Proof};

fn main() -> ExitCode {
    let named: Vec<String> = std::env::args().skip(1).collect();
    if let Some(unknown) = named.iter().find(|name| !PROOFS.iter().any(|proof| proof.name == *name)) {
        eprintln!("there is no proof {unknown:?}; there are:");
        for Proof { name, shows, .. } in PROOFS {
            eprintln!("  {name:14}{shows}");
        }
        return ExitCode::from(64);
    }
    let (engine, programs) = match (Engine::start(), Programs::find()) {
        (Ok(engine), Ok(programs)) => (engine, programs),
        (Err(reason), _) | (_, Err(reason)) => {
            eprintln!("container tests skipped: {reason}");
            return ExitCode::from(69);
        }
    };
    let (mut passed, mut failed) = (0, 0);
    for proof in PROOFS.iter().filter(|proof| named.is_empty() || named.iter().any(|name| name == proof.name)) {
        eprintln!("--- {}: {}", proof.name, proof.shows);
        let begun = Instant::now();
        match (proof.show)(engine.docker(), &programs) {
            Ok(lines) => {
                passed += 1;
                lines.iter().for_each(|line| eprintln!("    {line}"));
                eprintln!("    holds ({:.1} s)", begun.elapsed().as_secs_f64());
            }
            Err(error) => {
                failed += 1;
                eprintln!("    FAILED ({:.1} s): {error}", begun.elapsed().as_secs_f64());
            }
        }
    }
    eprintln!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
