//! The rules for how a runtime's interpreter is found and started.

use attune_types::RuntimeSpec;

use crate::rules::Breach;

/// What `runtime` says wrongly about its interpreter.
pub(crate) fn breaches(runtime: &RuntimeSpec) -> Vec<Breach> {
    let (config, detection) = (&runtime.execution_config, &runtime.detection);
    let mut found: Vec<(&str, String)> = Vec::new();
    if !config.direct && detection.binaries.is_empty() && config.interpreter.is_none() {
        let rule = "must name at least one program, unless execution_config.direct is true";
        found.push(("detection.binaries", rule.to_owned()));
    }
    for name in detection.binaries.iter().filter(|name| !is_program(name)) {
        found.push(("detection.binaries", format!("{name:?} is not the name of a program; folders go to places")));
    }
    if let Some(interpreter) = config.interpreter.as_deref().filter(|text| !text.starts_with('/') && !is_program(text))
    {
        let rule = format!("{interpreter:?} is neither an absolute path nor the name of a program");
        found.push(("execution_config.interpreter", rule));
    }
    if config.direct && (config.interpreter.is_some() || config.command.is_some()) {
        found.push(("execution_config.direct", "means that nothing else is run than the action itself".to_owned()));
    }
    for (field, command) in
        [("execution_config.command", &config.command), ("detection.version_command", &detection.version_command)]
    {
        if command.as_ref().is_some_and(|command| command.is_empty()) {
            found.push((field, "must not be empty".to_owned()));
        }
    }
    for place in detection.places.iter().filter(|place| !is_place(place)) {
        let rule = format!("{place:?} must begin with '/', '~/' or a variable like $JAVA_HOME, and hold no '..'");
        found.push(("detection.places", rule));
    }
    found.into_iter().map(|(field, message)| Breach { field: field.to_owned(), message }).collect()
}

fn is_program(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != ".."
}

fn is_place(place: &str) -> bool {
    let is_variable = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    let begins = place.starts_with('/')
        || place.starts_with("~/")
        || place.strip_prefix('$').is_some_and(|rest| is_variable(rest.split('/').next().unwrap_or_default()));
    begins && place.split('/').all(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::CommandLine;

    fn told(change: impl FnOnce(&mut RuntimeSpec)) -> Vec<String> {
        let mut runtime = RuntimeSpec::default();
        runtime.detection.binaries = vec!["x".to_owned()];
        change(&mut runtime);
        breaches(&runtime).into_iter().map(|breach| format!("{}: {}", breach.field, breach.message)).collect()
    }

    #[test]
    fn what_names_no_program_and_no_folder_is_refused() {
        assert_eq!(told(|_| ()), Vec::<String>::new());
        let places = ["/opt/*/bin", "~/x", "$JAVA_HOME/bin", "$DOTNET_ROOT"];
        assert!(told(|runtime| runtime.detection.places = places.map(str::to_owned).to_vec()).is_empty());
        for place in ["bin", "~", "~x/bin", "$/bin", "$java/bin", "/opt/../x", ""] {
            assert_eq!(told(|runtime| runtime.detection.places = vec![place.to_owned()]).len(), 1, "{place}");
        }
        for name in ["", "a/b", "/bin/x", ".."] {
            assert_eq!(told(|runtime| runtime.detection.binaries = vec![name.to_owned()]).len(), 1, "{name}");
        }
        for (interpreter, wrong) in [("/bin/x", 0), ("x", 0), ("bin/x", 1), ("", 1)] {
            let told = told(|runtime| {
                runtime.detection.binaries.clear();
                runtime.execution_config.interpreter = Some(interpreter.to_owned());
            });
            assert_eq!(told.len(), wrong, "{interpreter}");
        }
        assert_eq!(told(|runtime| runtime.detection.binaries.clear()).len(), 1);
        assert_eq!(told(|runtime| runtime.execution_config.command = Some(CommandLine::List(Vec::new()))).len(), 1);
        let both = told(|runtime| {
            runtime.execution_config.direct = true;
            runtime.execution_config.interpreter = Some("x".to_owned());
        });
        assert_eq!(both, ["execution_config.direct: means that nothing else is run than the action itself"]);
    }
}
