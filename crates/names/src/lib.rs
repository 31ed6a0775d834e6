//! Names of hosts, resolved inside the process.
//!
//! # Theory of operation
//!
//! The agent runs in images that have no C library, or another one than it was built with. A static program that calls
//! the C library's resolver is a trap there: glibc's reads `/etc/nsswitch.conf` and loads the shared modules that it
//! names, with *their* C library, into the static process, which then crashes or runs code of the image. So names are
//! resolved by [`Dns`], in Rust: `/etc/resolv.conf` with search domains and `ndots`, `/etc/hosts`, nothing else.
//!
//! What Attune opens itself asks [`Dns`]. The libraries that open connections for it (the database driver, the HTTP
//! client, the standard library) call `getaddrinfo`, and none lets itself be handed a resolver that keeps the host's
//! name for the check of certificates. In static programs [`replace_c_library`] therefore puts a `getaddrinfo` of this
//! crate in the place of the C library's: the linker finds it first and never takes the other in. The same holds for the
//! look-up of a user's home by number, which loads modules in the same way and answers "nobody" here.
//!
//! # Guarantees
//!
//! * A static program whose `main` calls [`replace_c_library`] holds no code that loads a module of the image.
//! * Literal addresses are never looked up.
//! * A failed look-up reads the configuration anew: networks change under a process.
//! * Dynamic programs, such as tests, are left as they are.

mod dns;
#[cfg(all(target_os = "linux", target_feature = "crt-static"))]
mod replacement;

pub use dns::Dns;

/// Resolves every name of this process by [`Dns`], also those that libraries ask the C library for. Call it anywhere in
/// `main`: it does nothing when it runs, but without the call the linker would leave the replacement out. In a program
/// that is not static nothing is replaced.
pub fn replace_c_library() {
    #[cfg(all(target_os = "linux", target_feature = "crt-static"))]
    replacement::keep();
}
