//! Interpreters.

use std::path::Path;

use attune_pack::Library;
use attune_process::{Launcher, LauncherProgram};
use attune_runtime::{CleanEnvironment, DetectOptions, builtin_specs, detect, with_builtin};

use super::Finding;

/// One line for every interpreter that was found, for every runtime that has none, and for everything that was found
/// and cannot be used.
pub(super) async fn findings(library: &Library, configured: &[String], hints: Option<&Path>) -> Vec<Finding> {
    let environment = CleanEnvironment::from_inherited(std::env::vars_os());
    let specs = with_builtin(library.runtimes().cloned().collect());
    let options = DetectOptions::new(specs, environment.get("PATH").unwrap_or_default())
        .in_environment(std::env::vars_os())
        .with_hints(hints)
        .wanting(configured);
    // That a machine lacks a language of which there is only a template is no news.
    let wanted: Vec<String> =
        options.specs.iter().filter(|spec| !spec.template).map(|spec| spec.name.clone()).collect();
    let launcher = match Launcher::start(LauncherProgram::Own) {
        Ok(launcher) => launcher,
        Err(error) => {
            let advice = "look at the limits on processes and memory of this user (`ulimit -a`)";
            return vec![Finding::fail("launcher", format!("cannot be started: {error}"), advice)];
        }
    };
    let detection = detect(&options, &launcher).await;
    let mut findings: Vec<Finding> = Vec::new();
    for interpreter in &detection.interpreters {
        let (version, path) = (&interpreter.version, &interpreter.path);
        let found = if path.is_empty() {
            "runs programs as they are".to_owned()
        } else {
            format!("{version} {path}").trim_start().to_owned()
        };
        findings.push(Finding::ok(&interpreter.runtime, found));
    }
    let is_asked_for =
        |name: &str| configured.is_empty() || configured.iter().any(|asked| asked.eq_ignore_ascii_case(name));
    for name in wanted.iter().filter(|name| is_asked_for(name)) {
        if !detection.interpreters.iter().any(|found| found.runtime.eq_ignore_ascii_case(name)) {
            let advice = format!("install it to run {name} actions here");
            // A worker is not less able to run for a language that nobody asked of it: only the usual one must be there.
            let is_needed =
                !configured.is_empty() || (name == "shell" && builtin_specs().iter().any(|spec| spec.name == *name));
            findings.push(if is_needed {
                Finding::fail(name, "not found", advice)
            } else {
                Finding::warn(name, "not found", advice)
            });
        }
    }
    findings.extend(
        detection
            .warnings
            .iter()
            .map(|warning| Finding::warn("interpreters", warning, "mend or remove it; it is left out meanwhile")),
    );
    findings
}
