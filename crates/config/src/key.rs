use crate::kind::Kind;

/// One key, declared once.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Dotted path in the file, e.g. `worker.heartbeat_interval`.
    pub path: &'static str,
    /// What its values look like.
    pub kind: Kind,
    /// The value when nobody sets it, as it would be written in the file; `None` is "not set". `{paths.state_dir}`
    /// stands for that key's value.
    pub default: Option<&'static str>,
    /// What it means, one sentence or two.
    pub doc: &'static str,
    /// Environment names besides the long one; the long one wins.
    pub short_names: &'static [&'static str],
    /// Other paths for it, in the file and in long environment names.
    pub aliases: &'static [&'static str],
}

impl Key {
    /// Its long environment name, e.g. `ATTUNE__WORKER__HEARTBEAT_INTERVAL`.
    #[must_use]
    pub fn environment_name(&self) -> String {
        Self::environment_name_of(self.path)
    }

    pub(crate) fn environment_name_of(path: &str) -> String {
        format!("ATTUNE__{}", path.replace('.', "__").to_uppercase())
    }

    /// Whether its value is never shown whole, and may come from a file named by `..._FILE`.
    #[must_use]
    pub const fn is_credential(&self) -> bool {
        matches!(self.kind, Kind::Secret { .. } | Kind::SecretUrl(_))
    }

    /// Its path and its aliases.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.path).chain(self.aliases.iter().copied())
    }
}
