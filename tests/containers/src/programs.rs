//! The static programs that are tested.

use std::path::{Path, PathBuf};

use attune_end_to_end::repository;

use crate::Outcome;
use crate::docker::{Docker, finished};

/// A folder with `attune-agent`, `attune-worker`, `attune-server` and `attune`, as static programs.
#[derive(Debug, Clone)]
pub struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// `ATTUNE_STATIC_DIR`, else `target/static`, where `make test-containers` builds them.
    ///
    /// # Errors
    /// When one is missing.
    pub fn find() -> Outcome<Self> {
        let folder =
            std::env::var_os("ATTUNE_STATIC_DIR").map_or_else(|| repository().join("target/static"), PathBuf::from);
        for name in ["attune-agent", "attune-worker", "attune-server", "attune"] {
            if !folder.join(name).is_file() {
                let folder = folder.display();
                return Err(format!("there is no {folder}/{name}; scripts/build-static.sh {name} makes it").into());
            }
        }
        Ok(Self { folder })
    }

    /// The path of one.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// An image that has them all, for the Dockerfiles, which would compile them otherwise (`BINARIES`).
    ///
    /// # Errors
    /// When the engine cannot make it.
    pub fn image(&self, docker: &Docker) -> Outcome<&'static str> {
        const IMAGE: &str = "attune-test/binaries";
        let folder = tempfile::Builder::new().prefix("attune-binaries-").tempdir()?;
        for name in ["attune-agent", "attune-worker", "attune-server", "attune"] {
            std::fs::copy(self.path(name), folder.path().join(name))?;
        }
        let list = self.path("attune-agent.cdx.json");
        if list.is_file() {
            std::fs::copy(list, folder.path().join("attune-agent.cdx.json"))?;
        } else {
            std::fs::write(folder.path().join("attune-agent.cdx.json"), "{}\n")?;
        }
        let volumes = folder.path().join("volumes");
        for name in ["agent", "runtime_envs", "artifacts", "state", "config"] {
            std::fs::create_dir_all(volumes.join(name))?;
        }
        std::fs::write(folder.path().join("Dockerfile"), "FROM scratch\nCOPY . /\n")?;
        build(docker, folder.path(), &["--tag", IMAGE])?;
        Ok(IMAGE)
    }
}

/// Builds an image from a folder.
pub(crate) fn build(docker: &Docker, folder: &Path, options: &[&str]) -> Outcome<String> {
    let mut command = docker.command();
    // What a layer installs comes from the mirror that the machine reaches.
    command.args(["build", "--quiet", "--network", "host"]).args(options).arg(folder);
    Ok(finished(&mut command)?)
}
