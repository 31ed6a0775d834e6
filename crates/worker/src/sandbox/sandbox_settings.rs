//! What a worker is told about sandboxes.

use std::path::PathBuf;

use attune_config::{Config, SandboxFilesystem};
use attune_process::SandboxLevel;
use attune_process::sandbox::{SandboxSupport, SandboxUnavailable, reach};

/// What a worker is told about sandboxes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxSettings {
    /// The level of actions that demand none; `None`: the best that the machine can give.
    pub level: Option<SandboxLevel>,
    /// The level that the machine must reach and that no action runs below.
    pub require: SandboxLevel,
    /// Which files actions reach from level 2 on.
    pub filesystem: SandboxFilesystem,
    /// What actions may write to beside their own when that is strict.
    pub writable: Vec<PathBuf>,
    /// What no action reaches, beside the directories of this worker.
    pub hidden: Vec<PathBuf>,
}

impl Default for SandboxSettings {
    /// The best level there is, none required, and everything protected that is not the action's.
    fn default() -> Self {
        Self {
            level: None,
            require: SandboxLevel::Base,
            filesystem: SandboxFilesystem::Protect,
            writable: Vec::new(),
            hidden: Vec::new(),
        }
    }
}

impl SandboxSettings {
    /// What the configuration says. Files from which credentials were read are hidden, and so is all of
    /// `paths.state_dir`: it holds the embedded database and what belongs to other workers.
    #[must_use]
    pub fn from_config(config: &Config) -> Self {
        let sandbox = &config.sandbox;
        Self {
            hidden: config.credential_files().into_iter().chain([config.paths.state_dir.clone()]).collect(),
            ..Self::without_directories(sandbox)
        }
    }

    /// What the configuration says to a worker on the machine of whoever writes the actions. Their files are what the
    /// actions are to work on, and the worker's own lie in the middle of them, so nothing is protected unless the
    /// configuration says so: protecting `./.attune` would keep actions from making a file beside it.
    #[must_use]
    pub fn for_own_machine(config: &Config) -> Self {
        let mut settings = Self::without_directories(&config.sandbox);
        let is_default = |path: &str| {
            config.settings().iter().any(|setting| setting.key.path == path && setting.origin == "default")
        };
        if is_default("sandbox.filesystem") {
            settings.filesystem = SandboxFilesystem::Open;
        }
        settings.hidden = config.credential_files();
        settings
    }

    fn without_directories(sandbox: &attune_config::Sandbox) -> Self {
        Self {
            level: sandbox.level.number().and_then(SandboxLevel::from_number),
            require: SandboxLevel::from_number(sandbox.require).unwrap_or(SandboxLevel::Base),
            filesystem: sandbox.filesystem,
            writable: sandbox.writable.clone(),
            hidden: Vec::new(),
        }
    }

    /// The level of an action that demands this one or none, and the level it must not run below. A demand of 0 is one
    /// for as little as there is, which is level 1; nothing goes below what is required of every action.
    pub(crate) fn level_of(&self, demanded: Option<u8>) -> (SandboxLevel, SandboxLevel) {
        let demanded = demanded.map(|number| SandboxLevel::from_number(number).unwrap_or(SandboxLevel::Base));
        let wanted = demanded.or(self.level).unwrap_or(SandboxLevel::Filtered);
        let require = demanded.map_or(self.require, |demanded| demanded.max(self.require));
        (wanted.max(require), require)
    }

    /// Whether a machine that can give this much is enough.
    ///
    /// # Errors
    ///
    /// When less can be given than is required.
    pub(crate) fn check(&self, support: &SandboxSupport) -> Result<(), SandboxUnavailable> {
        reach(support, self.level.unwrap_or(SandboxLevel::Filtered), self.require).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demand_of_an_action_counts_down_to_what_is_required() {
        use SandboxLevel::{Base, Filtered, Isolated};
        let cases = [
            (None, Base, None, (Filtered, Base)),
            (None, Base, Some(0), (Base, Base)),
            (None, Base, Some(1), (Base, Base)),
            (None, Base, Some(2), (Isolated, Isolated)),
            (Some(Base), Base, None, (Base, Base)),
            (Some(Base), Base, Some(3), (Filtered, Filtered)),
            (None, Isolated, Some(1), (Isolated, Isolated)),
            (Some(Isolated), Isolated, None, (Isolated, Isolated)),
            (None, Filtered, Some(2), (Filtered, Filtered)),
        ];
        for (level, require, demanded, expected) in cases {
            let settings = SandboxSettings { level, require, ..SandboxSettings::default() };
            assert_eq!(settings.level_of(demanded), expected, "{level:?} {require} {demanded:?}");
        }
    }

    #[test]
    fn a_machine_that_gives_less_than_is_required_is_refused_with_the_reason() {
        let nothing = SandboxSupport {
            landlock_abi: 0,
            landlock_missing: Some("this kernel has no Landlock".to_owned()),
            seccomp_missing: None,
        };
        assert_eq!(SandboxSettings::default().check(&nothing), Ok(()));
        let settings = SandboxSettings { require: SandboxLevel::Isolated, ..SandboxSettings::default() };
        assert_eq!(
            settings.check(&nothing).expect_err("too little").to_string(),
            "sandbox level 2 is required and this machine reaches level 1: this kernel has no Landlock"
        );
    }

    #[test]
    fn on_ones_own_machine_files_are_protected_only_when_asked_for() {
        let own = |text: &str| SandboxSettings::for_own_machine(&Config::from_yaml(text).expect("loads")).filesystem;
        assert_eq!(own("sandbox: {level: 2}"), SandboxFilesystem::Open);
        assert_eq!(own("sandbox: {filesystem: protect}"), SandboxFilesystem::Protect);
    }

    #[test]
    fn the_configuration_is_taken_over() {
        let text = "sandbox: {level: 2, require: 2, filesystem: strict, writable: [/srv]}\npaths: {state_dir: /state}";
        let settings = SandboxSettings::from_config(&Config::from_yaml(text).expect("loads"));
        assert_eq!(
            settings,
            SandboxSettings {
                level: Some(SandboxLevel::Isolated),
                require: SandboxLevel::Isolated,
                filesystem: SandboxFilesystem::Strict,
                writable: vec!["/srv".into()],
                hidden: vec!["/state".into()],
            }
        );
    }
}
