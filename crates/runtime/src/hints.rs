//! `.attune-runtime.yaml`: what an image says about its own interpreters.

use std::fs;
use std::path::{Path, PathBuf};

use attune_types::environment::{EnvironmentSpec, PLACEHOLDERS, Recipe, RecipeCondition, RecipeStep};
use attune_types::{CommandLine, RuntimeSpec};
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::candidates::is_named;
use crate::detect_options::DetectOptions;
use crate::selection::meant;
use crate::trust::{self, Distrust};

/// Where the file is looked for when nobody says where it is; the first that is there counts.
const PLACES: &[&str] = &["/opt/attune/.attune-runtime.yaml", "/.attune-runtime.yaml"];
/// The most bytes of the file.
const MOST_BYTES: u64 = 256 << 10;

/// The file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    runtimes: Vec<Hint>,
}

/// What it says about one runtime.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hint {
    /// The runtime, by name or alias; a name that nothing has makes a new one.
    name: Spanned<String>,
    /// Absolute path, or a program name to look for.
    interpreter: Spanned<String>,
    /// Of its scripts, with or without the dot.
    #[serde(default)]
    file_extension: Option<String>,
    #[serde(default)]
    version_command: Option<CommandLine>,
    #[serde(default)]
    env_setup: Option<EnvSetup>,
}

/// How an environment of a pack is made.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EnvSetup {
    #[serde(default)]
    create_command: Option<CommandLine>,
    #[serde(default)]
    install_command: Option<CommandLine>,
    /// The file of a pack that says what it needs; absent: those of the runtime that is replaced.
    #[serde(default)]
    dependency_file: Option<String>,
}

impl DetectOptions {
    /// The same with what `.attune-runtime.yaml` adds or replaces: the file `configured`, else the one in `/opt/attune` or
    /// `/`. Nothing in it can keep a worker from starting: a file that cannot be read or trusted is passed over, and so is
    /// an entry whose interpreter is not there; each is told in [`Detection::warnings`](crate::Detection::warnings).
    #[must_use]
    pub fn with_hints(mut self, configured: Option<&Path>) -> Self {
        let path = match configured {
            Some(path) => Some(path.to_path_buf()),
            None => PLACES.iter().map(PathBuf::from).find(|path| fs::symlink_metadata(path).is_ok()),
        };
        let Some(path) = path else { return self };
        match read(&path) {
            Ok(document) => {
                for hint in document.runtimes {
                    if let Err(remark) = self.apply(&path, hint) {
                        self.remarks.push(remark);
                    }
                }
            }
            Err(remark) => self.remarks.push(remark),
        }
        self
    }

    /// Puts what one entry says into the definitions; in words, why it is passed over.
    fn apply(&mut self, path: &Path, hint: Hint) -> Result<(), String> {
        let at = |place: &Spanned<String>, what: String| {
            let (line, column) = (place.referenced.line(), place.referenced.column());
            format!("{}:{line}:{column}: {what}", path.display())
        };
        let name = hint.name.value.to_lowercase();
        if !attune_types::action::is_valid_name(&name) {
            return Err(at(&hint.name, format!("{name:?} is not a name: letters, digits, '_' and '-'")));
        }
        let interpreter = hint.interpreter.value.as_str();
        if interpreter.starts_with('/') {
            trust::real_program(Path::new(interpreter)).map_err(|distrust| {
                let reason = distrust
                    .words(Path::new(interpreter))
                    .unwrap_or_else(|| format!("{interpreter} is not there, or not executable"));
                at(&hint.interpreter, format!("{name} is left as it is: {reason}"))
            })?;
        } else if interpreter.is_empty() || interpreter.contains('/') {
            let reason = format!("{interpreter:?} is neither an absolute path nor the name of a program");
            return Err(at(&hint.interpreter, format!("{name} is left as it is: {reason}")));
        }
        let program = Path::new(interpreter).file_name().map(|name| name.to_string_lossy().into_owned());
        let program = program.unwrap_or_default();
        let known = meant(&self.specs, &name).cloned();
        let is_new = known.is_none();
        let mut spec = known.unwrap_or_else(|| self.like(&name, &program, path));
        spec.execution_config.interpreter = Some(interpreter.to_owned());
        spec.execution_config.direct = false;
        if let Some(extension) = &hint.file_extension {
            spec.execution_config.extension = extension.trim_start_matches('.').to_owned();
        }
        if let Some(command) = hint.version_command {
            spec.detection.version_command = Some(for_variables(command));
        }
        if let Some(setup) = hint.env_setup {
            spec.environment = Some(setup.environment(spec.environment.take()).ok_or_else(|| {
                at(&hint.name, format!("{name} is left as it is: its env_setup needs a dependency_file, and a command"))
            })?);
            // It starts scripts with what the steps make that were there before.
            spec.execution_config.command = spec.execution_config.command.filter(|command| !needs_environment(command));
        }
        let name = spec.name.to_lowercase();
        if is_new {
            self.specs.push(spec);
        } else {
            // Of several definitions with one name the others would bring back what is replaced.
            let position =
                self.specs.iter().position(|other| other.name.eq_ignore_ascii_case(&name)).unwrap_or_default();
            self.specs.retain(|other| !other.name.eq_ignore_ascii_case(&name));
            self.specs.insert(position.min(self.specs.len()), spec);
        }
        self.notes.insert(name, format!("from {}", path.display()));
        Ok(())
    }

    /// A definition of a new name. An interpreter that belongs to a known runtime by its program's name is started and
    /// asked as that one is.
    fn like(&self, name: &str, program: &str, path: &Path) -> RuntimeSpec {
        let is_of = |spec: &&RuntimeSpec| spec.detection.binaries.iter().any(|binary| is_named(program, binary));
        let family = self.specs.iter().find(is_of).cloned().unwrap_or_default();
        let mut spec = RuntimeSpec {
            runtime_ref: format!("hints.{name}"),
            name: name.to_owned(),
            label: name.to_owned(),
            description: format!("From {}.", path.display()),
            aliases: Vec::new(),
            versions: Vec::new(),
            template: false,
            auto_detected: true,
            ..family
        };
        spec.detection.binaries = vec![program.to_owned()];
        spec.detection.places = Vec::new();
        // What another entry said about that one.
        spec.detection.version_command = None;
        spec
    }
}

impl EnvSetup {
    /// The environment of a runtime that had `before`; `None` when it does not say enough.
    fn environment(self, before: Option<EnvironmentSpec>) -> Option<EnvironmentSpec> {
        let before = before.unwrap_or_default();
        let manifests = self.dependency_file.map_or(before.manifests.clone(), |file| vec![file]);
        let steps = [("create", self.create_command), ("install", self.install_command)];
        let steps: Vec<RecipeStep> = steps
            .into_iter()
            .filter_map(|(name, command)| Some((name, command.filter(|command| !command.is_empty())?)))
            .map(|(name, command)| RecipeStep {
                name: name.to_owned(),
                run: for_variables(command),
                directory: None,
                env_vars: Default::default(),
            })
            .collect();
        if manifests.is_empty() || steps.is_empty() {
            return None;
        }
        let recipe = Recipe { when: RecipeCondition::default(), copies: Vec::new(), steps };
        Some(EnvironmentSpec { manifests, recipes: vec![recipe], check: None, ..before })
    }
}

/// Whether a command can be run only in an environment.
fn needs_environment(command: &CommandLine) -> bool {
    let is_about_it = |text: &String| text.contains("{environment_dir}") || text.contains("ATTUNE_ENVIRONMENT_DIR");
    match command {
        CommandLine::List(words) => words.iter().any(is_about_it),
        CommandLine::Shell(text) => is_about_it(text),
    }
}

/// The same command with `{env_dir}` meaning `{environment_dir}`. In a text for the shell placeholders become quoted
/// variables: what they stand for is never text that the shell reads.
fn for_variables(command: CommandLine) -> CommandLine {
    match command {
        CommandLine::List(words) => {
            CommandLine::List(words.iter().map(|word| word.replace("{env_dir}", "{environment_dir}")).collect())
        }
        CommandLine::Shell(text) => {
            let text = text.replace("{env_dir}", "{environment_dir}");
            let quoted = |text: String, (placeholder, variable): &(&str, &str)| {
                text.replace(placeholder, &format!("\"${variable}\""))
            };
            CommandLine::Shell(PLACEHOLDERS.iter().fold(text, quoted))
        }
    }
}

/// Reads the file; in words, why it is passed over.
fn read(path: &Path) -> Result<Document, String> {
    let ignored = |reason: String| format!("{} is passed over: {reason}", path.display());
    let (real, metadata) = trust::real_file(path).map_err(|distrust| {
        ignored(match distrust {
            Distrust::Absent => "it is not there".to_owned(),
            Distrust::Writable(place) => format!("everybody may write to {}", place.display()),
            Distrust::Odd(reason) => reason.to_owned(),
        })
    })?;
    if metadata.len() > MOST_BYTES {
        return Err(ignored(format!("it has {} bytes, more than {MOST_BYTES}", metadata.len())));
    }
    let text = fs::read_to_string(real).map_err(|error| ignored(error.to_string()))?;
    if text.trim().is_empty() {
        return Ok(Document { runtimes: Vec::new() });
    }
    attune_pack::parse_document(path, &text).map_err(|problem| format!("{problem} (the file is passed over)"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::builtin::builtin_specs;

    fn hinted(text: &str) -> DetectOptions {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hints.yaml");
        fs::write(&path, text).expect("written");
        let mut options = DetectOptions::new(builtin_specs(), "/usr/bin").with_hints(Some(&path));
        let place = folder.path().display().to_string();
        for remark in &mut options.remarks {
            *remark = remark.replace(&place, "");
        }
        options
    }

    fn spec<'a>(options: &'a DetectOptions, name: &str) -> &'a RuntimeSpec {
        options.specs.iter().find(|spec| spec.name == name).expect("there")
    }

    #[test]
    fn the_example_of_the_documentation_is_understood() {
        let options = hinted(
            "runtimes:\n- name: ruby\n  interpreter: /bin/sh\n  file_extension: .rbx\n  version_command: \"sh --version\"\n  \
             env_setup:\n    create_command: \"mkdir -p {env_dir}\"\n    \
             install_command: \"cd {env_dir} && bundle install --gemfile {pack_dir}/Gemfile\"\n    \
             dependency_file: Gemfile\n\
             - name: Custom-ML\n  interpreter: python3\n  file_extension: .py\n",
        );
        assert_eq!(options.remarks, Vec::<String>::new());
        let ruby = spec(&options, "ruby");
        assert_eq!(ruby.execution_config.interpreter.as_deref(), Some("/bin/sh"));
        assert_eq!((ruby.execution_config.extension.as_str(), &ruby.aliases[..]), ("rbx", &["rb".to_owned()][..]));
        let environment = ruby.environment.as_ref().expect("told");
        let install = "cd \"$ATTUNE_ENVIRONMENT_DIR\" && bundle install --gemfile \"$ATTUNE_PACK_DIR\"/Gemfile";
        assert_eq!(environment.recipes[0].steps[1].run, CommandLine::Shell(install.into()));
        let custom = spec(&options, "custom-ml");
        assert!(custom.execution_config.env_vars.contains_key("PYTHONPATH"), "it is a python");
        assert_eq!((custom.detection.binaries[0].as_str(), custom.auto_detected), ("python3", true));
        assert_eq!(options.specs.len(), builtin_specs().len() + 1);
        assert_eq!(options.notes.len(), 2);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_nothing_else_is_lost() {
        for (text, expected) in [
            (
                "runtimes:\n- nam: x\n",
                "/hints.yaml:2:3: unknown key `nam`; did you mean `name`? (the file is passed over)",
            ),
            (
                "runtimes:\n- name: ruby\n  interpreter: /does/not/exist\n",
                "/hints.yaml:3:16: ruby is left as it is: /does/not/exist is not there, or not executable",
            ),
            (
                "runtimes:\n- name: ruby\n  interpreter: bin/ruby\n",
                "/hints.yaml:3:16: ruby is left as it is: \"bin/ruby\" is neither an absolute path nor the name of a program",
            ),
            (
                "runtimes:\n- {name: a b, interpreter: sh}\n",
                "/hints.yaml:2:10: \"a b\" is not a name: letters, digits, '_' and '-'",
            ),
            (
                "runtimes:\n- {name: x, interpreter: sh, env_setup: {create_command: a}}\n",
                "/hints.yaml:2:10: x is left as it is: its env_setup needs a dependency_file, and a command",
            ),
        ] {
            let options = hinted(text);
            assert_eq!(options.remarks, [expected]);
            assert_eq!(options.specs, builtin_specs());
        }
        assert_eq!(hinted("").remarks, Vec::<String>::new());
        assert!(hinted("runtimes: [").remarks[0].contains("/hints.yaml:1:"));
    }

    #[test]
    fn a_file_that_is_not_there_or_that_everybody_may_write_is_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("hints.yaml");
        let remark = || DetectOptions::new(builtin_specs(), "").with_hints(Some(&path)).remarks.join("");
        assert!(remark().ends_with("is passed over: it is not there"), "{}", remark());
        fs::write(&path, "runtimes: []").expect("written");
        assert_eq!(remark(), "");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("changed");
        assert!(remark().contains("everybody may write"), "{}", remark());
        fs::remove_file(&path).expect("removed");
        fs::create_dir(&path).expect("made");
        assert!(remark().ends_with("it is a directory"), "{}", remark());
    }
}
