//! What tools that install packages find in their environment: one table.
//!
//! A worker's own environment holds its credentials, so steps get as little of it as scripts do. But where packages come
//! from is said to these tools by variables, and whoever runs a worker says it to the worker.

use std::ffi::{OsStr, OsString};

use super::fill::fill;
use crate::network_variables::NETWORK_VARIABLES;

/// Variables of the worker that are handed through, besides [`NETWORK_VARIABLES`]. A `*` at the end: every name that
/// begins so.
const PASSED: &[&str] = &[
    "PIP_*",
    "UV_*",
    "NPM_CONFIG_*",
    "npm_config_*",
    "NODE_EXTRA_CA_CERTS",
    "BUNDLE_*",
    "PERL_CPANM_OPT",
    "PERL_CARTON_MIRROR",
    "CRAN",
    "R_REPOS*",
    "RENV_CONFIG_*",
    "GOAUTH",
    "GOFLAGS",
    "GOINSECURE",
    "GONOPROXY",
    "GONOSUMDB",
    "GOPRIVATE",
    "GOPROXY",
    "GOSUMDB",
    "GOTOOLCHAIN",
    "GOVCS",
    "MAVEN_*",
    "COMPOSER_*",
    "LUAROCKS_*",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NETRC",
    "SOURCE_DATE_EPOCH",
];

/// Of those, the ones that would lead a tool out of the environment that it is to fill.
const KEPT_BACK: &[&str] = &[
    "PIP_PREFIX",
    "PIP_PYTHON",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_ROOT",
    "PIP_TARGET",
    "PIP_USER",
    "UV_PROJECT",
    "UV_PROJECT_ENVIRONMENT",
    "UV_PYTHON",
    "UV_SYSTEM_PYTHON",
    "UV_WORKING_DIRECTORY",
    "NPM_CONFIG_GLOBAL",
    "NPM_CONFIG_LOCATION",
    "NPM_CONFIG_PREFIX",
    "BUNDLE_APP_CONFIG",
    "BUNDLE_BIN",
    "BUNDLE_GEMFILE",
    "BUNDLE_PATH",
    "COMPOSER_VENDOR_DIR",
];

/// What tools find when the worker says nothing: nobody is asked anything, caches lie beside the environments rather than
/// in a home that may not exist, and logs are plain text.
const DEFAULTS: &[(&str, &str)] = &[
    ("PIP_CACHE_DIR", "{cache_dir}/pip"),
    ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ("PIP_NO_INPUT", "1"),
    ("PIP_PROGRESS_BAR", "off"),
    ("PIP_ROOT_USER_ACTION", "ignore"),
    ("UV_CACHE_DIR", "{cache_dir}/uv"),
    ("UV_NO_PROGRESS", "1"),
    ("NPM_CONFIG_AUDIT", "false"),
    ("NPM_CONFIG_CACHE", "{cache_dir}/npm"),
    ("NPM_CONFIG_FUND", "false"),
    ("NPM_CONFIG_PROGRESS", "false"),
    ("NPM_CONFIG_UPDATE_NOTIFIER", "false"),
    ("BUNDLE_SILENCE_ROOT_WARNING", "1"),
    ("BUNDLE_USER_HOME", "{cache_dir}/bundle"),
    ("COMPOSER_HOME", "{cache_dir}/composer"),
    ("COMPOSER_NO_INTERACTION", "1"),
    ("PERL_CPANM_HOME", "{cache_dir}/cpanm"),
    ("PERL_MM_USE_DEFAULT", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("NO_COLOR", "1"),
    ("TERM", "dumb"),
];

/// The settings of tools that a worker was given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolSettings {
    passed: Vec<(OsString, OsString)>,
}

impl ToolSettings {
    /// What tools are told by `inherited`, usually `std::env::vars_os()`.
    pub fn from_inherited(inherited: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let is_passed = |name: &str| {
            let is_meant = |pattern: &str| match pattern.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == pattern,
            };
            PASSED.iter().chain(&NETWORK_VARIABLES).any(|pattern| is_meant(pattern))
                && !KEPT_BACK.iter().any(|kept| kept.eq_ignore_ascii_case(name))
        };
        let mut passed: Vec<(OsString, OsString)> =
            inherited.into_iter().filter(|(name, _)| name.to_str().is_some_and(is_passed)).collect();
        passed.sort();
        Self { passed }
    }

    /// All variables for tools whose caches lie in `cache`.
    #[must_use]
    pub fn variables(&self, cache: &OsStr) -> Vec<(OsString, OsString)> {
        let mut variables = self.passed.clone();
        for (name, template) in DEFAULTS {
            // npm reads its settings in any case.
            if !variables.iter().any(|(known, _)| known.eq_ignore_ascii_case(name))
                && let Some(value) = fill(template, &[("{cache_dir}", Some(cache))])
            {
                variables.push(((*name).into(), value));
            }
        }
        variables
    }

    /// Values that must not be shown: tokens and passwords among what was handed through.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let is_secret = |name: &str| {
            let name = name.to_ascii_uppercase();
            ["TOKEN", "PASSWORD", "SECRET", "_AUTH", "APIKEY", "API_KEY"].iter().any(|word| name.contains(word))
        };
        self.passed
            .iter()
            .filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
            .filter(|(name, value)| is_secret(name) && value.len() >= 4)
            .map(|(_, value)| value.to_owned())
            .collect()
    }
}

/// `text` without `secrets`, and without what stands between `//` and `@` in an address.
#[must_use]
pub fn masked(text: &str, secrets: &[String]) -> String {
    let mut masked = text.to_owned();
    for secret in secrets {
        masked = masked.replace(secret.as_str(), "***");
    }
    let mut rest = masked.as_str();
    let mut shown = String::with_capacity(rest.len());
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let end = after.find(|end: char| end.is_whitespace() || "/\"'<>".contains(end)).unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(host) => {
                shown.push_str("***");
                rest = &after[host..];
            }
            None => rest = after,
        }
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(inherited: &[(&str, &str)]) -> ToolSettings {
        ToolSettings::from_inherited(inherited.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn settings_of_tools_pass_and_nothing_else_does() {
        let settings = settings(&[
            ("PIP_INDEX_URL", "https://u:p@index"),
            ("PIP_TARGET", "/elsewhere"),
            ("npm_config_prefix", "/elsewhere"),
            ("npm_config_cache", "/cache"),
            ("HTTPS_PROXY", "http://proxy"),
            ("ATTUNE__DATABASE__URL", "secret"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("GOPRIVATE", "corp.example"),
        ]);
        let variables = settings.variables(OsStr::new("/c"));
        let value = |name: &str| {
            variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.to_string_lossy().into_owned())
        };
        for (name, expected) in [
            ("PIP_INDEX_URL", Some("https://u:p@index")),
            ("HTTPS_PROXY", Some("http://proxy")),
            ("GOPRIVATE", Some("corp.example")),
            ("npm_config_cache", Some("/cache")),
            ("NPM_CONFIG_CACHE", None),
            ("PIP_CACHE_DIR", Some("/c/pip")),
            ("PIP_NO_INPUT", Some("1")),
            ("PIP_TARGET", None),
            ("npm_config_prefix", None),
            ("AWS_SECRET_ACCESS_KEY", None),
            ("ATTUNE__DATABASE__URL", None),
        ] {
            assert_eq!(value(name).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn what_is_secret_is_not_shown() {
        let secrets = settings(&[("NPM_CONFIG__AUTHTOKEN", "abcdef"), ("UV_INDEX_URL", "https://x")]).secrets();
        assert_eq!(secrets, ["abcdef"]);
        for (text, expected) in [
            ("plain", "plain"),
            ("token abcdef.", "token ***."),
            ("get https://ada:pw@host/x?a@b then", "get https://***@host/x?a@b then"),
            ("http://host/@scope and git+ssh://git@host", "http://host/@scope and git+ssh://***@host"),
        ] {
            assert_eq!(masked(text, &secrets), expected);
        }
    }
}
