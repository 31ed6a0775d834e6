//! Whatever is started dies with who started it.

mod orphans;
