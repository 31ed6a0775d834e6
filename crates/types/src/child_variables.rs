//! Who may set which variable in the environment of a child: one table.
//!
//! A program obeys more of its environment than its author thinks: the loader, the shell and every interpreter have
//! variables that make them run code from elsewhere. So parameters reach a script under `ATTUNE_PARAM_` alone, nothing of
//! the worker's own environment is handed on but a short list, and what the definition of a runtime may set is said here.

/// What the definition of a runtime may do with a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VariableRule {
    /// Set it to any text.
    Free,
    /// Set, prepend or append places to search, separated by colons. Each must be absolute or begin with `{pack_dir}` or
    /// `{environment_dir}`: an empty or relative one means the folder a script happens to be started in.
    SearchPath,
    /// Nothing, for this reason.
    Forbidden(&'static str),
}

const CODE: &str = "it makes programs run code from elsewhere";
const LOADER: &str = "the loader obeys it before any program does, in every program";
const COMMAND: &str = "programs run its value as a command";
const ATTUNE: &str = "Attune sets it itself";
const LOOKUP: &str = "it changes where the C library looks for its own files";
const MEANING: &str = "it changes what the text of a shell script means";

/// Names (a `*` at the end: every name that begins so) and the rule for them. What is not here is free.
const TABLE: &[(VariableRule, &[&str])] = &[
    (
        VariableRule::Forbidden(ATTUNE),
        &["ATTUNE", "ATTUNE_*", "TRACEPARENT", "TRACESTATE", "HOME", "USER", "LOGNAME", "TMPDIR"],
    ),
    (VariableRule::Forbidden(LOADER), &["LD_*", "DYLD_*", "GLIBC_TUNABLES", "MALLOC_*"]),
    (
        VariableRule::Forbidden(LOOKUP),
        &[
            "GCONV_PATH",
            "GETCONF_DIR",
            "HOSTALIASES",
            "LOCALDOMAIN",
            "LOCPATH",
            "MUSL_LOCPATH",
            "NIS_PATH",
            "NLSPATH",
            "RESOLV_HOST_CONF",
            "RES_OPTIONS",
            "TZDIR",
        ],
    ),
    (VariableRule::Forbidden(MEANING), &["BASHOPTS", "CDPATH", "GLOBIGNORE", "IFS", "POSIXLY_CORRECT", "SHELLOPTS"]),
    (
        VariableRule::Forbidden(CODE),
        &[
            "BASH_ENV",
            "BASH_FUNC_*",
            "BASH_LOADABLES_PATH",
            "BASH_XTRACEFD",
            "ENV",
            "FPATH",
            "PS0",
            "PS1",
            "PS2",
            "PS4",
            "PROMPT_COMMAND",
            "ZDOTDIR",
            "PYTHONSTARTUP",
            "PYTHONHOME",
            "PYTHONUSERBASE",
            "PYTHONBREAKPOINT",
            "PYTHONINSPECT",
            "PYTHONWARNINGS",
            "PYTHONPLATLIBDIR",
            "PYTHONEXECUTABLE",
            "PYTHONPYCACHEPREFIX",
            "PERL5OPT",
            "PERL5DB",
            "PERL5SHELL",
            "PERLIO",
            "RUBYOPT",
            "RUBYSHELL",
            "NODE_OPTIONS",
            "NODE_REPL_EXTERNAL_MODULE",
            "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS",
            "JDK_JAVA_OPTIONS",
            "R_PROFILE",
            "R_PROFILE_USER",
            "R_ENVIRON",
            "R_ENVIRON_USER",
            "PHPRC",
            "PHP_INI_SCAN_DIR",
            "LUA_INIT*",
            "ERL_FLAGS",
            "ERL_AFLAGS",
            "ERL_ZFLAGS",
            "GOFLAGS",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
            "DOTNET_STARTUP_HOOKS",
            "CORECLR_*",
            "COR_PROFILER*",
            "COR_ENABLE_PROFILING",
            "OPENSSL_CONF",
            "OPENSSL_ENGINES",
            "OPENSSL_MODULES",
            "GIT_EXEC_PATH",
            "GIT_TEMPLATE_DIR",
            "GIT_CONFIG*",
        ],
    ),
    (
        VariableRule::Forbidden(COMMAND),
        &[
            "BROWSER",
            "EDITOR",
            "VISUAL",
            "PAGER",
            "GIT_SSH",
            "GIT_SSH_COMMAND",
            "GIT_ASKPASS",
            "GIT_EDITOR",
            "GIT_PAGER",
            "GIT_EXTERNAL_DIFF",
            "GIT_PROXY_COMMAND",
            "GIT_SEQUENCE_EDITOR",
            "SSH_ASKPASS",
            "SUDO_ASKPASS",
            "LESSOPEN",
            "LESSCLOSE",
            "MANPAGER",
        ],
    ),
    (VariableRule::Forbidden("it writes the keys of encrypted connections into a file"), &["SSLKEYLOGFILE"]),
    (
        VariableRule::SearchPath,
        &[
            "PATH",
            "PYTHONPATH",
            "NODE_PATH",
            "RUBYLIB",
            "PERL5LIB",
            "PERLLIB",
            "CLASSPATH",
            "GEM_PATH",
            "GEM_HOME",
            "R_LIBS",
            "R_LIBS_USER",
            "R_LIBS_SITE",
            "GOPATH",
            "MANPATH",
            "PKG_CONFIG_PATH",
        ],
    ),
];

impl VariableRule {
    /// The rule for a name.
    #[must_use]
    pub fn of(name: &str) -> Self {
        let is_meant = |pattern: &str| match pattern.strip_suffix('*') {
            Some(beginning) => name.starts_with(beginning),
            None => name == pattern,
        };
        TABLE
            .iter()
            .find(|(_, patterns)| patterns.iter().any(|pattern| is_meant(pattern)))
            .map_or(Self::Free, |(rule, _)| *rule)
    }
}

/// Why the definition of a runtime may not give `name` this value; `None` when it may. The value is a template: it may
/// hold `{pack_dir}` and `{environment_dir}`.
#[must_use]
pub fn variable_refusal(name: &str, template: &str) -> Option<String> {
    // An exported shell function is a variable with a name like `BASH_FUNC_ls%%`: its own reason says more.
    let rule = VariableRule::of(name);
    if let VariableRule::Forbidden(why) = rule {
        return Some(format!("{name} may not be set by a runtime: {why}"));
    }
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_name {
        return Some(format!("{name:?} is not the name of a variable: letters, digits and '_'"));
    }
    if template.contains('\0') {
        return Some(format!("{name} holds a NUL byte, at which the kernel ends every variable"));
    }
    if rule == VariableRule::SearchPath {
        let is_fixed =
            |place: &str| ["/", "{pack_dir}", "{environment_dir}"].iter().any(|start| place.starts_with(start));
        if let Some(place) = template.split(':').find(|place| !is_fixed(place)) {
            return Some(format!(
                "{name} would search {place:?}, which means another folder wherever a script is started; begin it with /, \
                 {{pack_dir}} or {{environment_dir}}"
            ));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hijacks_a_program_is_refused_with_its_reason() {
        for name in [
            "LD_PRELOAD",
            "LD_LIBRARY_PATH",
            "LD_AUDIT",
            "GCONV_PATH",
            "GLIBC_TUNABLES",
            "BASH_ENV",
            "ENV",
            "SHELLOPTS",
            "PS4",
            "BASH_FUNC_ls%%",
            "PYTHONSTARTUP",
            "PYTHONHOME",
            "PERL5OPT",
            "RUBYOPT",
            "NODE_OPTIONS",
            "JAVA_TOOL_OPTIONS",
            "_JAVA_OPTIONS",
            "GIT_SSH_COMMAND",
            "R_PROFILE",
            "IFS",
            "HOME",
            "ATTUNE_PARAM_X",
            "ATTUNE_RESULT_FILE",
        ] {
            assert!(matches!(VariableRule::of(name), VariableRule::Forbidden(_)), "{name}");
            assert!(variable_refusal(name, "/x").is_some_and(|words| words.contains(name)), "{name}");
        }
        for (name, value) in [("", "x"), ("A=B", "x"), ("1A", "x"), ("Ä", "x"), ("A", "x\0y")] {
            assert!(variable_refusal(name, value).is_some(), "{name:?}");
        }
    }

    #[test]
    fn a_search_path_holds_fixed_places_only() {
        for name in ["PATH", "PYTHONPATH", "NODE_PATH", "RUBYLIB", "PERL5LIB"] {
            assert_eq!(variable_refusal(name, "{pack_dir}/lib:/usr/lib/x:{environment_dir}/y"), None, "{name}");
            for value in ["", ".", "lib", "{pack_dir}/lib:", ":/usr/lib", "/usr/lib::/x", "~/lib"] {
                assert!(variable_refusal(name, value).is_some(), "{name}={value}");
            }
        }
    }

    #[test]
    fn everything_else_is_free() {
        for name in ["PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE", "LANG", "VIRTUAL_ENV", "http_proxy", "LDFLAGS", "_"]
        {
            assert_eq!(variable_refusal(name, "any: thing"), None, "{name}");
        }
    }
}
