//! Parameters and variables that want to be code.

use std::fs;

use serde_json::{Value, json};

use crate::fixture::Place;

/// Values that something on the way could take for more than text.
fn values() -> Vec<String> {
    let mut values: Vec<String> = [
        "; touch PWNED",
        "$(touch PWNED)",
        "`touch PWNED`",
        "'; touch PWNED; '",
        "\"; touch PWNED; \"",
        "\\'; touch PWNED #",
        "line one\nline two\n\ttouch PWNED\n",
        "\r\n",
        "-rf",
        "--help",
        "-",
        "*",
        "~root",
        "${IFS}${PATH}",
        "%s%n%x",
        "!!python/object/apply:os.system ['touch PWNED']",
        "&anchor *alias",
        "{{ 7 * 7 }}",
        "\u{1b}]52;c;eA==\u{7}\u{202e}",
        "null",
        "1e400",
        "caf\u{e9} \u{1f600}",
        " spaces at both ends ",
        "",
    ]
    .map(str::to_owned)
    .to_vec();
    values.push("x".repeat(100_000));
    values
}

/// What reads the parameter `value` and writes it into the file `got`, for every way of delivery.
const ACTIONS: &[(&str, &str, &str, &str)] = &[
    ("env_shell", "shell", "parameter_delivery: env", "printf %s \"$ATTUNE_PARAM_VALUE\" >'GOT'\n"),
    (
        "env_python",
        "python",
        "parameter_delivery: env",
        "import os\nopen('GOT', 'wb').write(os.environb[b'ATTUNE_PARAM_VALUE'])\n",
    ),
    (
        "stdin_python",
        "python",
        "parameter_delivery: stdin\nparameter_format: json",
        "import json, sys\nopen('GOT', 'wb').write(json.load(sys.stdin)['value'].encode())\n",
    ),
    (
        "file_python",
        "python",
        "parameter_delivery: file\nparameter_format: json",
        "import json, os\nopen('GOT', 'wb').write(json.load(open(os.environ['ATTUNE_PARAMETERS_FILE']))['value'].encode())\n",
    ),
    (
        "stdin_node",
        "node",
        "parameter_delivery: stdin\nparameter_format: json",
        "const fs = require('fs');\nfs.writeFileSync('GOT', JSON.parse(fs.readFileSync(0, 'utf8')).value);\n",
    ),
    (
        "file_dotenv",
        "shell",
        "parameter_delivery: file\nparameter_format: dotenv",
        ". \"$ATTUNE_PARAMETERS_FILE\"\nprintf %s \"$ATTUNE_PARAM_VALUE\" >'GOT'\n",
    ),
];

/// A place with these actions.
fn place() -> Place {
    let place = Place::new();
    let got = place.path("got").display().to_string();
    place.write("packs/attack/pack.yaml", "ref: attack\nversion: 1.0.0\n");
    for (name, runtime, delivery, script) in ACTIONS {
        let end = match *runtime {
            "python" => "py",
            "node" => "js",
            _ => "sh",
        };
        place.write(&format!("packs/attack/actions/{name}.{end}"), &script.replace("GOT", &got));
        let declared = format!(
            "ref: attack.{name}\nrunner_type: {runtime}\nentry_point: {name}.{end}\n{delivery}\n\
             parameters:\n  value: {{type: string, required: true}}\n"
        );
        place.write(&format!("packs/attack/actions/{name}.yaml"), &declared);
    }
    place
}

/// Runs one action with one value; the exit code, and what is said on standard error.
fn run(place: &Place, action: &str, value: &Value) -> (Option<i32>, String) {
    let _ = fs::remove_file(place.path("got"));
    let input = json!({"value": value}).to_string();
    let ran = place.run_with_input(&["run", &format!("attack.{action}"), "--params", "-"], &input);
    (ran.code, ran.stderr)
}

#[test]
fn values_that_look_like_code_arrive_as_they_are_whatever_reads_them() {
    let place = place();
    let pwned = place.path("PWNED").display().to_string();
    for (action, ..) in ACTIONS {
        // One run per value would start a hundred programs; the whole list in one value meets every quoting rule too.
        let all = values().join(" | ").replace("PWNED", &pwned);
        for value in [all, values()[0].replace("PWNED", &pwned), "-rf".into(), "--help".into(), String::new()] {
            let (code, said) = run(&place, action, &json!(value));
            assert_eq!(code, Some(0), "{action}: {said}");
            let got = fs::read(place.path("got")).expect("the action wrote");
            assert!(got == value.as_bytes(), "{action}: {:?} is not {value:?}", String::from_utf8_lossy(&got));
        }
        assert!(!place.path("PWNED").exists(), "{action} ran a value");
    }
}

#[test]
fn what_a_way_of_delivery_cannot_hold_is_refused_with_the_reason() {
    let place = place();
    for (action, value, expected) in [
        ("env_shell", "a\0b".to_owned(), "NUL"),
        ("file_dotenv", "a\0b".to_owned(), "NUL"),
        ("env_shell", "x".repeat(1 << 20), "131072"),
        ("env_python", "x".repeat(1 << 20), "131072"),
    ] {
        let (code, said) = run(&place, action, &json!(value));
        assert!(code != Some(0) && said.contains(expected), "{action}: {code:?} {said:.400}");
        assert!(!place.path("got").exists(), "{action} did not start");
    }
    for action in ["stdin_python", "file_python", "stdin_node"] {
        for value in ["a\0b".to_owned(), "x".repeat(1 << 20)] {
            let (code, said) = run(&place, action, &json!(value));
            assert_eq!(code, Some(0), "{action}: {said:.400}");
            assert!(fs::read(place.path("got")).expect("the action wrote") == value.as_bytes(), "{action}");
        }
    }
}

#[test]
fn half_a_character_is_refused_before_anything_starts() {
    let place = place();
    for (action, ..) in ACTIONS {
        for text in [r#"{"value": "\ud800"}"#, r#"{"value": "\udc00x"}"#] {
            let ran = place.run_with_input(&["run", &format!("attack.{action}"), "--params", "-"], text);
            assert_eq!(ran.code, Some(64), "{action}: {ran:?}");
            assert!(ran.stderr.contains("surrogate"), "the reason is said: {ran:?}");
            assert!(!place.path("got").exists(), "{action} did not start");
        }
    }
}

/// Variables by which a program can be made to run somebody else's code.
const HIJACKS: [&str; 24] = [
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "GCONV_PATH",
    "GLIBC_TUNABLES",
    "BASH_ENV",
    "ENV",
    "SHELLOPTS",
    "PS4",
    "BASH_FUNC_ls%%",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONHOME",
    "PERL5OPT",
    "PERL5LIB",
    "RUBYOPT",
    "NODE_OPTIONS",
    "NODE_PATH",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "GIT_SSH_COMMAND",
    "R_PROFILE",
    "IFS",
    "ATTUNE_SECRET_OF_THE_WORKER",
];

/// An action that says what its environment is.
fn place_that_tells() -> Place {
    let place = Place::new();
    let got = place.path("got").display().to_string();
    place.write("packs/attack/pack.yaml", "ref: attack\nversion: 1.0.0\n");
    place.write(
        "packs/attack/actions/tell.sh",
        &format!("ls / >/dev/null\ntr '\\0' '\\n' </proc/$$/environ >'{got}'\n"),
    );
    let parameters: Vec<String> = HIJACKS
        .iter()
        .filter(|name| name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_'))
        .map(|name| format!("  {}: {{type: string}}\n", name.to_lowercase().trim_start_matches('_')))
        .collect();
    let declared = format!(
        "ref: attack.tell\nrunner_type: shell\nentry_point: tell.sh\nparameter_delivery: env\nparameters:\n{}",
        parameters.concat()
    );
    place.write("packs/attack/actions/tell.yaml", &declared);
    place
}

/// The variables that the action found.
fn found(place: &Place) -> Vec<(String, String)> {
    let text = fs::read_to_string(place.path("got")).expect("the action wrote");
    text.lines().filter_map(|line| line.split_once('=')).map(|(name, value)| (name.into(), value.into())).collect()
}

/// Insists that the action has a variable only where Attune set it itself: to the folder of its own modules.
fn assert_not_set(found: &[(String, String)], name: &str) {
    let own = ["PYTHONPATH", "NODE_PATH", "PERL5LIB"].contains(&name);
    let is_bad = |one: &&(String, String)| one.0 == name && (!own || one.1.contains("evil"));
    assert_eq!(found.iter().find(is_bad), None, "of {found:?}");
}

#[test]
fn what_hijacks_programs_does_not_leak_from_the_worker() {
    let place = place_that_tells();
    let mut command = place.attune(&["run", "attack.tell"]);
    for name in HIJACKS {
        // The loader obeys its own variables already in Attune itself, so these get a value that does nothing.
        let value = if name.starts_with("LD_") || name.starts_with("GLIBC") { "" } else { "/nowhere/evil" };
        command.env(name, value);
    }
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{output:?}");
    let found = found(&place);
    for name in HIJACKS {
        assert_not_set(&found, name);
    }
    assert!(found.iter().any(|(name, _)| name == "ATTUNE_EXECUTION_ID"), "{found:?}");
}

#[test]
fn what_hijacks_programs_cannot_be_set_by_parameters() {
    let place = place_that_tells();
    let names: Vec<&str> = HIJACKS.into_iter().filter(|name| !name.contains('%')).collect();
    let pairs: Vec<String> =
        names.iter().map(|name| format!("{}=/nowhere/evil", name.to_lowercase().trim_start_matches('_'))).collect();
    let arguments: Vec<&str> = ["run", "attack.tell"].into_iter().chain(pairs.iter().map(String::as_str)).collect();
    let ran = place.run(&arguments);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let found = found(&place);
    for name in names {
        assert_not_set(&found, name);
    }
    assert!(found.iter().any(|(name, _)| name == "ATTUNE_PARAM_LD_PRELOAD"), "as data they arrive: {found:?}");

    // A name that is no name at all is an unknown parameter.
    let ran = place.run(&["run", "attack.tell", "BASH_FUNC_ls%%=() { touch PWNED; }"]);
    assert_eq!(ran.code, Some(64), "{ran:?}");
}

#[test]
fn a_pack_that_sets_what_hijacks_programs_is_refused_with_file_and_reason() {
    let place = place_that_tells();
    for name in HIJACKS {
        place.write(
            "packs/attack/runtimes/evil.yaml",
            &format!(
                "ref: attack.evil\nname: evil\nexecution_config:\n  env_vars:\n    \
                 \"{name}\": {{set: relative/evil}}\n"
            ),
        );
        assert_ne!(place.run(&["run", "attack.tell"]).code, Some(0), "{name}");
        let ran = place.run(&["pack", "check", "packs/attack"]);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(ran.code != Some(0) && said.contains("evil.yaml") && said.contains(name), "{name}: {ran:?}");
    }
}
