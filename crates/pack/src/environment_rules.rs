//! The rules that the `environment` section of a runtime must keep.

use std::path::{Component, Path};

use attune_types::environment::PLACEHOLDERS;
use attune_types::runtime::EnvironmentChange;
use attune_types::{CommandLine, EnvironmentSpec, variable_refusal};

use crate::rules::Breach;

/// Every rule that `spec` breaks.
pub(crate) fn breaches(spec: &EnvironmentSpec) -> Vec<Breach> {
    let mut found = Vec::new();
    let mut add =
        |field: String, message: String| found.push(Breach { field: format!("environment.{field}"), message });
    if spec.manifests.is_empty() {
        add("manifests".into(), "must name at least one file of the pack".into());
    }
    if spec.recipes.is_empty() {
        add("recipes".into(), "must hold at least one recipe".into());
    }
    let copies = spec
        .recipes
        .iter()
        .enumerate()
        .flat_map(|(at, recipe)| recipe.copies.iter().map(move |path| (format!("recipes.{at}.copies"), path)));
    let inside = |name: &'static str| move |path| (name.to_owned(), path);
    let named = spec.manifests.iter().map(inside("manifests")).chain(spec.inputs.iter().map(inside("inputs")));
    for (field, path) in named.chain(copies) {
        let plain = !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
        if !plain {
            add(field, format!("{path:?} leaves the pack"));
        }
    }
    for (at, recipe) in spec.recipes.iter().enumerate() {
        let field = format!("recipes.{at}");
        if let Some(manifest) = recipe.when.manifest.as_ref().filter(|manifest| !spec.manifests.contains(manifest)) {
            add(format!("{field}.when.manifest"), format!("{manifest} is not among the manifests"));
        }
        let has_tool = recipe.when.tool.is_some();
        if recipe.steps.is_empty() {
            add(format!("{field}.steps"), "must hold at least one step".into());
        }
        for (number, step) in recipe.steps.iter().enumerate() {
            let field = format!("{field}.steps.{number}");
            if step.name.trim().is_empty() {
                add(format!("{field}.name"), "must say what the step is called".into());
            }
            for problem in command(&step.run, has_tool) {
                add(format!("{field}.run"), problem);
            }
            for text in step.directory.iter().chain(step.env_vars.values()) {
                for problem in template(text, has_tool) {
                    add(field.clone(), problem);
                }
            }
        }
    }
    for problem in spec.check.iter().flat_map(|check| command(check, false)) {
        add("check".into(), problem);
    }
    if spec.program.as_ref().is_some_and(|program| !program.starts_with("{environment_dir}/")) {
        add("program".into(), "must begin with {environment_dir}/: it is the environment's own interpreter".into());
    }
    for (name, change) in &spec.env_vars {
        let (EnvironmentChange::Set(value) | EnvironmentChange::Prepend(value) | EnvironmentChange::Append(value)) =
            change;
        if let Some(refusal) = variable_refusal(name, value) {
            add(format!("env_vars.{name}"), refusal);
        }
    }
    found
}

fn command(line: &CommandLine, has_tool: bool) -> Vec<String> {
    match line {
        _ if line.is_empty() => vec!["must name a program".to_owned()],
        CommandLine::List(words) => words.iter().flat_map(|word| template(word, has_tool)).collect(),
        // Its text is the shell's alone: what would be put into it, the shell would split and run.
        CommandLine::Shell(text) => PLACEHOLDERS
            .iter()
            .filter(|(placeholder, _)| text.contains(placeholder))
            .map(|(placeholder, variable)| {
                format!(
                    "{placeholder} is not filled in a string, which /bin/sh reads; write \"${variable}\" or use a list"
                )
            })
            .collect(),
    }
}

/// Placeholders that nobody fills.
fn template(text: &str, has_tool: bool) -> Vec<String> {
    let mut problems = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        rest = after;
        let Some((name, _)) = after.split_once('}') else { break };
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let placeholder = format!("{{{name}}}");
        if !is_name {
            continue;
        }
        if !PLACEHOLDERS.iter().any(|(known, _)| *known == placeholder) {
            let known: Vec<&str> = PLACEHOLDERS.iter().map(|(known, _)| *known).collect();
            problems.push(format!("{placeholder} stands for nothing; there are {}", known.join(", ")));
        } else if name == "tool" && !has_tool {
            problems.push("{tool} needs when.tool".to_owned());
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let spec: EnvironmentSpec = serde_saphyr::from_str(text).expect("reads");
        breaches(&spec).into_iter().map(|breach| format!("{}: {}", breach.field, breach.message)).collect()
    }

    #[test]
    fn a_recipe_that_can_be_followed_breaks_no_rule() {
        let text = "manifests: [a.lock]\nrecipes:\n  - when: {tool: aa}\n    copies: [vendor]\n    steps:\n      \
                    - {name: install, run: [\"{tool}\", \"-r{manifest}\", \"{x: 1}\", \"if (x) { y }\"]}\n      \
                    - {name: more, run: 'cd \"$ATTUNE_PACK_DIR\"'}\nprogram: \"{environment_dir}/bin/a\"\n";
        assert_eq!(found(text), Vec::<String>::new());
    }

    #[test]
    fn every_slip_is_told_where_it_is() {
        let text = "manifests: [a.lock, ../b]\nrecipes:\n  - when: {manifest: c}\n    copies: [/etc]\n    steps:\n      \
                    - {name: ' ', run: [\"{tool}\", \"{pakc_dir}\"]}\n      - {name: x, run: 'ls {pack_dir}'}\n  \
                    - steps: []\nprogram: /usr/bin/python3\nenv_vars: {LD_PRELOAD: {set: x}}\ncheck: []\n";
        let found = found(text);
        let expected = [
            "environment.manifests: \"../b\" leaves the pack",
            "environment.recipes.0.copies: \"/etc\" leaves the pack",
            "environment.recipes.0.when.manifest: c is not among the manifests",
            "environment.recipes.0.steps.0.name: must say what the step is called",
            "environment.recipes.0.steps.0.run: {tool} needs when.tool",
            "environment.recipes.0.steps.0.run: {pakc_dir} stands for nothing",
            "environment.recipes.0.steps.1.run: {pack_dir} is not filled in a string, which /bin/sh reads; write \
             \"$ATTUNE_PACK_DIR\" or use a list",
            "environment.recipes.1.steps: must hold at least one step",
            "environment.check: must name a program",
            "environment.program: must begin with {environment_dir}/",
            "environment.env_vars.LD_PRELOAD: LD_PRELOAD may not be set by a runtime",
        ];
        assert_eq!(found.len(), expected.len(), "{found:#?}");
        for (found, expected) in found.iter().zip(expected) {
            assert!(found.starts_with(expected), "{found}");
        }
    }
}
