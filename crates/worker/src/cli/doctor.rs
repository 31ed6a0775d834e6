//! `doctor`: what works on this machine, and what to do about the rest.

use std::io;

use attune_config::Config;
use attune_pack::Library;

use crate::doctor;

/// What was found, as text or JSON, and whether a worker can do its work here.
pub(crate) fn run(config: &Config, json: bool) -> io::Result<(String, bool)> {
    let findings = doctor::examine(config, &Library::scan(&config.packs.directories), true)?;
    let text = if json { format!("{:#}\n", serde_json::json!(findings)) } else { doctor::render(&findings) };
    Ok((text, doctor::is_usable(&findings)))
}
