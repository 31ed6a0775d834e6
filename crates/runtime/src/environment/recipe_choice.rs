//! Which recipe makes an environment.

use std::path::PathBuf;

use attune_types::{EnvironmentSpec, Recipe};

use super::pack_files::PackFiles;

/// The recipe that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The manifest that decided, relative to the pack.
    pub manifest: String,
    /// The recipe.
    pub recipe: Recipe,
    /// The program that its condition names.
    pub tool: Option<PathBuf>,
}

/// The pack needs an environment that nothing here can make.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nothing here can install what {manifest} asks for{}", missing(tools))]
pub struct NoRecipe {
    /// The manifest that decided.
    pub manifest: String,
    /// The programs of which one would do.
    pub tools: Vec<String>,
}

fn missing(tools: &[String]) -> String {
    match tools {
        [] => ": no recipe of the runtime is for this file".to_owned(),
        tools => format!(": it needs {}, which is not on PATH", tools.join(" or ")),
    }
}

/// Which recipe makes the environment of a pack with these files; `None` when it needs none. `find` looks for a program.
///
/// # Errors
/// [`NoRecipe`] when there is a manifest and no recipe whose condition holds.
pub fn choose(
    spec: &EnvironmentSpec,
    files: &PackFiles,
    find: &dyn Fn(&str) -> Option<PathBuf>,
) -> Result<Option<Chosen>, NoRecipe> {
    let Some(manifest) = spec.manifests.iter().find(|manifest| files.has(manifest)) else { return Ok(None) };
    let mut tools = Vec::new();
    for recipe in &spec.recipes {
        if recipe.when.manifest.as_ref().is_some_and(|wanted| wanted != manifest) {
            continue;
        }
        let tool = match &recipe.when.tool {
            None => None,
            Some(name) => match find(name) {
                Some(path) => Some(path),
                None => {
                    tools.push(name.clone());
                    continue;
                }
            },
        };
        return Ok(Some(Chosen { manifest: manifest.clone(), recipe: recipe.clone(), tool }));
    }
    Err(NoRecipe { manifest: manifest.clone(), tools })
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_types::RecipeCondition;

    #[test]
    fn the_first_manifest_and_then_the_first_condition_that_holds_decide() {
        let recipe = |name: &str, manifest: Option<&str>, tool: Option<&str>| Recipe {
            when: RecipeCondition { manifest: manifest.map(Into::into), tool: tool.map(Into::into) },
            copies: vec![name.into()],
            steps: Vec::new(),
        };
        let spec = EnvironmentSpec {
            manifests: vec!["lock".into(), "plain".into(), "odd".into()],
            recipes: vec![
                recipe("quick-lock", Some("lock"), Some("quick")),
                recipe("slow-lock", Some("lock"), None),
                recipe("quick-plain", Some("plain"), Some("quick")),
            ],
            ..EnvironmentSpec::default()
        };
        for (there, tools, expected) in [
            (&["plain", "lock"][..], &["quick"][..], Ok(Some("quick-lock"))),
            (&["lock"], &[], Ok(Some("slow-lock"))),
            (&["plain"], &["quick"], Ok(Some("quick-plain"))),
            (
                &["plain"],
                &[],
                Err("nothing here can install what plain asks for: it needs quick, which is not on PATH"),
            ),
            (
                &["odd"],
                &[],
                Err("nothing here can install what odd asks for: no recipe of the runtime is for this file"),
            ),
            (&["other"], &["quick"], Ok(None)),
        ] {
            let files = PackFiles(there.iter().map(|name| ((*name).to_owned(), [0; 32])).collect());
            let find = |name: &str| tools.contains(&name).then(|| PathBuf::from("/bin").join(name));
            let chosen = choose(&spec, &files, &find);
            let shown = chosen.map(|chosen| chosen.map(|chosen| chosen.recipe.copies[0].clone()));
            let expected = expected.map(|name| name.map(str::to_owned)).map_err(str::to_owned);
            assert_eq!(shown.map_err(|error| error.to_string()), expected, "{there:?} {tools:?}");
        }
    }
}
