//! The list of attacks, each tried.
