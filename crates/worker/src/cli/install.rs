//! `install`: puts this program where other containers find it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why the program is not there.
#[derive(Debug, thiserror::Error)]
#[error("failed to {doing} {}", path.display())]
pub(crate) struct InstallError {
    doing: &'static str,
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// Copies the running program to `directory` under `name`; one line about it.
///
/// Beside it first and then renamed over it: a program that runs cannot be written to, and whoever starts it meanwhile
/// finds a whole one. An image needs neither a shell nor `cp` for this.
pub(crate) fn run(name: &str, directory: &Path) -> Result<String, InstallError> {
    let failed = |doing, path: &Path| {
        let path = path.to_owned();
        move |source| InstallError { doing, path, source }
    };
    let own = Path::new("/proc/self/exe");
    let target = directory.join(name);
    let beside = directory.join(format!(".{name}.{}", std::process::id()));
    fs::create_dir_all(directory).map_err(failed("make", directory))?;
    let copied = (|| {
        let mut from = File::open(own).map_err(failed("read", own))?;
        let mut to = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o755)
            .open(&beside)
            .map_err(failed("write", &beside))?;
        let bytes = io::copy(&mut from, &mut to).map_err(failed("write", &beside))?;
        // Whatever the umask is: others run it.
        to.set_permissions(fs::Permissions::from_mode(0o755)).map_err(failed("make executable", &beside))?;
        to.sync_all().map_err(failed("write", &beside))?;
        fs::rename(&beside, &target).map_err(failed("put in place", &target))?;
        Ok(bytes)
    })();
    if copied.is_err() {
        // Half a program helps nobody; when even that fails, the name with the dot says what it is.
        let _best_effort = fs::remove_file(&beside);
    }
    let bytes = copied?;
    Ok(format!("{} is {name} {}, {bytes} bytes\n", target.display(), env!("CARGO_PKG_VERSION")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_replaces_an_older_one_as_a_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let directory = folder.path().join("agent");
        for _ in 0..2 {
            let said = run("attune-agent", &directory).expect("the folder can be written");
            assert!(said.starts_with(&format!("{}/attune-agent is attune-agent ", directory.display())), "{said}");
        }
        let names: Vec<_> = fs::read_dir(&directory).expect("it is there").map(|entry| entry.expect("reads")).collect();
        assert_eq!(names.len(), 1);
        let mode = names[0].metadata().expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o755);
        assert!(run("attune-agent", Path::new("/proc/nowhere")).is_err());
    }
}
