//! Every attack that Attune is meant to withstand, with the tests that try it.
//!
//! # Theory of operation
//!
//! [`ROWS`] is the list: what an attacker does, how it is refused, at which level of protection, and which tests prove it.
//! The tests lie where the code lies that they attack, and run with all others. Three things keep the list honest:
//!
//! * A test of this package fails when a named test does not exist, a row has neither tests nor a reason, or the table in
//!   `SECURITY.md` is not the one that the list makes (`attune-attacks --write`).
//! * The program `attune-attacks` (`make security`) runs exactly these tests and prints each row with its verdict.
//! * What cannot be tried on every machine says so, with the reason, in the same table.
//!
//! The [`canary`] is the largest of the attacks: secrets that are given to a thousand executions which write them down in
//! every way they can, and then looked for in everything that those could have been written to.

pub mod canary;
mod page;
mod row;
mod rows;
mod sources;

pub use page::{page, table};
pub use row::{Proof, Row};
pub use rows::ROWS;
pub use sources::{exists, repository};
