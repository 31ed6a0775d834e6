//! A folder of programs that pretend to be interpreters.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use attune_process::{Launcher, LauncherProgram};
use attune_runtime::{DetectOptions, Detection, builtin_specs};
use tempfile::TempDir;

pub(crate) struct FakeFolder {
    folder: TempDir,
}

impl FakeFolder {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Adds a shell script that everybody may execute.
    pub(crate) fn add(&self, name: &str, body: &str) -> PathBuf {
        let path = self.path().join(name);
        fs::write(&path, format!("#!/bin/sh\nPATH=/usr/bin:/bin\n{body}\n")).expect("written");
        mode(&path, 0o755);
        path
    }

    /// Searches this folder, and no other for interpreters.
    pub(crate) fn options(&self) -> DetectOptions {
        DetectOptions::new(builtin_specs(), self.path()).only_in_path()
    }

    pub(crate) fn detect(&self) -> Detection {
        block_on(detect(&self.options()))
    }
}

/// The launcher of a test.
pub(crate) fn launcher() -> Launcher {
    Launcher::start(LauncherProgram::At(env!("CARGO_BIN_EXE_attune-detect").into())).expect("a launcher")
}

/// Looks for interpreters, with a launcher of its own.
pub(crate) async fn detect(options: &DetectOptions) -> Detection {
    attune_runtime::detect(options, &launcher()).await
}

pub(crate) fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("changed");
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// `runtime version` of everything that was found, except what needs no interpreter.
pub(crate) fn found(detection: &Detection) -> Vec<String> {
    let interpreters = detection.interpreters.iter().filter(|one| !one.path.is_empty());
    interpreters
        .map(|one| format!("{} {} {}", one.runtime, one.path.rsplit('/').next().unwrap_or_default(), one.version))
        .collect()
}
