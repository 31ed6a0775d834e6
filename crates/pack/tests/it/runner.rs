use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use attune_pack::{Library, check_parameters, check_result, environment, render};
use attune_types::{ActionRef, OutputFormat, ParameterDelivery, RuntimeSpec};
use serde_json::{Map, Value};

/// What a run of an action gave.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// Standard output as JSON, which keeps the action's `output_schema`.
    pub(crate) result: Option<Value>,
}

pub(crate) fn library() -> Library {
    Library::scan(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("../../packs")])
}

/// Where a program is on this machine.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|candidate| candidate.is_file())
}

/// Whether a runtime's interpreter is here.
pub(crate) fn is_here(runtime: &RuntimeSpec) -> bool {
    runtime.execution_config.direct || runtime.detection.binaries.iter().any(|program| find(program).is_some())
}

pub(crate) fn runtime_of<'a>(library: &'a Library, runner_type: &str) -> &'a RuntimeSpec {
    library
        .runtimes()
        .find(|runtime| runtime.name == runner_type || runtime.aliases.iter().any(|alias| alias == runner_type))
        .unwrap_or_else(|| panic!("no runtime {runner_type}"))
}

#[expect(clippy::disallowed_methods, reason = "this crate is below the one that runs children well")]
pub(crate) fn new_command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    Command::new(program)
}

/// Runs an action with a clean environment, as a worker does.
pub(crate) fn run(action: &str, parameters: Value) -> Run {
    let library = library();
    let action_ref: ActionRef = action.parse().expect("a reference");
    let spec = library.action(&action_ref).expect("the action is there");
    let Value::Object(given) = parameters else { panic!("parameters are an object") };
    let parameters: Map<String, Value> = check_parameters(spec, given).expect("parameters are accepted");
    let pack = library.pack_dir(&action_ref.pack).expect("the pack is there");
    let script = pack.join("actions").join(&spec.entry_point);
    let runtime = runtime_of(&library, &spec.runner_type);
    let mut command = if runtime.execution_config.direct {
        new_command(&script)
    } else {
        let program = runtime.detection.binaries.iter().find_map(|program| find(program)).expect("an interpreter");
        let mut command = new_command(program);
        command.args(&runtime.execution_config.arguments).arg(&script);
        command
    };
    command.env_clear().env("ATTUNE_PACK_DIR", pack);
    for name in ["PATH", "HOME"] {
        command.env(name, std::env::var_os(name).unwrap_or_default());
    }
    let mut input = Vec::new();
    match spec.parameter_delivery {
        ParameterDelivery::Env => {
            command.envs(environment(&parameters).expect("fits"));
        }
        _ => input = render(spec.parameter_format, &parameters).expect("rendered"),
    }
    let mut child = command
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starts");
    // A script that does not read its input closes the pipe; that is no error.
    let _unread = child.stdin.take().expect("a pipe").write_all(&input);
    let output = child.wait_with_output().expect("ends");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let result = (spec.output_format == OutputFormat::Json && output.status.success()).then(|| {
        let result: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{action}: {error}: {stdout}"));
        let schema = spec.output_schema.as_ref().unwrap_or_else(|| panic!("{action} has no output_schema"));
        check_result(schema, &result).unwrap_or_else(|error| panic!("{action}: {error}"));
        result
    });
    Run { code: output.status.code(), stdout, stderr, result }
}
