//! Whole deployments under injected faults.

fn main() {}
