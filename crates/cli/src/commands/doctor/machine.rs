//! Interpreters, clock and disk.

use std::env;
use std::ffi::CString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use attune_runtime::{DetectOptions, builtin_specs, with_builtin};
use attune_types::Timestamp;

use super::check::Check;
use super::kernel::is_writable;
use crate::backend::Local;

/// Less free space than this is worth a warning, in bytes.
const LITTLE_SPACE: u64 = 1 << 30;

/// One line for every interpreter, and for everything that was found and cannot be used.
pub(super) async fn interpreters(local: &Local) -> Vec<Check> {
    let specs = with_builtin(local.library.runtimes().cloned().collect());
    let wanted: Vec<String> = specs.iter().map(|spec| spec.name.clone()).collect();
    let detection = attune_runtime::detect(&DetectOptions::new(specs, env::var_os("PATH").unwrap_or_default())).await;
    let mut checks: Vec<Check> = Vec::new();
    for interpreter in &detection.interpreters {
        let (version, path) = (&interpreter.version, &interpreter.path);
        let found = if path.is_empty() {
            "runs programs as they are".to_owned()
        } else {
            format!("{version} {path}").trim_start().to_owned()
        };
        checks.push(Check::ok(&interpreter.runtime, found));
    }
    for name in wanted {
        if !detection.interpreters.iter().any(|found| found.runtime.eq_ignore_ascii_case(&name)) {
            // An action is not less able to run for a language that it does not use: only the usual one must be there.
            let advice = format!("install it to run {name} actions here");
            let is_builtin = builtin_specs().iter().any(|spec| spec.name == name);
            checks.push(match (name.as_str(), is_builtin) {
                ("shell", _) => Check::fail(&name, "not found", advice),
                _ => Check::warn(&name, "not found", advice),
            });
        }
    }
    checks.extend(
        detection
            .warnings
            .iter()
            .map(|warning| Check::warn("interpreters", warning, "mend or remove it; it is left out meanwhile")),
    );
    checks
}

/// Clock and disk.
pub(super) fn checks(local: &Local) -> Vec<Check> {
    vec![clock(), disk(&local.config.paths.state_dir)]
}

fn clock() -> Check {
    /// When this was written: a clock before it is wrong.
    const WRITTEN: Timestamp = Timestamp(1_795_000_000_000_000);
    let now = Timestamp(attune_process::clock::wall());
    if now >= WRITTEN {
        Check::ok("clock", now.to_string())
    } else {
        Check::warn("clock", now.to_string(), "set the clock: times in logs and certificates will be wrong")
    }
}

fn disk(state: &Path) -> Check {
    // The directory may not have been made yet; what counts is where it will be.
    let absolute = std::path::absolute(state).unwrap_or_else(|_| state.to_owned());
    let existing = absolute.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let name = format!("disk {}", state.display());
    if !is_writable(existing) {
        return Check::fail(
            name,
            format!("{} cannot be written", existing.display()),
            "set paths.state_dir to a directory that can",
        );
    }
    match free_bytes(existing) {
        Some(free) if free < LITTLE_SPACE => {
            Check::warn(name, format!("{} MiB free", free >> 20), "free some space: output and results are kept here")
        }
        Some(free) => Check::ok(name, format!("{} GiB free", free >> 30)),
        None => Check::warn(name, "free space unknown", "look at the file system"),
    }
}

fn free_bytes(path: &Path) -> Option<u64> {
    let text = CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: statvfs is plain data for which all zeros is a value.
    let mut answer: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are valid for the length of the call.
    let failed = unsafe { libc::statvfs(text.as_ptr(), &raw mut answer) } != 0;
    (!failed).then(|| answer.f_bavail * answer.f_frsize)
}
