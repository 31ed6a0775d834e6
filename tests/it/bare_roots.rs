//! Images with next to nothing in them: the static agent in a root directory that holds a busybox, or only the agent.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use attune_end_to_end::{Program, static_agent};
use serde_json::{Value, json};

use crate::scratch::{Scratch, Site, does_without, figure, mark_executable, tool};

/// A root directory with the static agent in it, and folders of this machine at the same places inside.
pub(crate) struct Root {
    pub(crate) folder: PathBuf,
    shared: Vec<PathBuf>,
}

impl Root {
    /// An empty one but for the agent. `None`, told, when this test is to do without.
    pub(crate) fn create(scratch: &Scratch, name: &str) -> Option<Self> {
        // SAFETY: geteuid has no preconditions.
        let is_root = unsafe { libc::geteuid() } == 0;
        if !is_root || does_without("static-agent") {
            assert!(does_without("static-agent") || does_without("root"), "only root may change the root directory");
            figure("NOT TESTED, as ATTUNE_TEST_WITHOUT says: agents in root directories of their own");
            return None;
        }
        let folder = scratch.path(name);
        std::fs::create_dir_all(folder.join("proc")).expect("folders");
        std::fs::copy(static_agent().expect("a static agent"), folder.join("attune-agent")).expect("copied");
        Some(Self { folder, shared: Vec::new() })
    }

    /// Has a folder of this machine at the same place inside.
    pub(crate) fn sharing(mut self, place: PathBuf) -> Self {
        let inside = self.folder.join(place.strip_prefix("/").expect("absolute"));
        std::fs::create_dir_all(inside).expect("folders");
        self.shared.push(place);
        self
    }

    /// Puts a program of this machine into it.
    pub(crate) fn with_program(self, from: &Path, name: &str) -> Self {
        let to = self.folder.join(name);
        std::fs::create_dir_all(to.parent().expect("a folder")).expect("folders");
        std::fs::copy(from, &to).expect("copied");
        mark_executable(&to);
        self
    }

    /// Puts a static busybox into it, with its names.
    pub(crate) fn with_busybox(self) -> Self {
        let root = self.with_program(&static_busybox(), "bin/busybox");
        for name in ["sh", "cat", "echo", "ls", "sleep", "sed", "tr"] {
            symlink("busybox", root.folder.join("bin").join(name)).expect("a link");
        }
        root
    }

    /// Starts the agent in it, with no PATH but what is said, and the kernel's own view of processes.
    pub(crate) fn agent(&self, label: &str, arguments: &[&str], environment: &[(&str, &str)], logs: &Path) -> Program {
        let root = self.folder.display();
        // PATH is what the agent is to have, and says nothing of where this machine keeps its tools.
        let find = |name: &str| format!("{name}=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v {name}); ");
        let shared = self.shared.iter().map(|place| place.display());
        let mounts: String = shared.map(|place| format!("\"$mount\" --bind '{place}' '{root}{place}' && ")).collect();
        let script = format!(
            "{}{}\"$mount\" -t proc proc '{root}/proc' && {mounts}exec \"$chroot\" '{root}' /attune-agent \"$@\"",
            find("mount"),
            find("chroot")
        );
        let arguments = [&["--mount", "--propagation=private", "sh", "-c", &script, "sh"], arguments].concat();
        Program::start_at("/usr/bin/unshare".as_ref(), label, &arguments, environment, logs).expect("unshare starts")
    }

    /// What the agent finds in it, as programs are told.
    fn detected(&self, scratch: &Scratch, label: &str) -> Value {
        let mut agent = self.agent(label, &["--detect-only", "--json"], &[], &scratch.path("out"));
        assert_eq!(agent.wait(Duration::from_secs(60)).expect("it ends"), 0, "{}", agent.printed());
        serde_json::from_str(&agent.printed()).unwrap_or_else(|error| panic!("{error}: {}", agent.printed()))
    }

    /// Starts the agent as a worker of `site`.
    pub(crate) fn worker(&self, site: &Site, scratch: &Scratch, name: &str, more: &[(&str, &str)]) -> Program {
        let variables = site.deployment.variables(name, 4, "/state", &site.packs);
        let mut environment: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        environment.extend([("HOME", "/"), ("ATTUNE__PATHS__ARTIFACTS_DIR", "/artifacts")]);
        environment.extend_from_slice(more);
        self.agent(name, &[], &environment, &scratch.path("out"))
    }
}

fn static_busybox() -> PathBuf {
    let path = PathBuf::from("/bin/busybox");
    assert!(path.exists(), "busybox is not installed; run scripts/install-test-languages.sh");
    path
}

fn runtimes(detected: &Value) -> Vec<&str> {
    detected["interpreters"].as_array().expect("a list").iter().filter_map(|one| one["runtime"].as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_runs_shell_actions_where_there_is_a_busybox_and_native_ones_where_there_is_nothing() {
    let scratch = Scratch::create();
    let Some(empty) = Root::create(&scratch, "empty") else { return };
    let Some(small) = Root::create(&scratch, "small") else { return };
    let packs = scratch.path("packs");
    let (empty, small) = (empty.sharing(packs.clone()), small.sharing(packs.clone()).with_busybox());

    // A program that needs nothing: it answers with its parameters.
    scratch.action("bare.native", "native", ("cat", ""), "output_format: json\nworker_selector: {image: empty}\n");
    std::fs::copy(static_busybox(), packs.join("bare/actions/cat")).expect("copied");
    let shell = "read -r line; echo \"{\\\"seen\\\": $line, \\\"by\\\": \\\"$0\\\"}\"; ls / >&2\n";
    scratch.action("bare.shell", "shell", ("show.sh", shell), "output_format: json\nworker_selector: {image: small}\n");
    let given = "parameters: {text: {type: string}}\n";
    for name in ["native", "shell"] {
        let path = format!("packs/bare/actions/{name}.yaml");
        let text = std::fs::read_to_string(scratch.path(&path)).expect("written");
        scratch.write(&path, text + given);
    }

    let in_empty = empty.detected(&scratch, "detect-empty");
    assert_eq!(runtimes(&in_empty), ["native"], "{in_empty}");
    assert_eq!(in_empty["warnings"], json!([]), "{in_empty}");
    let in_small = small.detected(&scratch, "detect-small");
    assert_eq!(runtimes(&in_small), ["shell", "native"], "{in_small}");
    figure(&format!("in an empty root directory interpreters are looked for in {} ms", in_empty["took_ms"]));

    // Its services are not there; that a panicking actor begins anew does not depend on them.
    for (root, label) in [(&empty, "doctor-empty"), (&small, "doctor-small")] {
        let mut doctor = root.agent(label, &["doctor", "--output", "json"], &[], &scratch.path("out"));
        assert_eq!(doctor.wait(Duration::from_secs(60)).expect("it ends"), 69, "{}", doctor.printed());
        let findings: Value = serde_json::from_str(&doctor.printed()).expect("JSON and nothing else");
        let found = findings.as_array().expect("a list").iter().find(|finding| finding["name"] == "supervision");
        assert_eq!(found.expect("it was tried")["state"], "ok", "{findings}");
    }

    let site = Site::serving(&scratch.packs()).await;
    let agents = [
        empty.worker(&site, &scratch, "nothing", &[("ATTUNE__WORKER__LABELS", "image=empty")]),
        small.worker(&site, &scratch, "busybox", &[("ATTUNE__WORKER__LABELS", "image=small")]),
    ];
    site.deployment.wait_for_workers(2).expect("both agents register");
    let parameters = json!({"text": "it's \"here\""});
    assert_eq!(site.run("bare.native", &parameters), parameters);
    assert_eq!(site.run("bare.shell", &parameters)["seen"], parameters);
    for mut agent in agents {
        agent.signal(libc::SIGTERM);
        assert_eq!(agent.wait(Duration::from_secs(30)).expect("it ends"), 0, "{}", agent.printed());
    }
    // What a root directory cannot have is not left behind in it.
    for root in [&empty, &small] {
        assert!(!root.folder.join("dev").exists(), "{}", root.folder.display());
        // The packs may be shared below it.
        let temporary = std::fs::read_dir(root.folder.join("tmp")).into_iter().flatten().flatten();
        let left: Vec<_> = temporary
            .filter(|entry| !packs.ancestors().any(|folder| folder.file_name() == Some(&entry.file_name())))
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// A little interpreter: it tells its version, makes an environment, and runs scripts by printing what it finds.
const TOOL: &str = r#"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(int count, char **words) {
    if (count > 1 && !strcmp(words[1], "-V")) { puts("tool 1.0.0"); return 0; }
    if (count > 1 && !strcmp(words[1], "build")) {
        FILE *made = fopen("made", "w");
        if (!made) { perror("made"); return 1; }
        fputs(MADE_FOR, made);
        return fclose(made) != 0;
    }
    char path[4096], text[64] = "";
    snprintf(path, sizeof path, "%s/made", getenv("TOOL_DIR") ? getenv("TOOL_DIR") : "?");
    FILE *made = fopen(path, "r");
    if (made) { if (!fgets(text, sizeof text, made)) text[0] = 0; fclose(made); }
    printf("{\"runs\": \"%s\", \"made_for\": \"%s\"}\n", MADE_FOR, text);
    return 0;
}
"#;

/// One interpreter under one path in two images: for the GNU C library in one, for musl in the other.
#[tokio::test(flavor = "multi_thread")]
async fn images_of_two_c_libraries_share_a_volume_and_never_an_environment() {
    if does_without("musl") {
        return figure("NOT TESTED, as ATTUNE_TEST_WITHOUT says: images of two C libraries on one volume");
    }
    let scratch = Scratch::create();
    let volume = scratch.path("volume");
    std::fs::create_dir(&volume).expect("a folder");
    let (packs, source) = (scratch.path("packs"), scratch.write("out/tool.c", TOOL));
    scratch.write(
        "packs/both/runtimes/tool.yaml",
        "ref: both.tool\nname: tool\nexecution_config: {extension: tool}\n\
         detection: {binaries: [tool], version_arguments: [-V], version_regex: 'tool (\\S+)'}\n\
         environment:\n  manifests: [needs.txt]\n  recipes:\n    - steps:\n        - {name: build, run: ['{interpreter}', build]}\n  \
         env_vars: {TOOL_DIR: {set: '{environment_dir}'}}\n",
    );
    scratch.write("packs/both/needs.txt", "something\n");
    for libc in ["glibc", "musl"] {
        let more = format!("output_format: json\nworker_selector: {{libc: {libc}}}\n");
        scratch.action(&format!("both.{libc}"), "tool", ("show.tool", "\n"), &more);
    }
    let mut roots = Vec::new();
    for (libc, compiler, loader) in [
        ("glibc", "gcc", &["/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"][..]),
        ("musl", "musl-gcc", &["/lib/ld-musl-x86_64.so.1"]),
    ] {
        let Some(root) = Root::create(&scratch, libc) else { return };
        let made = scratch.place(&format!("out/tool-{libc}"));
        let definition = format!("-DMADE_FOR=\"{libc}\"");
        let source = source.display().to_string();
        tool(compiler, &[&definition, "-o", &made, &source], &[], &scratch.path("out"));
        let root = root.sharing(packs.clone()).sharing(volume.clone()).with_program(made.as_ref(), "usr/bin/tool");
        let parts = loader.iter().map(|path| (Path::new(path), path.trim_start_matches('/')));
        roots.push((libc, parts.fold(root, |root, (from, to)| root.with_program(from, to))));
    }
    let site = Site::serving(&scratch.packs()).await;
    let shared = volume.display().to_string();
    let agents: Vec<Program> = roots
        .iter()
        .map(|(libc, root)| {
            let label = format!("libc={libc}");
            let more =
                [("ATTUNE__WORKER__LABELS", label.as_str()), ("ATTUNE__PATHS__RUNTIME_ENVS_DIR", shared.as_str())];
            root.worker(&site, &scratch, libc, &[&more[..], &[("PATH", "/usr/bin")]].concat())
        })
        .collect();
    site.deployment.wait_for_workers(2).expect("both agents register");
    for libc in ["glibc", "musl"] {
        let expected = json!({"runs": libc, "made_for": libc});
        assert_eq!(site.run(&format!("both.{libc}"), &json!({})), expected);
        assert_eq!(site.run(&format!("both.{libc}"), &json!({})), expected, "and again");
    }
    let entries = std::fs::read_dir(volume.join("tool")).expect("a folder").count();
    assert_eq!(entries, 2, "an entry for each");
    let caches = std::fs::read_dir(volume.join(".cache")).expect("a folder");
    let mut caches: Vec<String> =
        caches.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    caches.sort();
    assert_eq!(caches, ["glibc-x86_64", "musl-x86_64"]);
    drop(agents);
}
