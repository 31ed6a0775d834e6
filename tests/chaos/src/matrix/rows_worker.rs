//! Rows about workers and their guards.

use super::row::{How, Row, Scene, step};

const RECOVERED: &str = "recovered s max";
const TREES: &str = "trees dead after ms";
const LOST: &str = "attempts lost";

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "F01",
        fault: "worker killed, its supervisor restarts it",
        injected: "SIGKILL, three times, started again after 0.3 s",
        expected: "trees dead <= 1 s; re-run or terminal <= 10 s",
        limits: &[(RECOVERED, 10.0), (TREES, 1000.0)],
        how: How::Played(&[Scene::of(&[
            step("worker-kill", 5.0, 0.0, 0),
            step("worker-kill", 12.0, 0.0, 0),
            step("worker-kill", 19.0, 0.0, 0),
        ])]),
    },
    Row {
        id: "F02",
        fault: "worker killed, never comes back",
        injected: "SIGKILL; started again only after a minute",
        expected: "trees dead <= 1 s; re-run or terminal <= 50 s",
        limits: &[(RECOVERED, 50.0), (TREES, 1000.0)],
        how: How::Played(&[Scene::of(&[step("worker-gone", 8.0, 60.0, 0)])]),
    },
    Row {
        id: "F03",
        fault: "worker killed at exactly one moment",
        injected: "before the claim; claimed, not acknowledged; stored as running, not begun; begun; ended, not reported; \
                   reported, not known: each brought about by cutting one direction of one link or stopping the guards",
        expected: "re-run or terminal <= 10 s (<= 50 s where its link to the database was cut)",
        limits: &[(RECOVERED, 50.0)],
        how: How::Played(&[Scene::of(&[
            step("kill-before-claim", 5.0, 0.0, 0),
            step("kill-before-acknowledgement", 14.0, 0.0, 0),
            step("kill-before-start", 23.0, 0.0, 0),
            step("kill-after-start", 32.0, 0.0, 0),
            step("kill-before-completion", 41.0, 0.0, 0),
            step("kill-after-completion", 50.0, 40.0, 0),
        ])]),
    },
    Row {
        id: "F04",
        fault: "worker stopped for 10 s",
        injected: "SIGSTOP, SIGCONT",
        expected: "no attempt lost",
        limits: &[(LOST, 0.0)],
        how: How::Played(&[Scene::of(&[step("worker-stop", 6.0, 10.0, 0), step("worker-stop", 24.0, 10.0, 0)])]),
    },
    Row {
        id: "F05",
        fault: "worker stopped for 120 s, then it returns",
        injected: "SIGSTOP of the worker, not of its guards; SIGCONT",
        expected: "its guards kill the trees before the lease ends; re-run or terminal <= 50 s; its late results change nothing",
        limits: &[(RECOVERED, 50.0)],
        how: How::Played(&[Scene { seconds: 0.0, ..Scene::of(&[step("worker-stop-long", 6.0, 120.0, 0)]) }]),
    },
    Row {
        id: "F06",
        fault: "worker, guards and actions stopped for 120 s, as when a machine is suspended",
        injected: "SIGSTOP of all of them; SIGCONT",
        expected: "re-run or terminal <= 50 s; at resume the old trees die. While they are suspended nobody can kill them, \
                   so the kernel's lock tells of two trees; one more effect of the old one is possible",
        limits: &[(RECOVERED, 50.0)],
        how: How::Played(&[Scene::of(&[step("host-stop", 6.0, 120.0, 0)])]),
    },
    Row {
        id: "F07",
        fault: "guard killed; launcher killed",
        injected: "SIGKILL of a guard that holds a tree, twice; of the launcher",
        expected: "the tree is dead <= 2 s; the attempt ends as a fault, never as a success",
        limits: &[("tree dead after ms", 2000.0)],
        how: How::Played(&[Scene {
            only: Some("sleeper"),
            ..Scene::of(&[
                step("guard-kill", 6.0, 0.0, 0),
                step("guard-kill", 12.0, 0.0, 0),
                step("launcher-kill", 18.0, 0.0, 0),
            ])
        }]),
    },
    Row {
        id: "F08",
        fault: "SIGTERM while it works: once, twice, three times",
        injected: "SIGTERM, the next ones a second apart",
        expected: "ended <= 27 s after the first, <= 6 s after the second, <= 1.5 s after the third",
        limits: &[
            ("ended s after the first signal", 27.0),
            ("ended s after the second signal", 6.5),
            ("ended s after the third signal", 2.5),
        ],
        how: How::Played(&[Scene {
            only: Some("sleeper"),
            seconds: 12.0,
            ..Scene::of(&[
                step("worker-term", 8.0, 0.0, 0),
                step("worker-term", 45.0, 0.0, 1),
                step("worker-term", 70.0, 0.0, 2),
            ])
        }]),
    },
    Row {
        id: "F26",
        fault: "a worker's wall clock is an hour off, forth and back",
        injected: "libfaketime; a step of CLOCK_BOOTTIME cannot be made on one machine, and a constant offset changes nothing",
        expected: "nothing is lost for it: leases and deadlines do not use that clock",
        limits: &[(RECOVERED, 50.0)],
        how: How::Played(&[Scene::of(&[step("worker-clock", 5.0, 20.0, 0), step("worker-clock", 35.0, 20.0, 1)])]),
    },
    Row {
        id: "F30",
        fault: "a second worker of the same name",
        injected: "a second program with the same name and another state directory; later the first comes back",
        expected: "each time the one that was there ends with exit code 3",
        limits: &[("the first ended s after", 10.0)],
        how: How::Played(&[Scene::of(&[step("name-taken", 8.0, 10.0, 0)])]),
    },
    Row {
        id: "F31",
        fault: "the disk is full",
        injected: "the state directory on a tmpfs of its own that is filled for 15 s; read-only remounts and inodes are not \
                   injected",
        expected: "no new work is taken there, no action fails for it, nothing hangs; output that is dropped is marked in the \
                   log",
        limits: &[],
        how: How::Played(&[Scene { small_disk: true, ..Scene::of(&[step("disk-full", 8.0, 15.0, 0)]) }]),
    },
    Row {
        id: "F32",
        fault: "no more descriptors",
        injected: "prlimit(RLIMIT_NOFILE) of the live worker to what it has open; RLIMIT_NPROC does not bind root",
        expected: "what cannot be started is handed back or waits; the worker goes on",
        limits: &[],
        how: How::Played(&[Scene::of(&[step("no-descriptors", 6.0, 8.0, 0), step("no-descriptors", 24.0, 8.0, 0)])]),
    },
    Row {
        id: "F33",
        fault: "the kernel kills the worker for memory",
        injected: "a memory controller (version 1) that lets the worker have no page more than it has; that of an action and of a guard is tested \
                   in crates/worker/tests/it/limits.rs",
        expected: "as F01: re-run or terminal <= 10 s",
        limits: &[(RECOVERED, 10.0)],
        how: How::Played(&[Scene::of(&[step("out-of-memory", 8.0, 0.0, 0)])]),
    },
    Row {
        id: "F34",
        fault: "a worker gets one twentieth of the processor for 60 s",
        injected: "SIGSTOP 475 ms, SIGCONT 25 ms, of the worker, its launcher and its guards",
        expected: "no attempt lost",
        limits: &[(LOST, 0.0)],
        how: How::Played(&[Scene::of(&[step("starved", 6.0, 60.0, 0)])]),
    },
    Row {
        id: "F35",
        fault: "actions that behave badly, twenty of each at once",
        injected: "daemons, fork bombs, SIGTERM ignored, 5 MiB without a newline, 1 MB of parameters, one kind after the other",
        expected: "every one ends as it says; no process, no hole in any log",
        limits: &[(LOST, 0.0)],
        how: How::Played(&[
            Scene { only: Some("daemon"), rate: 20.0, ..Scene::of(&[step("nothing", 0.0, 0.0, 0)]) },
            Scene { only: Some("bomb"), rate: 10.0, ..Scene::of(&[step("nothing", 0.0, 0.0, 0)]) },
            Scene { only: Some("stubborn"), rate: 10.0, ..Scene::of(&[step("nothing", 0.0, 0.0, 0)]) },
            Scene { only: Some("flood"), rate: 10.0, ..Scene::of(&[step("nothing", 0.0, 0.0, 0)]) },
            Scene { only: Some("reader"), rate: 10.0, ..Scene::of(&[step("nothing", 0.0, 0.0, 0)]) },
        ]),
    },
    Row {
        id: "F36",
        fault: "an execution that crashes its worker",
        injected: "",
        expected: "at most three crashes",
        limits: &[],
        how: How::Named(
            "no action can crash its worker: a sandboxed one may not signal it, and an attempt that has begun is not begun again \
             unasked; that an execution under which three workers vanished before they let it begin fails is tested in \
             crates/store/tests/it/reaping.rs",
        ),
    },
    Row {
        id: "F38",
        fault: "a panic in each actor",
        injected: "",
        expected: "the actor is restarted, nothing is lost",
        limits: &[],
        how: How::Named(
            "the programs as they ship have no switch that makes an actor panic; crates/worker/tests/it/crashes.rs does it to \
             every actor of a worker built with fault injection",
        ),
    },
];
