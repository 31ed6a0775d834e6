//! Limits: decisions by table, cgroup v2 in an imitated tree, and what this kernel has for real.

mod deciding;
mod imitation;
mod real;
mod unified;
