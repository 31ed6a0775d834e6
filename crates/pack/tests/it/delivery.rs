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
