//! The agent in real containers of a real engine.
//!
//! # Theory of operation
//!
//! What ships is tested as it ships: static programs, the Dockerfiles of `docker/`, `docker-compose.yaml`. No registry is
//! asked for anything. `scripts/container-test-images.sh` makes the images: a Debian that debootstrap lays down from the
//! mirror that apt uses, with interpreters on top; a busybox; one with nothing at all. They are kept by the engine outside
//! of the repository, so that a second run starts at once.
//!
//! * [`Engine`] is the engine: one that runs already, else a private one for as long as the run takes.
//! * [`Docker`] speaks to it with the `docker` command, as an operator would.
//! * [`Site`] is a network with a database, a broker and a server in containers, and a client of its API.
//! * [`WorkerContainer`] is one container with a worker in it; dropping it removes it.
//! * [`PROOFS`] are the proofs; the program `attune-containers` runs them and prints figures.
//!
//! Where no engine can be had, the program says why and ends with 69, and the test of the ordinary run says on standard
//! error what it passes over, and why: never silently.

mod docker;
mod engine;
mod guardian;
mod images;
mod programs;
mod proofs;
mod site;
mod worker_container;

pub use docker::{Docker, DockerError};
pub use engine::Engine;
pub use images::Images;
pub use programs::Programs;
pub use proofs::{PROOFS, Proof, small};
pub use site::{Site, until};
pub use worker_container::{Surroundings, WorkerContainer};

/// What a proof answers: it holds, or it is said what does not.
pub type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
