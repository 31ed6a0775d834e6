//! From a recipe to commands.

use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use attune_types::environment::PLACEHOLDERS;
use attune_types::{CommandLine, DetectedInterpreter, EnvironmentSpec, Libc};

use super::fill::fill;
use super::recipe_choice::Chosen;
use super::step::Step;
use super::tool_settings::ToolSettings;
use crate::clean_environment::CleanEnvironment;

/// An environment that can be made: what it is, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct EnvironmentPlan {
    /// The pack.
    pub pack: String,
    /// The runtime's name, lower case.
    pub runtime: String,
    /// Its identity.
    pub fingerprint: String,
    /// How the runtime makes environments.
    pub spec: EnvironmentSpec,
    /// The recipe.
    pub chosen: Chosen,
    /// The interpreter.
    pub interpreter: DetectedInterpreter,
    /// The pack's folder.
    pub pack_dir: PathBuf,
}

/// Where an environment is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// The environment's own folder.
    pub environment_dir: PathBuf,
    /// Where tools keep what they may use again.
    pub cache_dir: PathBuf,
}

impl EnvironmentPlan {
    /// The name of the folder among all that share a volume: caches are shared by what is compiled alike.
    #[must_use]
    pub fn cache_name(&self) -> String {
        let libc = self.interpreter.libc.map_or("unknown", Libc::word);
        let architecture = match self.interpreter.architecture.as_str() {
            "" => "unknown",
            known => known,
        };
        format!("{libc}-{architecture}")
    }

    /// The commands that make it, one after the other.
    #[must_use]
    pub fn steps(&self, places: &Places, base: &CleanEnvironment, settings: &ToolSettings) -> Vec<Step> {
        let context = Context::new(self, places, base, settings);
        let steps = &self.chosen.recipe.steps;
        steps
            .iter()
            .map(|step| {
                let directory = step.directory.as_deref().and_then(|template| context.fill(template));
                let own = step.env_vars.iter().filter_map(|(name, value)| Some((name.into(), context.fill(value)?)));
                context.step(&step.name, &step.run, directory.map(PathBuf::from), own.collect())
            })
            .collect()
    }

    /// The command that proves that a ready one can be used.
    #[must_use]
    pub fn check(&self, places: &Places, base: &CleanEnvironment, settings: &ToolSettings) -> Option<Step> {
        let context = Context::new(self, places, base, settings);
        Some(context.step("check", self.spec.check.as_ref()?, None, Vec::new()))
    }

    /// The interpreter of the environment, when it has its own.
    #[must_use]
    pub fn program(&self, environment_dir: &Path) -> Option<PathBuf> {
        let values = [("{environment_dir}", Some(environment_dir.as_os_str()))];
        self.spec.program.as_deref().and_then(|template| fill(template, &values)).map(PathBuf::from)
    }
}

/// What the commands of one plan have in common.
struct Context {
    values: Vec<(&'static str, OsString)>,
    base: CleanEnvironment,
    settings: Vec<(OsString, OsString)>,
    environment_dir: PathBuf,
}

impl Context {
    fn new(plan: &EnvironmentPlan, places: &Places, base: &CleanEnvironment, settings: &ToolSettings) -> Self {
        let interpreter = Path::new(&plan.interpreter.path);
        let interpreter_dir = interpreter.parent().unwrap_or(Path::new("/"));
        let manifest = plan.pack_dir.join(&plan.chosen.manifest);
        let of = |placeholder: &str| -> Option<OsString> {
            Some(match placeholder {
                "{pack_dir}" => plan.pack_dir.clone().into(),
                "{environment_dir}" => places.environment_dir.clone().into(),
                "{interpreter}" => interpreter.into(),
                "{interpreter_dir}" => interpreter_dir.into(),
                "{manifest}" => manifest.clone().into(),
                "{tool}" => plan.chosen.tool.clone()?.into(),
                "{cache_dir}" => places.cache_dir.clone().into(),
                _ => return None,
            })
        };
        let values = PLACEHOLDERS.iter().filter_map(|(name, _)| Some((*name, of(name)?))).collect();
        let mut base = base.clone();
        // What belongs to an interpreter lies beside it, and its scripts look for it by name.
        let mut path = OsString::from(interpreter_dir);
        if let Some(rest) = base.get("PATH").filter(|rest| !rest.is_empty()) {
            path.push(":");
            path.push(rest);
        }
        base.set("PATH", path);
        let settings = settings.variables(places.cache_dir.as_os_str());
        Self { values, base, settings, environment_dir: places.environment_dir.clone() }
    }

    fn fill(&self, template: &str) -> Option<OsString> {
        let values: Vec<(&str, Option<&OsStr>)> =
            self.values.iter().map(|(name, value)| (*name, Some(value.as_os_str()))).collect();
        fill(template, &values)
    }

    fn step(&self, name: &str, run: &CommandLine, directory: Option<PathBuf>, own: Vec<(OsString, OsString)>) -> Step {
        let mut environment = self.base.clone().into_variables();
        let places = PLACEHOLDERS.iter().filter_map(|(placeholder, variable)| {
            let (_, value) = self.values.iter().find(|(known, _)| known == placeholder)?;
            Some((OsString::from(variable), value.clone()))
        });
        for (name, value) in self.settings.iter().cloned().chain(places).chain(own) {
            environment.retain(|(known, _)| *known != name);
            environment.push((name, value));
        }
        let (program, arguments) = match run {
            // Places come in variables: a shell would split what was put into its text, and run it.
            CommandLine::Shell(text) => (PathBuf::from("/bin/sh"), vec!["-c".into(), text.into()]),
            CommandLine::List(words) => {
                let mut words = words.iter().map(|word| self.fill(word).unwrap_or_else(|| word.into()));
                let program = PathBuf::from(words.next().unwrap_or_default());
                (self.found(program), words.collect())
            }
        };
        let directory = directory.unwrap_or_else(|| self.environment_dir.clone());
        Step { name: name.to_owned(), program, arguments, directory, environment }
    }

    /// Where a program lies that is named without a slash.
    fn found(&self, program: PathBuf) -> PathBuf {
        if program.components().count() > 1 {
            return program;
        }
        let path = self.base.get("PATH").unwrap_or_default();
        find_program(path, program.as_os_str()).unwrap_or(program)
    }
}

/// Looks for a program in the absolute folders of `path`, as a shell would.
#[must_use]
pub fn find_program(path: &OsStr, name: &OsStr) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(name)).find(is_program)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use attune_types::{Recipe, RecipeStep};

    use super::*;

    fn plan(steps: Vec<RecipeStep>) -> EnvironmentPlan {
        EnvironmentPlan {
            pack: "demo".into(),
            runtime: "python".into(),
            fingerprint: "f".into(),
            spec: EnvironmentSpec {
                program: Some("{environment_dir}/bin/python".into()),
                check: Some(CommandLine::List(vec!["{environment_dir}/bin/python".into(), "-V".into()])),
                ..EnvironmentSpec::default()
            },
            chosen: Chosen {
                manifest: "req $(x).txt".into(),
                recipe: Recipe { steps, ..Recipe::default() },
                tool: Some("/bin/uv".into()),
            },
            interpreter: DetectedInterpreter {
                path: "/opt/py/bin/python3".into(),
                libc: Some(Libc::Musl),
                architecture: "x86_64".into(),
                ..DetectedInterpreter::default()
            },
            pack_dir: "/packs/a b;c".into(),
        }
    }

    fn step(run: CommandLine) -> RecipeStep {
        let env_vars = BTreeMap::from([("PIP_NO_INPUT".to_owned(), "{cache_dir}!".to_owned())]);
        RecipeStep { name: "install".into(), run, directory: Some("{pack_dir}".into()), env_vars }
    }

    fn steps(run: CommandLine) -> Step {
        let base = CleanEnvironment::from_inherited([("PATH".into(), "/bin".into())]);
        let places = Places { environment_dir: "/envs/1".into(), cache_dir: "/envs/c".into() };
        plan(vec![step(run)]).steps(&places, &base, &ToolSettings::default()).remove(0)
    }

    #[test]
    fn a_placeholder_stays_inside_its_argument() {
        let words = ["{tool}", "-p", "{interpreter}", "-r{manifest}", "--into={environment_dir}", "{nonsense}"];
        let step = steps(CommandLine::List(words.map(str::to_owned).to_vec()));
        assert_eq!(step.program, Path::new("/bin/uv"));
        assert_eq!(
            step.arguments,
            ["-p", "/opt/py/bin/python3", "-r/packs/a b;c/req $(x).txt", "--into=/envs/1", "{nonsense}"]
        );
        assert_eq!(step.directory, Path::new("/packs/a b;c"));
        let value = |name: &str| step.environment.iter().filter(|(known, _)| known == name).collect::<Vec<_>>();
        assert_eq!(value("PIP_NO_INPUT"), [&("PIP_NO_INPUT".into(), "/envs/c!".into())], "the step's own wins");
        assert_eq!(value("PATH"), [&("PATH".into(), "/opt/py/bin:/bin".into())]);
        assert_eq!(value("ATTUNE_PACK_DIR"), [&("ATTUNE_PACK_DIR".into(), "/packs/a b;c".into())]);
    }

    #[test]
    fn a_text_goes_to_the_shell_as_it_stands() {
        let step = steps(CommandLine::Shell("cp {pack_dir} \"$ATTUNE_PACK_DIR\"".into()));
        assert_eq!(step.program, Path::new("/bin/sh"));
        assert_eq!(step.arguments, ["-c", "cp {pack_dir} \"$ATTUNE_PACK_DIR\""]);
    }

    #[test]
    fn a_program_without_a_slash_is_looked_for() {
        let run = |name: &str| steps(CommandLine::List(vec![name.to_owned()]));
        assert!(run("sh").is_found());
        let lost = run("no-such-program");
        assert!(!lost.is_found());
        assert_eq!(lost.program, Path::new("no-such-program"));
    }

    #[test]
    fn caches_are_shared_by_what_is_compiled_alike() {
        assert_eq!(plan(Vec::new()).cache_name(), "musl-x86_64");
        assert_eq!(plan(Vec::new()).program(Path::new("/e")), Some("/e/bin/python".into()));
    }
}
