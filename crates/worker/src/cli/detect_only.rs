//! `--detect-only`: what this machine can run.

use std::fmt::Write;
use std::io;
use std::time::Duration;

use attune_config::Config;
use attune_pack::Library;
use attune_process::{Launcher, LauncherProgram, clock};
use attune_runtime::{CleanEnvironment, DetectOptions, Detection, with_builtin};
use attune_types::DetectedInterpreter;

/// Looks for interpreters as a worker would; a table for people or JSON for programs.
pub(crate) fn run(config: &Config, json: bool) -> io::Result<String> {
    let begun = clock::boot();
    let library = Library::scan(&config.packs.directories);
    let environment = CleanEnvironment::from_inherited(std::env::vars_os());
    let specs = with_builtin(library.runtimes().cloned().collect());
    let options = DetectOptions::new(specs, environment.get("PATH").unwrap_or_default())
        .in_environment(std::env::vars_os())
        .with_hints(config.paths.runtime_hints.as_deref())
        .wanting(&config.worker.capabilities.runtimes);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let launcher = Launcher::start(LauncherProgram::Own)?;
    let detection = runtime.block_on(attune_runtime::detect(&options, &launcher));
    let took = clock::boot().saturating_sub(begun);
    if json {
        let millis = |time: Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
        let slowest = detection.slowest.as_ref();
        let document = serde_json::json!({
            "interpreters": detection.interpreters,
            "warnings": detection.warnings,
            // The whole look, packs and definitions included, and the version command that took longest in it.
            "took_ms": millis(took),
            "slowest": slowest.map(|(path, time)| serde_json::json!({"path": path.to_string_lossy(), "took_ms": millis(*time)})),
        });
        return Ok(format!("{document:#}\n"));
    }
    Ok(table(&detection))
}

const HEADINGS: [&str; 5] = ["RUNTIME", "VERSION", "PATH", "LIBC", "NOTE"];

fn table(detection: &Detection) -> String {
    let mut rows = vec![HEADINGS.map(str::to_owned)];
    rows.extend(detection.interpreters.iter().map(row));
    let widths: Vec<usize> = (0..HEADINGS.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{}  ", shown(cell, *width)));
        // Writing to a string cannot fail.
        let _written = writeln!(text, "{}", cells.collect::<String>().trim_end());
    }
    for warning in &detection.warnings {
        let _written = writeln!(text, "warning: {}", shown(warning, 0));
    }
    text
}

fn row(found: &DetectedInterpreter) -> [String; 5] {
    let or = |text: &str, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
    let libc = match found.libc {
        Some(libc) => libc.to_string(),
        None => "-".to_owned(),
    };
    let foreign = match found.architecture.as_str() {
        "" => None,
        architecture if architecture == std::env::consts::ARCH => None,
        architecture => Some(format!("made for {architecture}")),
    };
    let link =
        (!found.real_path.is_empty() && found.real_path != found.path).then(|| format!("is {}", found.real_path));
    let note = (!found.note.is_empty()).then(|| found.note.clone());
    let notes: Vec<String> = [note, foreign, link].into_iter().flatten().collect();
    [found.runtime.clone(), or(&found.version, "-"), or(&found.path, "(the action itself)"), libc, notes.join("; ")]
}

/// Names of files may hold anything; what is printed moves no cursor.
fn shown(text: &str, width: usize) -> String {
    let plain: String = text.chars().map(|character| if character.is_control() { '?' } else { character }).collect();
    format!("{plain:width$}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::Libc;

    #[test]
    fn the_table_is_aligned_and_moves_no_cursor() {
        let found = |runtime: &str, path: &str, version: &str| DetectedInterpreter {
            runtime: runtime.into(),
            path: path.into(),
            version: version.into(),
            ..DetectedInterpreter::default()
        };
        let detection = Detection {
            interpreters: vec![
                DetectedInterpreter {
                    libc: Some(Libc::Glibc),
                    real_path: "/usr/bin/python3.11".into(),
                    note: "from /.attune-runtime.yaml".into(),
                    ..found("python", "/usr/bin/python3", "3.11.2")
                },
                found("native", "", ""),
            ],
            warnings: vec!["/usr/bin/\u{1b}[2Jruby is not used: it hangs".into()],
            ..Detection::default()
        };
        assert_eq!(
            table(&detection),
            "RUNTIME  VERSION  PATH                 LIBC   NOTE\n\
             python   3.11.2   /usr/bin/python3     glibc  from /.attune-runtime.yaml; is /usr/bin/python3.11\n\
             native   -        (the action itself)  -\n\
             warning: /usr/bin/?[2Jruby is not used: it hangs\n"
        );
    }
}
