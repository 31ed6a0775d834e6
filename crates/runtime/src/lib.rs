//! Interpreter detection, the runtime registry and environments
