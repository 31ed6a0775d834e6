//! Makes sandboxes ready.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use crate::sandbox::capabilities::CapabilityDrop;
use crate::sandbox::filesystem_policy::FilesystemPolicy;
use crate::sandbox::filter::filter;
use crate::sandbox::neighbours::{Neighbours, Stamp};
use crate::sandbox::prepared::{PreparedSandbox, SandboxRefused};
use crate::sandbox::ruleset::{Ruleset, RulesetError};
use crate::sandbox::{Sandbox, SandboxLevel, kernel, probe, reach, ruleset};

/// Rulesets are kept for so many policies; beyond this the oldest goes. A worker has a directory per slot to give to an
/// action, and prefers the guard that had the same one last, so few are of use to one guard.
const MOST_KEPT: usize = 8;

/// Makes sandboxes ready, one after the other, and keeps what hardly changes between them. One for each guard.
#[derive(Debug, Default)]
pub(crate) struct Preparer {
    /// Whether the filter holds already, for this process and all that it starts.
    is_filtered: bool,
    /// What a child must give up, or why it cannot; found out once, since nothing here changes it.
    capabilities: Option<Result<Option<CapabilityDrop>, String>>,
    neighbours: Neighbours,
    /// Writing the rules costs ten times what entering them costs, and any number of children may enter the same.
    kept: VecDeque<Kept>,
}

/// A ruleset that may be entered again.
#[derive(Debug)]
struct Kept {
    policy: FilesystemPolicy,
    scoped: u64,
    made_from: Vec<(PathBuf, Stamp)>,
    /// What paths of the policy led to, where `made_from` does not say it. Rules hold for what was there, not for the name.
    meant: Vec<(PathBuf, Option<Identity>)>,
    descriptor: Arc<OwnedFd>,
    excess: Option<String>,
}

/// A file or directory, told from another that got its number later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    /// The time of its making; where the file system does not note that, of its last change.
    made: Option<SystemTime>,
    changed: Option<(i64, i64)>,
}

impl Identity {
    fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        let made = found.created().ok();
        let changed = made.is_none().then(|| (found.ctime(), found.ctime_nsec()));
        Some(Self { device: found.dev(), inode: found.ino(), made, changed })
    }

    fn of_all(policy: &FilesystemPolicy) -> Vec<(PathBuf, Option<Self>)> {
        policy.paths().map(|path| (path.clone(), Self::of(path))).collect()
    }
}

/// Whether a path leads to something else only if one of these directories has changed: it is an entry of one of them, and
/// no link. They were read by their true names, so there is no link on the way to it either.
fn is_told_by(made_from: &[(PathBuf, Stamp)], path: &Path) -> bool {
    let is_in = |directory: &Path| made_from.iter().any(|(known, _)| known == directory);
    path.parent().is_some_and(is_in) && !path.is_symlink()
}

/// A ruleset to enter, and what it takes away unmeant.
type Rules = Option<(Arc<OwnedFd>, Option<String>)>;

impl Preparer {
    /// For a guard that has installed the filter itself, or has not.
    pub(crate) fn new(is_filtered: bool) -> Self {
        Self { is_filtered, ..Self::default() }
    }

    /// Makes a sandbox ready. Runs in the guard, before the child exists. What this machine cannot do is left out,
    /// down to what is required.
    ///
    /// # Errors
    ///
    /// When less than is required can be given, or a directory that the child must reach is not there.
    pub(crate) fn prepare(&mut self, sandbox: &Sandbox) -> Result<PreparedSandbox, SandboxRefused> {
        let support = probe();
        let reached = reach(support, sandbox.level, sandbox.require)
            .map_err(|unavailable| SandboxRefused { reached: unavailable.reached, why: unavailable.why })?;
        let wanted = sandbox.level.max(sandbox.require);
        let mut missing = reached.missing;
        let (mut rules, mut capabilities) = (None, None);
        if wanted >= SandboxLevel::Isolated && support.landlock_abi > 0 {
            let scoped = if support.scopes_signals() { kernel::SCOPE_SOCKETS_AND_SIGNALS } else { 0 };
            let written = self
                .rules(&sandbox.filesystem, support.landlock_abi, scoped)
                .map_err(|error| SandboxRefused { reached: SandboxLevel::Base, why: error.to_string() })?;
            if let Some((descriptor, excess)) = written {
                missing.extend(excess);
                rules = Some(descriptor);
            }
            match self.capabilities.get_or_insert_with(CapabilityDrop::here) {
                Ok(drop) => capabilities.clone_from(drop),
                Err(why) => missing.push(why.clone()),
            }
        }
        let wants_filter = wanted >= SandboxLevel::Filtered && support.seccomp_missing.is_none();
        Ok(PreparedSandbox {
            level: reached.level,
            missing,
            capabilities,
            ruleset: rules,
            filter: (wants_filter && !self.is_filtered).then(filter),
        })
    }

    /// The rules of a policy: those of an earlier child while nothing that they were made from has changed, else new ones.
    fn rules(&mut self, policy: &FilesystemPolicy, abi: u32, scoped: u64) -> Result<Rules, RulesetError> {
        self.neighbours.refresh();
        if let Some(at) = self.kept.iter().position(|kept| kept.policy == *policy && kept.scoped == scoped) {
            let kept = &self.kept[at];
            let leads_there = |(path, meant): &(PathBuf, _)| Identity::of(path) == *meant;
            if self.neighbours.still_hold(&kept.made_from) && kept.meant.iter().all(leads_there) {
                return Ok(Some((Arc::clone(&kept.descriptor), kept.excess.clone())));
            }
            self.kept.remove(at);
        }
        // Looked at before the rules are written: what changes meanwhile is then seen the next time.
        let mut meant = Identity::of_all(policy);
        let Some(Ruleset { descriptor, excess, made_from }) =
            ruleset::write(policy, abi, scoped, &mut self.neighbours)?
        else {
            return Ok(None);
        };
        let descriptor = Arc::new(descriptor);
        if let Some(made_from) = made_from {
            if self.kept.len() >= MOST_KEPT {
                self.kept.pop_front();
            }
            meant.retain(|(path, _)| !is_told_by(&made_from, path));
            let (policy, descriptor, excess) = (policy.clone(), Arc::clone(&descriptor), excess.clone());
            self.kept.push_back(Kept { policy, scoped, made_from, meant, descriptor, excess });
        }
        Ok(Some((descriptor, excess)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn sandbox(root: &Path) -> Sandbox {
        let path = |name: &str| vec![root.join(name)];
        Sandbox {
            level: SandboxLevel::Isolated,
            filesystem: FilesystemPolicy::Protect {
                hidden: path("hidden"),
                read_only: path("absent"),
                own: path("hidden/own"),
            },
            ..Sandbox::default()
        }
    }

    fn descriptor(preparer: &mut Preparer, sandbox: &Sandbox) -> Arc<OwnedFd> {
        preparer.prepare(sandbox).expect("ready").ruleset.expect("this kernel restricts files")
    }

    #[test]
    fn rules_are_written_once_for_as_long_as_they_mean_the_same() {
        if probe().landlock_abi == 0 {
            return;
        }
        let root = tempfile::tempdir().expect("a directory");
        fs::create_dir_all(root.path().join("hidden/own")).expect("made");
        let (mut preparer, sandbox) = (Preparer::default(), sandbox(root.path()));
        // What was changed a moment ago may not be kept yet.
        let first = loop {
            let one = descriptor(&mut preparer, &sandbox);
            if Arc::ptr_eq(&one, &descriptor(&mut preparer, &sandbox)) {
                break one;
            }
            std::thread::yield_now();
        };
        fs::write(root.path().join("hidden/own/file"), "").expect("written");
        assert!(Arc::ptr_eq(&first, &descriptor(&mut preparer, &sandbox)), "what an action writes changes nothing");

        let changes: [fn(&Path); 3] = [
            |root| fs::write(root.join("new"), "").expect("written"),
            |root| fs::create_dir(root.join("absent")).expect("made"),
            |root| {
                fs::remove_dir_all(root.join("hidden/own")).expect("removed");
                fs::create_dir(root.join("hidden/own")).expect("made");
            },
        ];
        let mut before = first;
        for (number, change) in changes.iter().enumerate() {
            change(root.path());
            let after = descriptor(&mut preparer, &sandbox);
            assert!(!Arc::ptr_eq(&before, &after), "change {number} is seen");
            before = after;
        }
    }
}
