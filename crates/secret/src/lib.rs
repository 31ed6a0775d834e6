//! Secrets: how a value is kept, how it reaches the one worker that needs it, and how it is kept out of everything that is
//! written down.
//!
//! # Theory of operation
//!
//! A value **at rest** is an [`Envelope`]: encrypted with a random data key of its own, which is wrapped with a
//! key-encryption key of the [`Keyring`]. Both are AES-256-GCM with random nonces, and bound ([`Binding`]) to the
//! identity of their row, so that a ciphertext which is moved, mixed or renumbered does not open. Keys have numbers, and
//! several may be there at once: a rotation wraps data keys anew one by one, and everything opens all the while.
//!
//! A value **on its way** is sealed (HPKE) to the [`IncarnationKey`] of the worker that was chosen, for one execution, one
//! attempt and one life of that worker. Whoever assigns holds the keyring; a worker holds no key but its own, which is made
//! when it starts and is never written anywhere.
//!
//! A value **on its way back**, which is a secret output, is encrypted by the worker with an [`OutputKey`]: a data key that
//! came to it sealed, and that lies wrapped, like every other, in the [`Envelope`] that waits for the value.
//!
//! A value **in use** is [`Opened`]: in the memory of one worker, for one attempt, overwritten afterwards.
//!
//! # Guarantees
//!
//! * Nothing here prints a value or a key: not `Debug`, not an error.
//! * No hash of a key, and nothing else made of one, is stored.
//! * What does not authenticate is an error, never an empty value.

mod associated;
mod envelope;
mod error;
mod keyring;
mod opened;
mod output_key;
mod output_seal;
pub mod own_process;
mod owner;
pub mod redact;
mod sealing;

pub use envelope::{Binding, Envelope};
pub use error::SecretError;
pub use keyring::{Keyring, LEAST_KEY_CHARACTERS};
pub use opened::{Opened, OpenedSecret, parameters_of, parameters_text};
pub use output_key::OutputKey;
pub use output_seal::OutputSeal;
pub use owner::{LONGEST_NAME, Owner, SecretId, is_valid_secret_name};
pub use sealing::{IncarnationKey, PublicKey, SealedFor};
