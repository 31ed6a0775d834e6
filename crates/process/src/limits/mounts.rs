//! Where the control groups of this process lie in the file system: pure, from two files of `/proc`.

use std::path::{Path, PathBuf};

/// Which hierarchy is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hierarchy {
    /// That of v2.
    Unified,
    /// That of one controller of v1.
    Of(&'static str),
}

/// A group of this process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct OwnGroup {
    /// Its directory as it is mounted here.
    pub(super) directory: PathBuf,
    /// Where its hierarchy is mounted.
    pub(super) mount: PathBuf,
    /// Whether it is the topmost that this process can see.
    pub(super) is_topmost: bool,
}

/// Finds the group of this process in `hierarchy`, from `/proc/self/cgroup` and `/proc/self/mountinfo`. The error is a
/// reason in words.
pub(super) fn own_group(hierarchy: Hierarchy, cgroups: &str, mountinfo: &str) -> Result<OwnGroup, String> {
    let path = cgroups
        .lines()
        .find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (_, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            let is_it = match hierarchy {
                Hierarchy::Unified => line.starts_with("0::"),
                Hierarchy::Of(wanted) => controllers.split(',').any(|controller| controller == wanted),
            };
            is_it.then_some(path)
        })
        .ok_or_else(|| match hierarchy {
            Hierarchy::Unified => "the kernel has no cgroup v2".to_owned(),
            Hierarchy::Of(wanted) => format!("there is no cgroup v1 {wanted} controller"),
        })?;
    if path.starts_with("/..") {
        return Err("the worker's own control group lies outside of what it can see".to_owned());
    }
    let mut found = Err(match hierarchy {
        Hierarchy::Unified => "cgroup v2 is not mounted".to_owned(),
        Hierarchy::Of(wanted) => format!("the cgroup v1 {wanted} controller is not mounted"),
    });
    for line in mountinfo.lines() {
        let Some((mount, filesystem)) = line.split_once(" - ") else { continue };
        let fields: Vec<&str> = mount.split(' ').collect();
        let mut filesystem = filesystem.split(' ');
        let (Some(root), Some(point), Some(kind)) = (fields.get(3), fields.get(4), filesystem.next()) else { continue };
        let options = filesystem.nth(1).unwrap_or_default();
        let is_it = match hierarchy {
            Hierarchy::Unified => kind == "cgroup2",
            Hierarchy::Of(wanted) => kind == "cgroup" && options.split(',').any(|option| option == wanted),
        };
        if !is_it {
            continue;
        }
        // A container often sees only its own part mounted, but is told the path on the host.
        let (root, point) = (unescape(root), unescape(point));
        match Path::new(path).strip_prefix(&root) {
            Ok(below) => {
                let is_topmost = below.as_os_str().is_empty();
                let directory = if is_topmost { point.clone() } else { point.join(below) };
                return Ok(OwnGroup { directory, mount: point, is_topmost });
            }
            Err(_) => found = Err("the worker's own control group is not in what is mounted".to_owned()),
        }
    }
    found
}

/// Blanks in paths are written as `\040`.
fn unescape(text: &str) -> PathBuf {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let code = rest.get(at + 1..at + 4).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                plain.push(char::from(code));
                rest = &rest[at + 4..];
            }
            None => {
                plain.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    plain.push_str(rest);
    PathBuf::from(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n\
        39 31 0:36 / /sys/fs/cgroup/cpu,pids rw,relatime shared:9 - cgroup cgroup rw,cpu,pids\n\
        41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
    const OWN: &str = "4:memory:/docker/abc\n3:cpu,pids:/\n1:name=systemd:/\n0::/a b\n";

    fn found(hierarchy: Hierarchy, cgroups: &str, mounts: &str) -> Result<(String, bool), String> {
        own_group(hierarchy, cgroups, mounts)
            .map(|group| (group.directory.to_string_lossy().into_owned(), group.is_topmost))
    }

    #[test]
    fn each_hierarchy_is_found_where_it_is_mounted() {
        let ok = |path: &str, top| Ok((path.to_owned(), top));
        assert_eq!(found(Hierarchy::Of("memory"), OWN, HYBRID), ok("/sys/fs/cgroup/memory/docker/abc", false));
        assert_eq!(found(Hierarchy::Of("pids"), OWN, HYBRID), ok("/sys/fs/cgroup/cpu,pids", true));
        assert_eq!(found(Hierarchy::Unified, OWN, HYBRID), ok("/sys/fs/cgroup/unified/a b", false));
    }

    #[test]
    fn a_container_that_sees_its_own_part_only_is_at_the_top_of_it() {
        let mounts = "9 8 0:1 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n\
            9 8 0:1 /some/where /mnt/my\\040groups rw - cgroup2 cgroup rw\n";
        assert_eq!(found(Hierarchy::Of("memory"), OWN, mounts), Ok(("/sys/fs/cgroup/memory".to_owned(), true)));
        assert_eq!(found(Hierarchy::Unified, "0::/some/where/in", mounts), Ok(("/mnt/my groups/in".to_owned(), false)));
    }

    #[test]
    fn what_is_missing_is_said() {
        let reason = |hierarchy, cgroups, mounts| found(hierarchy, cgroups, mounts).expect_err("nothing there");
        assert_eq!(reason(Hierarchy::Unified, "", ""), "the kernel has no cgroup v2");
        assert_eq!(reason(Hierarchy::Unified, "0::/", ""), "cgroup v2 is not mounted");
        assert_eq!(reason(Hierarchy::Of("pids"), "0::/", HYBRID), "there is no cgroup v1 pids controller");
        assert!(reason(Hierarchy::Unified, "0::/../up", HYBRID).contains("outside"));
        let elsewhere = "9 8 0:1 /other /sys/fs/cgroup rw - cgroup2 cgroup rw\n";
        assert!(reason(Hierarchy::Unified, "0::/own", elsewhere).contains("not in what is mounted"));
    }
}
