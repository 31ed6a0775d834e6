//! Fixtures for tests: private PostgreSQL and RabbitMQ, links that misbehave, conditions, processes, directories.
//!
//! # Theory of operation
//!
//! Tests run against the real programs. [`postgres::TestDatabase::create`] gives a fresh database and
//! [`rabbitmq::TestBroker::create`] a fresh virtual host; both are dropped with the value. Behind them stands one server
//! of each kind per test process, started when the first test asks for it, in a temporary directory, on free ports of
//! 127.0.0.1, as root (the server then runs as its own user where it insists) or not.
//!
//! Starting takes seconds, so many test binaries may share one pair: the binary `with-services` starts both, exports
//! `ATTUNE_TEST_DATABASE_URL`, `ATTUNE_TEST_AMQP_URL` and `ATTUNE_TEST_AMQP_CONTROL`, runs a command and passes its exit
//! code on. Where these are set, nothing is started here. A test that stops, freezes or kills a server must not share
//! it: it asks for [`rabbitmq::TestBroker::alone`] or [`postgres::TestDatabase::alone`].
//!
//! # Guarantees
//!
//! * Whatever is started here dies with the process that started it, even when that is killed with SIGKILL: every
//!   server is the child of a small shell (the guard) whose standard input is a pipe that only we hold. End of file
//!   makes the guard kill the server and remove its directory. Statics are never dropped in Rust, so this is also the
//!   ordinary way in which the shared servers end.
//! * A missing program is one error that says how to install it.
//! * What a fixture promises is checked when it is dropped: a broker is left with nothing unacknowledged, a
//!   [`processes::Tag`] with no living process.
//! * An [`Enclosure`] runs a test again in a PID namespace of its own, where it can do no harm and where [`leaks::Leaks`]
//!   sees everything that it left.
//!
//! Nothing here measures time: [`eventually()`] waits for a condition, and its limit is only how long to wait before
//! calling the test broken.

pub mod archive;
mod authority;
mod directory;
pub mod enclosure;
mod eventually;
mod guard;
pub mod leaks;
mod ports;
pub mod postgres;
pub mod processes;
mod programs;
pub mod proxy;
pub mod rabbitmq;
pub mod s3;
mod start_error;

pub use authority::{Authority, Certificate};
pub use directory::TestDirectory;
pub use enclosure::{Enclosure, Surroundings, User};
pub use eventually::eventually;
pub use start_error::StartError;
