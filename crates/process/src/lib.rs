//! Runs one child process: spawn, capture, limit, terminate, reap
