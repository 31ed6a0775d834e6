//! The table of `SECURITY.md`.

use std::fmt::Write as _;

use crate::row::Row;
use crate::rows::ROWS;

/// Before the table.
const BEGIN: &str = "<!-- attacks: written by `cargo run -p attune-security-tests -- --write` -->\n";
/// Behind it.
const END: &str = "<!-- end of attacks -->\n";

/// The page with the table as the list makes it; `None` when it has no place for it.
#[must_use]
pub fn page(text: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, behind) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{}{END}{behind}", table()))
}

/// The table.
#[must_use]
pub fn table() -> String {
    let mut text = String::from("\n| | attack | what comes of it | level | tests |\n|---|---|---|---|---|\n");
    for Row { id, attack, refusal, level, tests, apart } in ROWS.iter().copied() {
        let mut proofs: Vec<String> =
            tests.iter().map(|proof| format!("[{}]({})", proof.test.replace('_', " "), proof.file)).collect();
        if !apart.is_empty() {
            proofs.push(format!("**not tried:** {apart}"));
        }
        let cells = [attack, refusal, level].map(|cell| cell.replace('|', "\\|"));
        let _written = writeln!(text, "| {id} | {} | {} | {} | {} |", cells[0], cells[1], cells[2], proofs.join("; "));
    }
    text + "\n"
}
