//! How a script is started.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use attune_process::Command;
use attune_types::VariableRule;
use attune_types::action::EnvironmentChange;

use crate::clean_environment::CleanEnvironment;
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
    let (program, first) = match &resolved.program {
        Program::Interpreter { path, .. } => {
            let options = resolved.spec.execution_config.arguments.iter().map(OsString::from);
            (path.clone(), options.chain([script.path.clone().into_os_string()]).collect())
        }
        Program::Script => (script.path.clone(), Vec::new()),
    };
    let mut command = Command::new(program).arguments(first.into_iter().chain(script.arguments.iter().cloned()));
    let mut environment = environment.clone();
    for (name, change) in &resolved.spec.execution_config.env_vars {
        apply(&mut environment, name, change, script);
    }
    command.environment = environment.into_variables();
    command.directory = script.path.parent().map_or_else(|| PathBuf::from("/"), Path::to_owned);
    command
}

fn apply(environment: &mut CleanEnvironment, name: &str, change: &EnvironmentChange, script: &Script) {
    let (EnvironmentChange::Set(template) | EnvironmentChange::Prepend(template) | EnvironmentChange::Append(template)) =
        change;
    // A value about a place that this script does not have is no value at all.
    let Some(value) = filled(template, script) else { return };
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

/// Puts the places into a template. `None` when it needs one that is not there.
fn filled(template: &str, script: &Script) -> Option<OsString> {
    let places = [("{pack_dir}", &script.pack_dir), ("{environment_dir}", &script.environment_dir)];
    let mut filled = OsString::new();
    let mut rest = template;
    while let Some((at, (name, place))) =
        places.iter().filter_map(|place| Some((rest.find(place.0)?, place))).min_by_key(|(at, _)| *at)
    {
        filled.push(&rest[..at]);
        filled.push(place.as_ref()?);
        rest = &rest[at + name.len()..];
    }
    filled.push(rest);
    Some(filled)
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
}
