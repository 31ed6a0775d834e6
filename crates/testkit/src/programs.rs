//! Finds the server programs where distributions put them.

use std::path::{Path, PathBuf};

/// The newest PostgreSQL's directory of programs, or the one that `ATTUNE_TEST_POSTGRES_BIN` names.
pub(crate) fn postgres_directory() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("ATTUNE_TEST_POSTGRES_BIN") {
        return Some(PathBuf::from(named));
    }
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, directory)| directory.join("initdb").exists())
        .collect();
    versions.sort();
    match versions.pop() {
        Some((_, directory)) => Some(directory),
        None => in_path("initdb").and_then(|program| program.parent().map(Path::to_owned)),
    }
}

/// The script that starts RabbitMQ. Debian's `/usr/sbin/rabbitmq-server` is a wrapper that refuses users other than
/// root and rabbitmq, so the real one is preferred.
pub(crate) fn rabbitmq_server() -> Option<PathBuf> {
    let real = PathBuf::from("/usr/lib/rabbitmq/bin/rabbitmq-server");
    if real.exists() { Some(real) } else { in_path("rabbitmq-server") }
}

/// A program of the search path.
pub(crate) fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|candidate| candidate.is_file())
}

/// Whether we are root, whom PostgreSQL refuses.
pub(crate) fn are_root() -> bool {
    // SAFETY: geteuid has no preconditions and cannot fail.
    unsafe { libc::geteuid() == 0 }
}

/// A command of a server or one of its tools. The ban on starting processes protects user code, which must not escape
/// its supervisor; a fixture's servers are guarded by their own means.
#[expect(clippy::disallowed_methods, reason = "fixtures start servers, not user code")]
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> std::process::Command {
    std::process::Command::new(program)
}
