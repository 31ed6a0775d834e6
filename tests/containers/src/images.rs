//! The images that the agent is injected into.

use std::path::Path;

use attune_end_to_end::repository;

use crate::Outcome;
use crate::docker::{Docker, finished};
use crate::engine::cache;

/// What `scripts/container-test-images.sh` makes.
#[derive(Debug)]
pub struct Images;

impl Images {
    /// Makes those that are missing. `busybox` and `empty` take a second, the first of the others over a minute.
    ///
    /// # Errors
    /// When one cannot be made.
    pub fn ensure(docker: &Docker, names: &[&str]) -> Outcome {
        let script = repository().join("scripts/container-test-images.sh");
        let mut command = docker.for_program(Path::new(&script));
        command.env("DOCKER", docker.program()).env("ATTUNE_CONTAINER_CACHE", cache()).args(names);
        finished(&mut command)?;
        Ok(())
    }

    /// The engine's name of one.
    #[must_use]
    pub fn name(short: &str) -> String {
        format!("attune-test/{short}")
    }
}
