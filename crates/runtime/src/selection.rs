//! Which runtimes a worker offers: the order of precedence, as a pure decision.

use attune_types::RuntimeSpec;

/// Which runtimes to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All that are known.
    Everything,
    /// Only these, lower case.
    Only(Vec<String>),
}

impl Selection {
    /// Only the runtimes with these names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Only(names.into_iter().map(|name| name.trim().to_lowercase()).filter(|name| !name.is_empty()).collect())
    }

    /// `ATTUNE_WORKER_RUNTIMES` (a comma list) before the configured list before everything that is found. A text that
    /// names nothing says nothing.
    #[must_use]
    pub fn decide(variable: Option<&str>, configured: Option<&[String]>) -> Self {
        let from_variable = variable.map(|text| Self::of(text.split(',')));
        let from_configuration = configured.map(|names| Self::of(names.iter().map(String::as_str)));
        [from_variable, from_configuration]
            .into_iter()
            .flatten()
            .find(|selection| !matches!(selection, Self::Only(names) if names.is_empty()))
            .unwrap_or(Self::Everything)
    }

    /// The runtimes to look for, among all that are known.
    ///
    /// A runtime is meant by its name or by an alias.
    #[must_use]
    pub fn admit<'a>(&self, specs: &'a [RuntimeSpec]) -> Vec<&'a RuntimeSpec> {
        let Self::Only(names) = self else { return specs.iter().collect() };
        let is_named = |spec: &RuntimeSpec| {
            let is_meant = |one: &RuntimeSpec| one.name.eq_ignore_ascii_case(&spec.name);
            names.iter().any(|name| meant(specs, name).is_some_and(is_meant))
        };
        specs.iter().filter(|spec| is_named(spec)).collect()
    }

    /// The names that mean no runtime at all.
    #[must_use]
    pub fn unknown(&self, specs: &[RuntimeSpec]) -> Vec<String> {
        match self {
            Self::Everything => Vec::new(),
            Self::Only(names) => names.iter().filter(|name| meant(specs, name).is_none()).cloned().collect(),
        }
    }
}

/// The runtime that `name` means. Names come before aliases, so that a runtime of its own (`bash`) is not hidden by
/// another's alias.
pub(crate) fn meant<'a>(specs: &'a [RuntimeSpec], name: &str) -> Option<&'a RuntimeSpec> {
    let named = specs.iter().find(|spec| spec.name.eq_ignore_ascii_case(name));
    named.or_else(|| specs.iter().find(|spec| answers_to(spec, name)))
}

/// Whether `name` means this runtime: its name, its reference or an alias, in any case.
fn answers_to(spec: &RuntimeSpec, name: &str) -> bool {
    spec.name.eq_ignore_ascii_case(name)
        || spec.runtime_ref.eq_ignore_ascii_case(name)
        || spec.aliases.iter().any(|alias| alias.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::builtin_specs;

    #[test]
    fn the_variable_comes_before_the_configuration_before_everything() {
        let configured = ["Node".to_owned()];
        for (variable, configured, expected) in [
            (Some(" Python, SHELL ,"), Some(&configured[..]), Selection::of(["python", "shell"])),
            (Some(" , "), Some(&configured[..]), Selection::of(["node"])),
            (None, Some(&configured[..]), Selection::of(["node"])),
            (None, Some(&[][..]), Selection::Everything),
            (None, None, Selection::Everything),
        ] {
            assert_eq!(Selection::decide(variable, configured), expected, "{variable:?}");
        }
    }

    #[test]
    fn aliases_select_too_and_bash_is_a_runtime_of_its_own() {
        let specs = builtin_specs();
        let names = |selection: Selection| -> Vec<String> {
            selection.admit(&specs).into_iter().map(|spec| spec.name.clone()).collect()
        };
        assert_eq!(names(Selection::of(["python3"])), ["python"]);
        assert_eq!(names(Selection::of(["sh", "nodejs"])), ["shell", "node"]);
        assert_eq!(names(Selection::of(["bash"])), ["bash"]);
        assert_eq!(names(Selection::Everything).len(), specs.len());
        assert_eq!(Selection::of(["cobol", "py"]).unknown(&specs), ["cobol"]);
    }
}
