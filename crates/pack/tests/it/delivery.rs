use attune_pack::{environment, render};
use attune_types::ParameterFormat;
use serde_json::{Map, Value, json};

use crate::runner::new_command;

const NASTY: &[&str] = &[
    "$(touch /tmp/attune-was-here)",
    "`id`",
    "'",
    "''\\''",
    "\"$HOME\"",
    "a\nb=c\n",
    " #x",
    "\\",
    "${IFS}",
    "*",
    "",
    "ä漢",
];

fn parameters() -> Map<String, Value> {
    let mut parameters: Map<String, Value> =
        NASTY.iter().enumerate().map(|(index, text)| (format!("p{index:02}"), json!(text))).collect();
    parameters.insert("tree".to_owned(), json!({"a": [1, "'", "$(id)"]}));
    parameters
}

#[test]
fn a_shell_that_reads_dotenv_parameters_gets_the_values_and_runs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("parameters.env");
    std::fs::write(&file, render(ParameterFormat::Dotenv, &parameters()).expect("rendered")).expect("written");
    let output = new_command("/bin/sh")
        .args(["-c", "set -a; . \"$0\"; exec env -0"])
        .arg(&file)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .output()
        .expect("runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    let mut read: Vec<(String, String)> = text
        .split('\0')
        .filter_map(|line| line.split_once('='))
        .filter(|(name, _)| name.starts_with("ATTUNE_PARAM_"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    read.sort();
    assert_eq!(read, environment(&parameters()).expect("fits"));
    assert!(!std::path::Path::new("/tmp/attune-was-here").exists());
}

/// Values that something on the way could take for more than text.
fn attacks() -> Vec<String> {
    let texts = [
        "; rm -rf /",
        "$(id)",
        "`id`",
        "a\nb\n",
        "\n",
        "'",
        "\"",
        "'\"'\"'",
        "\\",
        "\\'",
        "-rf",
        "--help",
        "-",
        "\r",
        "a\r\nb",
        "\u{1b}[31m\u{1b}]0;x\u{7}",
        "\u{7f}\u{80}\u{85}\u{2028}\u{feff}\u{fffe}",
        "漢字 🦀 é",
        "!history",
        "~",
        "#",
        "=",
        "",
        "no",
        "0x1F",
        "1e5",
        "12:30:45",
        "2026-11-21",
        "<<",
        "*alias",
        "&anchor",
        "!!python/name:os.system",
        "%TAG",
        "{{x}}",
        "\u{81}\u{82}\u{83}\u{84}\u{86}\u{87}\u{88}",
    ];
    texts.iter().map(|text| (*text).to_owned()).chain([format!("{}'\n", "x".repeat(1 << 20))]).collect()
}

/// Runs a program with `input` on standard input, in an empty folder and with this environment alone; what it printed,
/// cut at every NUL.
fn printed(program: &str, arguments: &[&str], input: &[u8], environment: &[(String, String)]) -> Vec<String> {
    use std::io::Write;
    let folder = tempfile::tempdir().expect("a folder");
    let program = crate::runner::find(program).unwrap_or_else(|| panic!("{program} is needed for this test"));
    let mut child = new_command(program)
        .args(arguments)
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", folder.path())
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("starts");
    let mut stdin = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().expect("ends");
    writer.join().expect("no panic").expect("everything was read");
    assert!(output.status.success());
    assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 0, "nothing was made on the way");
    let text = String::from_utf8(output.stdout).expect("text");
    let mut values: Vec<String> = text.split('\0').map(str::to_owned).collect();
    assert_eq!(values.pop().as_deref(), Some(""), "a NUL ends every value");
    values
}

fn numbered(values: &[String]) -> Map<String, Value> {
    values.iter().enumerate().map(|(index, text)| (format!("p{index:03}"), json!(text))).collect()
}

/// A shell script that prints every parameter, each ended by a NUL.
fn shell_printer(count: usize, before: &str) -> String {
    let lines: String = (0..count).map(|index| format!("printf '%s\\0' \"$ATTUNE_PARAM_P{index:03}\"\n")).collect();
    format!("{before}\n{lines}")
}

const PYTHON: &str =
    "import json,sys\nfor _, v in sorted(json.load(sys.stdin).items()): sys.stdout.buffer.write(v.encode() + b'\\0')";
const NODE: &str = "const p=JSON.parse(require('fs').readFileSync(0,'utf8'));process.stdout.write(Object.keys(p).sort().map(k=>p[k]+'\\0').join(''))";
const PERL: &str = "use JSON::PP; local $/; my $p = decode_json(<STDIN>); binmode STDOUT, ':utf8'; print $p->{$_}, \"\\0\" for sort keys %$p;";
const PERL_ENV: &str = "print $ENV{$_}, \"\\0\" for sort grep { /^ATTUNE_PARAM_/ } keys %ENV";

fn arrives(values: &[String]) {
    let parameters = numbered(values);
    let dotenv = render(ParameterFormat::Dotenv, &parameters).expect("held");
    let json = render(ParameterFormat::Json, &parameters).expect("held");
    let shell = shell_printer(values.len(), ". /dev/stdin");
    for program in ["sh", "bash"] {
        assert!(printed(program, &["-c", &shell], &dotenv, &[]) == values, "{program} read dotenv");
    }
    for (program, arguments) in [("python3", ["-c", PYTHON]), ("node", ["-e", NODE]), ("perl", ["-e", PERL])] {
        assert!(printed(program, &arguments, &json, &[]) == values, "{program} read JSON");
    }
    let short: Vec<String> = values.iter().filter(|text| text.len() < 100_000).cloned().collect();
    let variables = environment(&numbered(&short)).expect("fits");
    assert!(
        printed("sh", &["-c", &shell_printer(short.len(), "")], b"", &variables) == short,
        "sh read its environment"
    );
    assert!(printed("perl", &["-e", PERL_ENV], b"", &variables) == short, "perl read its environment");
}

#[test]
fn every_attack_arrives_as_data_in_every_language() {
    arrives(&attacks());
}

#[test]
fn yaml_is_read_alike_by_a_reader_of_version_1_1() {
    const READ: &str = "import sys\ntry: import yaml\nexcept ImportError: sys.exit(7)\nfor _, v in sorted(yaml.safe_load(sys.stdin.buffer.read()).items()): sys.stdout.buffer.write(v.encode() + b'\\0')";
    let python = crate::runner::find("python3").expect("python3 is needed for this test");
    let is_here = new_command(python).args(["-c", "import yaml"]).output().expect("runs").status.success();
    // The reader is no part of Python itself. Where it is not, the tests of the writer stand for it.
    if is_here {
        let values = attacks();
        let yaml = render(ParameterFormat::Yaml, &numbered(&values)).expect("held");
        assert!(printed("python3", &["-c", READ], &yaml, &[]) == values);
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(12))]
    #[test]
    fn any_text_arrives_as_data_in_every_language(
        values in proptest::collection::vec("[^\\x00]{0,40}|[ -/:-@\\[-`{-~\\n\\r\\t\\x1b]{0,20}", 1..60),
    ) {
        arrives(&values);
    }
}
