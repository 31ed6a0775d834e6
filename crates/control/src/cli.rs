//! The program `attune-server`.
