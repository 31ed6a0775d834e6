//! `attune-fuzz [--seconds N] [--seed N] [TARGET...]`: every target for a while.

use std::fs;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use attune_fuzz::{TARGETS, corpus, fuzz};

fn main() -> ExitCode {
    let (mut seconds, mut seed, mut names) = (60_u64, 1_u64, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1);
        match argument.as_str() {
            "--seconds" => seconds = number(),
            "--seed" => seed = number(),
            _ => names.push(argument),
        }
    }
    // What is found is told once, below.
    std::panic::set_hook(Box::new(|_| {}));
    let mut out = std::io::stdout();
    let mut code = ExitCode::SUCCESS;
    for target in TARGETS.iter().filter(|target| names.is_empty() || names.iter().any(|name| name == target.name)) {
        let files = fs::read_dir(corpus(target.name)).into_iter().flatten().flatten();
        let examples: Vec<Vec<u8>> = files.filter_map(|file| fs::read(file.path()).ok()).collect();
        let line = match fuzz(*target, &examples, Duration::from_secs(seconds), seed) {
            Ok(count) => {
                format!("{{\"target\":\"{}\",\"seconds\":{seconds},\"inputs\":{count},\"seed\":{seed}}}", target.name)
            }
            Err(found) => {
                code = ExitCode::FAILURE;
                let path = corpus(target.name).join(format!("found-{:016x}", fingerprint(&found.input)));
                let kept = fs::create_dir_all(corpus(target.name)).and_then(|()| fs::write(&path, &found.input));
                let place = kept.map_or_else(|error| error.to_string(), |()| path.display().to_string());
                format!("{}: {}\n  input: {place}", target.name, found.message)
            }
        };
        if writeln!(out, "{line}").is_err() {
            return ExitCode::FAILURE;
        }
    }
    code
}

fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
