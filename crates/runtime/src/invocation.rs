//! How a script is started.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use attune_process::Command;
use attune_types::runtime::EnvironmentChange;
use attune_types::{CommandLine, VariableRule};

use crate::clean_environment::CleanEnvironment;
use crate::placeholders::{FilledCommand, Placeholders};
use crate::resolved::{Program, Resolved};

/// A script and the places around it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Script {
    /// The file to run, absolute.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// The pack it belongs to: what `{pack_dir}` stands for.
    pub pack_dir: Option<PathBuf>,
    /// The prepared environment it runs in (installed dependencies): what `{environment_dir}` stands for. This is where
    /// environments enter; a script that needs none has none.
    pub environment_dir: Option<PathBuf>,
}

/// The command that runs `script`, in the script's own folder.
pub(crate) fn command_for(resolved: &Resolved, script: &Script, environment: &CleanEnvironment) -> Command {
    let places = places_of(resolved, script);
    let FilledCommand { words, variables } = line_for(resolved, script, &places);
    let mut words = words.into_iter();
    let program = words.next().map_or_else(|| script.path.clone(), PathBuf::from);
    let mut command = Command::new(program).arguments(words.chain(script.arguments.iter().cloned()));
    let mut environment = environment.clone();
    let of_environment = resolved.spec.environment.iter().filter(|_| script.environment_dir.is_some());
    let variables_of_environment = of_environment.flat_map(|spec| &spec.env_vars);
    for (name, change) in resolved.spec.execution_config.env_vars.iter().chain(variables_of_environment) {
        apply(&mut environment, name, change, &places);
    }
    command.environment = environment.into_variables();
    command.environment.extend(variables);
    command.directory = script.path.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    command
}

/// What the placeholders stand for when `script` is run.
fn places_of(resolved: &Resolved, script: &Script) -> Placeholders {
    let interpreter = interpreter_of(resolved, script);
    let interpreter = interpreter.as_deref();
    Placeholders::default()
        .with("{script}", Some(script.path.as_os_str()))
        .with("{pack_dir}", script.pack_dir.as_deref())
        .with("{environment_dir}", script.environment_dir.as_deref())
        .with("{interpreter}", interpreter)
        .with("{interpreter_dir}", interpreter.and_then(Path::parent))
}

/// The interpreter: the one of the environment, when that has its own.
fn interpreter_of(resolved: &Resolved, script: &Script) -> Option<PathBuf> {
    let Program::Interpreter { path, .. } = &resolved.program else { return None };
    let own = resolved.spec.environment.as_ref().and_then(|environment| environment.program.as_deref());
    let places = Placeholders::default().with("{environment_dir}", script.environment_dir.as_deref());
    Some(own.and_then(|own| places.fill(own)).map_or_else(|| path.clone(), PathBuf::from))
}

/// The program and what stands before the script's own arguments. A command of the runtime's own is used when it needs
/// nothing that this script does not have; the script is its last argument unless it says where else.
fn line_for(resolved: &Resolved, script: &Script, places: &Placeholders) -> FilledCommand {
    let path = script.path.clone().into_os_string();
    let own = resolved.spec.execution_config.command.as_ref();
    if let Some((command, mut filled)) = own.and_then(|command| Some((command, places.command(command)?))) {
        let names_script = |words: &Vec<String>| words.iter().any(|word| word.contains("{script}"));
        // A shell finds it in $ATTUNE_SCRIPT, and the arguments in "$@".
        if matches!(command, CommandLine::List(words) if !names_script(words)) {
            filled.words.push(path);
        }
        return filled;
    }
    let words = match interpreter_of(resolved, script) {
        Some(interpreter) => {
            let options = resolved.spec.execution_config.arguments.iter().map(OsString::from);
            std::iter::once(interpreter.into_os_string()).chain(options).chain([path]).collect()
        }
        None => vec![path],
    };
    FilledCommand { words, variables: Vec::new() }
}

fn apply(environment: &mut CleanEnvironment, name: &str, change: &EnvironmentChange, places: &Placeholders) {
    let (EnvironmentChange::Set(template) | EnvironmentChange::Prepend(template) | EnvironmentChange::Append(template)) =
        change;
    // A value about a place that this script does not have is no value at all.
    let Some(value) = places.fill(template) else { return };
    // A colon inside a place would end it early and begin another one, relative to wherever the script starts.
    let colons = |text: &[u8]| text.iter().filter(|byte| **byte == b':').count();
    if VariableRule::of(name) == VariableRule::SearchPath && colons(value.as_bytes()) != colons(template.as_bytes()) {
        tracing::warn!(variable = name, value = ?value, "left out: a folder in it has a colon in its name");
        return;
    }
    let there = environment.get(name).filter(|there| !there.is_empty()).map(OsString::from);
    let joined = |front: OsString, back: OsString| {
        let mut whole = front;
        whole.push(":");
        whole.push(back);
        whole
    };
    let value = match (change, there) {
        (EnvironmentChange::Prepend(_), Some(there)) => joined(value, there),
        (EnvironmentChange::Append(_), Some(there)) => joined(there, value),
        _ => value,
    };
    environment.set(name, value);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::builtin_specs;

    fn resolved(runtime: &str, change: impl FnOnce(&mut attune_types::RuntimeSpec)) -> Resolved {
        let mut spec = builtin_specs().into_iter().find(|spec| spec.name == runtime).expect("built in");
        change(&mut spec);
        let program = match spec.execution_config.direct {
            true => Program::Script,
            false => Program::Interpreter { path: format!("/usr/bin/{runtime}").into(), version: None },
        };
        Resolved { spec, program }
    }

    fn script() -> Script {
        Script {
            path: "/packs/demo/actions/run".into(),
            arguments: vec!["--flag".into()],
            pack_dir: Some("/packs/demo".into()),
            environment_dir: None,
        }
    }

    fn environment() -> CleanEnvironment {
        CleanEnvironment::from_inherited([("PATH".into(), "/bin".into()), ("HOME".into(), "/".into())])
    }

    fn value(command: &Command, name: &str) -> Option<String> {
        let found = command.environment.iter().find(|(known, _)| known == name)?;
        Some(found.1.to_string_lossy().into_owned())
    }

    #[test]
    fn an_interpreter_gets_its_options_then_the_script_then_its_arguments() {
        let command = command_for(&resolved("go", |_| {}), &script(), &environment());
        assert_eq!(command.program, Path::new("/usr/bin/go"));
        assert_eq!(command.arguments, ["run", "/packs/demo/actions/run", "--flag"]);
        assert_eq!(command.directory, Path::new("/packs/demo/actions"));
    }

    #[test]
    fn a_runtime_may_have_a_command_of_its_own() {
        let with = |command: CommandLine| {
            command_for(
                &resolved("java", |spec| spec.execution_config.command = Some(command.clone())),
                &script(),
                &environment(),
            )
        };
        let list = with(CommandLine::List(vec!["{interpreter}".into(), "-cp".into(), "{pack_dir}/lib/*".into()]));
        assert_eq!(list.program, Path::new("/usr/bin/java"));
        assert_eq!(list.arguments, ["-cp", "/packs/demo/lib/*", "/packs/demo/actions/run", "--flag"]);
        let placed = with(CommandLine::List(vec!["{interpreter}".into(), "{script}".into(), "--".into()]));
        assert_eq!(placed.arguments, ["/packs/demo/actions/run", "--", "--flag"]);
        let text = "exec \"$ATTUNE_INTERPRETER\" \"$ATTUNE_SCRIPT\" \"$@\"";
        let shell = with(CommandLine::Shell(text.into()));
        assert_eq!(shell.program, Path::new("/bin/sh"));
        assert_eq!(shell.arguments, ["-c", text, "sh", "--flag"]);
        assert_eq!(value(&shell, "ATTUNE_SCRIPT").as_deref(), Some("/packs/demo/actions/run"));
    }

    #[test]
    fn a_native_program_is_run_itself() {
        let command = command_for(&resolved("native", |_| {}), &script(), &environment());
        assert_eq!(command.program, Path::new("/packs/demo/actions/run"));
        assert_eq!(command.arguments, ["--flag"]);
    }

    #[test]
    fn variables_are_set_prepended_and_appended() {
        let changed = resolved("python", |spec| {
            let variables = &mut spec.execution_config.env_vars;
            variables.insert("PATH".into(), EnvironmentChange::Append("{pack_dir}/bin:{pack_dir}/sbin".into()));
            variables.insert("LANG".into(), EnvironmentChange::Set("de_DE.UTF-8".into()));
            variables.insert("HOME".into(), EnvironmentChange::Prepend("{environment_dir}/x".into()));
        });
        let command = command_for(&changed, &script(), &environment());
        for (name, expected) in [
            ("PYTHONPATH", "/packs/demo/lib"),
            ("PYTHONUNBUFFERED", "1"),
            ("PATH", "/bin:/packs/demo/bin:/packs/demo/sbin"),
            ("LANG", "de_DE.UTF-8"),
            ("HOME", "/"),
        ] {
            assert_eq!(value(&command, name).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn a_place_is_one_argument_and_one_folder_whatever_its_name() {
        let odd = Script {
            path: "/packs/$(touch x) `y` 'z' \"w\"/actions/a b;c".into(),
            pack_dir: Some("/packs/$(touch x) `y` 'z' \"w\"".into()),
            ..script()
        };
        let command = command_for(&resolved("python", |_| {}), &odd, &environment());
        assert_eq!(command.arguments, ["/packs/$(touch x) `y` 'z' \"w\"/actions/a b;c", "--flag"]);
        assert_eq!(value(&command, "PYTHONPATH").as_deref(), Some("/packs/$(touch x) `y` 'z' \"w\"/lib"));
        let colon = Script { pack_dir: Some("/packs/a:b".into()), ..script() };
        let command = command_for(&resolved("python", |_| {}), &colon, &environment());
        assert_eq!(value(&command, "PYTHONPATH"), None, "it would search b/lib, wherever that is");
    }

    #[test]
    fn a_script_without_a_pack_has_no_variables_about_one() {
        let lonely = Script { pack_dir: None, ..script() };
        let command = command_for(&resolved("python", |_| {}), &lonely, &environment());
        assert_eq!(value(&command, "PYTHONPATH"), None);
        assert_eq!(value(&command, "PYTHONUNBUFFERED").as_deref(), Some("1"));
    }

    #[test]
    fn a_ready_environment_brings_its_interpreter_and_its_variables() {
        let spec = resolved("python", |spec| {
            spec.environment = Some(attune_types::EnvironmentSpec {
                program: Some("{environment_dir}/bin/python".into()),
                env_vars: [("PYTHONPATH".to_owned(), EnvironmentChange::Append("{environment_dir}/more".into()))]
                    .into(),
                ..attune_types::EnvironmentSpec::default()
            });
        });
        let ready = Script { environment_dir: Some("/envs/1".into()), ..script() };
        let command = command_for(&spec, &ready, &environment());
        assert_eq!(command.program, Path::new("/envs/1/bin/python"));
        assert_eq!(value(&command, "PYTHONPATH").as_deref(), Some("/packs/demo/lib:/envs/1/more"));
        let command = command_for(&spec, &script(), &environment());
        assert_eq!(command.program, Path::new("/usr/bin/python"));
        assert_eq!(value(&command, "PYTHONPATH").as_deref(), Some("/packs/demo/lib"));
    }
}
