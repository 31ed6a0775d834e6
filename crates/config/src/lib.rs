//! Layered configuration: defaults, file, environment, command line
