//! Rows about the database, the servers, and everything else.

use super::row::{How, Row, Scene, step};

const RECOVERED: &str = "recovered s max";
const LOST: &str = "attempts lost";
const MEANWHILE: &str = "dispatch p99 ms meanwhile";
const FIRST: &str = "first claim s after a heal";

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "F22",
        fault: "the database is away for 20 s",
        injected: "stopped in disorder, killed, frozen",
        expected: "no running execution is killed; the first start <= 5 s after it is ready",
        limits: &[(LOST, 0.0), (FIRST, 5.0)],
        how: How::Played(&[Scene::of(&[
            step("database-quit", 5.0, 20.0, 0),
            step("database-crash", 55.0, 20.0, 0),
            step("database-freeze", 105.0, 20.0, 0),
        ])]),
    },
    Row {
        id: "F23",
        fault: "the database is read-only for 30 s",
        injected: "default_transaction_read_only; a standby that is promoted is not injected",
        expected: "no attempt lost; the first start <= 15 s after",
        limits: &[(LOST, 0.0), (FIRST, 15.0)],
        how: How::Played(&[Scene::of(&[step("database-read-only", 5.0, 30.0, 0)])]),
    },
    Row {
        id: "F24",
        fault: "tables are locked for 20 s; every connection is ended again and again",
        injected: "ACCESS EXCLUSIVE on execution, then on execution_attempt (which exhausts every pool); \
                   pg_terminate_backend every 0.7 s for 10 s",
        expected: "no attempt lost; the first start <= 10 s after",
        limits: &[(LOST, 0.0), (FIRST, 10.0)],
        how: How::Played(&[Scene::of(&[
            step("database-locks", 5.0, 20.0, 0),
            step("database-locks", 50.0, 20.0, 1),
            step("database-disconnects", 95.0, 10.0, 0),
        ])]),
    },
    Row {
        id: "F25",
        fault: "the database's clock jumps an hour, forth and back",
        injected: "the offset that every statement adds to the clock",
        expected: "no attempt lost",
        limits: &[(LOST, 0.0)],
        how: How::Played(&[
            Scene::of(&[step("database-clock-forward", 6.0, 0.0, 0)]),
            Scene::of(&[step("database-clock-back", 6.0, 0.0, 0)]),
        ]),
    },
    Row {
        id: "F27",
        fault: "servers killed between commit and publish; every 2 s for 60 s",
        injected: "their links to the broker cut until the outbox holds something, then SIGKILL of both; then SIGKILL of one \
                   every 2 s",
        expected: "nothing lost; dispatch p99 <= 5 s later than else",
        limits: &[(LOST, 0.0), (MEANWHILE, 6000.0)],
        how: How::Played(&[Scene::of(&[step("kill-before-publish", 5.0, 0.0, 0), step("server-kill", 15.0, 60.0, 0)])]),
    },
    Row {
        id: "F28",
        fault: "ten schedulers at once; then none for 60 s",
        injected: "eight more servers for 15 s; SIGKILL of all; SIGSTOP of one",
        expected: "nothing assigned twice; no attempt lost",
        limits: &[(LOST, 0.0)],
        how: How::Played(&[Scene::of(&[
            step("more-servers", 5.0, 15.0, 0),
            step("servers-gone", 30.0, 60.0, 0),
            step("server-stop", 100.0, 15.0, 0),
        ])]),
    },
    Row {
        id: "F29",
        fault: "a server is killed after it committed a request and before it answered",
        injected: "the way back to the client cut until the row is there, then SIGKILL; the client asks the other server with \
                   the same key",
        expected: "the same execution answers",
        limits: &[(LOST, 0.0)],
        how: How::Played(&[Scene::of(&[
            step("kill-before-reply", 5.0, 0.0, 0),
            step("kill-before-reply", 18.0, 0.0, 0),
        ])]),
    },
    Row {
        id: "F37",
        fault: "cancels in every state, and while the broker is away",
        injected: "0 to 4 s after the submission, half of them while the broker is stopped",
        expected: "cancelled, or ended before; never cancelled and run on",
        limits: &[(LOST, 0.0)],
        how: How::Played(&[Scene {
            only: Some("cancelled"),
            rate: 8.0,
            ..Scene::of(&[step("broker-stop", 12.0, 20.0, 0)])
        }]),
    },
    Row {
        id: "F39",
        fault: "rolling restart of every program under load",
        injected: "SIGTERM to one after the other; there is one version, so none that mixes two",
        expected: "nothing lost",
        limits: &[(RECOVERED, 50.0)],
        how: How::Played(&[Scene::of(&[step("rolling-restart", 6.0, 0.0, 0)])]),
    },
    Row {
        id: "F40",
        fault: "the database forgets its last 5 s",
        injected: "a copy of its directory put in its place",
        expected: "everything that it still knows becomes terminal, once; what was accepted or under way in the window may \
                   be forgotten or run again, and is counted beside the zeros",
        limits: &[],
        how: How::Played(&[Scene::of(&[step("database-rolled-back", 8.0, 5.0, 0)])]),
    },
];
