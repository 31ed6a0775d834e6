//! The environments of one worker, as a tree.

use attune_types::{Environment, EnvironmentState, words};

use crate::output::{Table, foreign, human_millis};

/// By pack: what is ready, what is being made, and what could not be. Empty when there is nothing.
pub(super) fn tree(environments: &[Environment]) -> String {
    let mut packs: Vec<&str> = environments.iter().map(|one| one.pack.as_str()).collect();
    packs.sort_unstable();
    packs.dedup();
    let mut table = Table::new(&["environment", "state", "size", "interpreter"]);
    for pack in packs {
        table.row([pack.to_owned()]);
        let mut own: Vec<&Environment> = environments.iter().filter(|one| one.pack == pack).collect();
        own.sort_by(|one, other| (&one.runtime, &one.interpreter).cmp(&(&other.runtime, &other.interpreter)));
        for (index, one) in own.iter().enumerate() {
            let branch = if index + 1 == own.len() { '└' } else { '├' };
            let size = one.size_bytes.map_or_else(String::new, words::size);
            table.row([format!("{branch} {}", one.runtime), state(one), size, one.interpreter.clone()]);
        }
    }
    if table.is_empty() { String::new() } else { table.render() }
}

/// `ready, made in 4.2 s`, `building: install`, `failed: install: <the tool's last words>`.
fn state(environment: &Environment) -> String {
    let step = if environment.step.is_empty() { "" } else { ": " };
    let told = format!("{}{step}{}", environment.state, environment.step);
    match (environment.state, environment.took_ms) {
        (EnvironmentState::Ready, Some(took)) => {
            format!("ready, made in {}", human_millis(i64::try_from(took).unwrap_or(i64::MAX)))
        }
        (EnvironmentState::Failed, _) => {
            let last = environment.log.trim_end().rsplit('\n').next().unwrap_or_default();
            let last: String = foreign(last, false).chars().take(MOST_OF_LOG).collect();
            if last.is_empty() { told } else { format!("{told}: {last}") }
        }
        _ => told,
    }
}

/// How much is shown of a failed tool's last line; `attune environment list -o json` has the whole log.
const MOST_OF_LOG: usize = 60;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_pack_is_a_branch_with_what_was_made_for_it() {
        let environments: Vec<Environment> = serde_json::from_value(json!([
            {"worker": "w", "pack": "reports", "runtime": "python", "fingerprint": "a", "state": "ready",
             "interpreter": "/usr/bin/python3 3.11.2", "size_bytes": 12_582_912, "took_ms": 4200, "changed_at": "2026-01-31T12:00:00.000Z"},
            {"worker": "w", "pack": "reports", "runtime": "node", "fingerprint": "b", "state": "failed", "step": "install",
             "interpreter": "/usr/bin/node 20.1.0", "log": "npm error\nnpm error code ENOTFOUND\n", "changed_at": "2026-01-31T12:00:00.000Z"},
            {"worker": "w", "pack": "images", "runtime": "ruby", "fingerprint": "c", "state": "building", "step": "install",
             "interpreter": "/usr/bin/ruby 3.1.2", "changed_at": "2026-01-31T12:00:00.000Z"},
        ]))
        .expect("environments");
        let expected = "\
ENVIRONMENT  STATE                                     SIZE    INTERPRETER
images
└ ruby       building: install                                 /usr/bin/ruby 3.1.2
reports
├ node       failed: install: npm error code ENOTFOUND          /usr/bin/node 20.1.0
└ python     ready, made in 4.2 s                       12 MiB  /usr/bin/python3 3.11.2
";
        let squeezed = |text: &str| {
            text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
        };
        assert_eq!(squeezed(&tree(&environments)), squeezed(expected));
        assert_eq!(tree(&[]), "");
    }
}
