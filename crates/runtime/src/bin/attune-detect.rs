//! Prints the interpreters of this machine and how long it took to find them.

use std::io::Write;

use attune_process::{Launcher, LauncherProgram, clock};
use attune_runtime::{DetectOptions, builtin_specs, detect};
use attune_types::Requirement;

fn main() -> std::io::Result<()> {
    attune_process::serve_as_launcher_if_asked();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(print())
}

async fn print() -> std::io::Result<()> {
    let launcher = Launcher::start(LauncherProgram::Own)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut out = std::io::stdout();
    let begun = clock::boot();
    let options = DetectOptions::new(builtin_specs(), &path).in_environment(std::env::vars_os()).with_hints(None);
    let known = clock::boot() - begun;
    let begun = clock::boot();
    let detection = detect(&options, &launcher).await;
    let everything = clock::boot() - begun;
    for one in &detection.interpreters {
        let libc = one.libc.map_or("-", |libc| libc.word());
        writeln!(out, "{:8} {:12} {:40} {libc:6} {}", one.runtime, one.version, one.path, one.architecture)?;
    }
    for warning in &detection.warnings {
        writeln!(out, "warning: {warning}")?;
    }
    let python = Requirement { runtime: "python".into(), ..Default::default() };
    let begun = clock::boot();
    detect(&DetectOptions::for_one(builtin_specs(), &path, &python), &launcher).await;
    writeln!(
        out,
        "definitions in {known:?}, everything in {everything:?}, one for a script in {:?}",
        clock::boot() - begun
    )
}
