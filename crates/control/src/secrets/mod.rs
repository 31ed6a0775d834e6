//! The one place that holds the keys of secrets.
//!
//! | file | holds |
//! |---|---|
//! | `keyring` | the keys, from the configuration |
//! | `vault` | storing, sealing to workers, checking at start |
//! | `rotation` | moving everything to another key, step by step |

mod keyring;
mod rotation;
mod vault;

pub use keyring::keyring_of;
pub use rotation::{Rotation, RotationStep};
pub(crate) use vault::has_secret_parameters;
pub use vault::{LEAST_SECRET_BYTES, MOST_SECRET_BYTES, Vault, VaultError};
