//! `--detect-only`: what this machine can run.

use std::fmt::Write;
use std::io;

use attune_config::Config;
use attune_pack::Library;
use attune_process::{Launcher, LauncherProgram};
use attune_runtime::{CleanEnvironment, DetectOptions, Detection, Selection, with_builtin};

/// Looks for interpreters as a worker would; a table for people or JSON for programs.
pub(crate) fn run(config: &Config, json: bool) -> io::Result<String> {
    let library = Library::scan(&config.packs.directories);
    let environment = CleanEnvironment::from_inherited(std::env::vars_os());
    let specs = with_builtin(library.runtimes().cloned().collect());
    let mut options = DetectOptions::new(specs, environment.get("PATH").unwrap_or_default());
    let configured = &config.worker.capabilities.runtimes;
    options.selection = Selection::decide(None, Some(configured));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let launcher = Launcher::start(LauncherProgram::Own)?;
    let detection = runtime.block_on(attune_runtime::detect(&options, &launcher));
    if json {
        let document = serde_json::json!({"interpreters": detection.interpreters, "warnings": detection.warnings});
        return Ok(format!("{document:#}\n"));
    }
    Ok(table(&detection))
}

fn table(detection: &Detection) -> String {
    let mut rows = vec![["RUNTIME".to_owned(), "VERSION".to_owned(), "PATH".to_owned()]];
    rows.extend(detection.interpreters.iter().map(|found| {
        let path = if found.path.is_empty() { "(the action itself)".to_owned() } else { found.path.clone() };
        let version = if found.version.is_empty() { "-".to_owned() } else { found.version.clone() };
        [found.runtime.clone(), version, path]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let mut text = String::new();
    for [runtime, version, path] in &rows {
        // Writing to a string cannot fail.
        let _written = writeln!(text, "{runtime:first$}  {version:second$}  {path}");
    }
    for warning in &detection.warnings {
        let _written = writeln!(text, "warning: {warning}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::DetectedInterpreter;

    #[test]
    fn the_table_is_aligned() {
        let found = |runtime: &str, path: &str, version: &str| DetectedInterpreter {
            runtime: runtime.into(),
            path: path.into(),
            version: version.into(),
            ..DetectedInterpreter::default()
        };
        let detection = Detection {
            interpreters: vec![found("python", "/usr/bin/python3", "3.11.2"), found("native", "", "")],
            warnings: vec!["/usr/bin/ruby is not used: it hangs".into()],
        };
        assert_eq!(
            table(&detection),
            "RUNTIME  VERSION  PATH\npython   3.11.2   /usr/bin/python3\nnative   -        (the action itself)\n\
             warning: /usr/bin/ruby is not used: it hangs\n"
        );
    }
}
