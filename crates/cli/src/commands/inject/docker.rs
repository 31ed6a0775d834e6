//! As a docker command.

use super::container::Container;

/// Where database and broker are, and whether they may be spoken to without encryption.
const PASSED_ON: [&str; 3] =
    ["ATTUNE__DATABASE__URL", "ATTUNE__MESSAGE_QUEUE__URL", "ATTUNE__SECURITY__ALLOW_INSECURE"];

/// The words of the command.
pub(crate) fn arguments(container: &Container) -> Vec<String> {
    let Container { name, image, agent, packs, network, user, .. } = container;
    let agent = if agent.starts_with('/') {
        format!("{agent}:/opt/attune/agent/attune-agent:ro")
    } else {
        format!("{agent}:/opt/attune/agent:ro")
    };
    let mut words: Vec<String> = ["docker", "run", "--detach", "--restart", "unless-stopped"].map(str::to_owned).into();
    let mut option = |name: &str, value: &str| words.extend([format!("--{name}"), value.to_owned()]);
    option("name", &format!("attune-{name}"));
    option("network", network);
    // Longer than what runs may take to end: worker.shutdown_timeout, then worker.kill_grace.
    option("stop-timeout", "45");
    option("user", user);
    option("cap-drop", "ALL");
    option("security-opt", "no-new-privileges");
    option("pids-limit", "512");
    option("tmpfs", "/tmp");
    option("volume", &agent);
    option("volume", &format!("{packs}:/opt/attune/packs:ro"));
    for kept in ["runtime_envs", "artifacts", "state"] {
        option("volume", &format!("attune_{kept}:/opt/attune/{kept}"));
    }
    for (name, value) in container.settings() {
        option("env", &format!("{name}={value}"));
    }
    // Without a value: docker takes it from its own environment, and no list of processes shows it.
    for name in PASSED_ON.into_iter().chain(container.passed_on()) {
        option("env", name);
    }
    option("entrypoint", "/opt/attune/agent/attune-agent");
    words.push("--read-only".to_owned());
    words.push(image.clone());
    words
}

/// For a shell: an option a line.
pub(crate) fn shown(words: &[String]) -> String {
    let mut text = String::new();
    let mut takes_value = false;
    for (index, word) in words.iter().enumerate() {
        let is_option = word.starts_with("--");
        let is_last = index + 1 == words.len();
        match (index, is_option || is_last, takes_value) {
            (0, _, _) => {}
            (_, true, _) => text.push_str(" \\\n    "),
            (_, false, _) => text.push(' '),
        }
        takes_value = is_option;
        text.push_str(&quoted(word));
    }
    text.push('\n');
    text
}

/// A word that a shell reads as it is.
fn quoted(word: &str) -> String {
    let is_plain =
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_./:=@,+".contains(&byte));
    if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::inject::container::tests::ruby;

    #[test]
    fn the_command_takes_privileges_away_and_shows_no_password() {
        let shown = shown(&arguments(&ruby()));
        assert!(shown.starts_with("docker run \\\n    --detach \\\n    --restart unless-stopped \\\n"), "{shown}");
        assert!(shown.ends_with(" \\\n    --read-only \\\n    ruby:3.3\n"), "{shown}");
        for line in [
            "--user 1000:1000",
            "--cap-drop ALL",
            "--volume attune_agent:/opt/attune/agent:ro",
            "--env ATTUNE__DATABASE__URL \\",
            "--entrypoint /opt/attune/agent/attune-agent",
        ] {
            assert!(shown.contains(line), "{line} in {shown}");
        }
    }

    #[test]
    fn a_shell_reads_every_word_as_it_was() {
        assert_eq!(quoted("a-b_c/d:e=f@g,h+i"), "a-b_c/d:e=f@g,h+i");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
        assert_eq!(quoted(""), "''");
    }

    #[test]
    fn an_agent_of_this_machine_is_bound_as_a_file() {
        let container = Container { agent: "/usr/local/bin/attune-agent".to_owned(), ..ruby() };
        let words = arguments(&container);
        assert!(
            words.contains(&"/usr/local/bin/attune-agent:/opt/attune/agent/attune-agent:ro".to_owned()),
            "{words:?}"
        );
    }
}
