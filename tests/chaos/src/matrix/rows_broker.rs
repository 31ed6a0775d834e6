//! Rows about links, and about the broker.

use super::row::{How, Row, Scene, step};

const RECOVERED: &str = "recovered s max";
const LOST: &str = "attempts lost";
const MEANWHILE: &str = "dispatch p99 ms meanwhile";
const CONSUMING: &str = "consuming again s after the last heal";

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "F09",
        fault: "a worker is cut from the broker",
        injected: "stall, black hole, reset, one way in, one way out, half open from both sides: 20 s each",
        expected: "work arrives by the beat, dispatch p99 <= 6 s; no attempt lost; consuming <= 10 s after the heal",
        limits: &[(MEANWHILE, 6000.0), (LOST, 0.0), (CONSUMING, 10.0)],
        how: How::Played(&[Scene::of(&[
            step("worker-broker-cut", 5.0, 20.0, 0),
            step("worker-broker-cut", 35.0, 20.0, 1),
            step("worker-broker-cut", 65.0, 20.0, 2),
            step("worker-broker-cut", 95.0, 20.0, 3),
            step("worker-broker-cut", 125.0, 20.0, 4),
            step("worker-broker-half-open", 155.0, 20.0, 0),
            step("worker-broker-half-open", 185.0, 20.0, 1),
        ])]),
    },
    Row {
        id: "F10",
        fault: "a worker is cut from the database for 20 s",
        injected: "stall, black hole, reset, one way in, one way out, half open from both sides",
        expected: "no attempt lost",
        limits: &[(LOST, 0.0), (CONSUMING, 10.0)],
        how: How::Played(&[Scene::of(&[
            step("worker-database-cut", 5.0, 20.0, 0),
            step("worker-database-cut", 50.0, 20.0, 1),
            step("worker-database-cut", 95.0, 20.0, 2),
            step("worker-database-cut", 140.0, 20.0, 3),
            step("worker-database-cut", 185.0, 20.0, 4),
            step("worker-database-half-open", 230.0, 20.0, 0),
            step("worker-database-half-open", 275.0, 20.0, 1),
        ])]),
    },
    Row {
        id: "F11",
        fault: "a worker is cut from the database for 120 s",
        injected: "stall",
        expected: "it kills its own trees before their leases end; re-run or terminal <= 50 s; consuming <= 10 s after the heal",
        limits: &[(RECOVERED, 50.0), (CONSUMING, 10.0)],
        how: How::Played(&[Scene::of(&[step("worker-database-cut-long", 6.0, 120.0, 0)])]),
    },
    Row {
        id: "F12",
        fault: "a server is cut from the database, the broker, its clients",
        injected: "20 s each, as a stall and as a reset",
        expected: "the other server does its work: dispatch p99 <= 10 s",
        limits: &[(MEANWHILE, 10_000.0), (LOST, 0.0)],
        how: How::Played(&[Scene::of(&[
            step("server-database-cut", 5.0, 20.0, 0),
            step("server-broker-cut", 30.0, 20.0, 0),
            step("client-cut", 55.0, 20.0, 0),
            step("server-database-cut", 80.0, 20.0, 2),
            step("server-broker-cut", 105.0, 20.0, 2),
            step("client-cut", 130.0, 20.0, 2),
        ])]),
    },
    Row {
        id: "F13",
        fault: "all links of one worker are cut for 60 s; links are slow, narrow, in slices",
        injected: "stall; then 20 s late by up to 200 ms, 256 KiB/s, pieces of 64 bytes",
        expected: "re-run or terminal <= 50 s",
        limits: &[(RECOVERED, 50.0), (CONSUMING, 10.0)],
        how: How::Played(&[Scene::of(&[
            step("host-cut", 5.0, 60.0, 0),
            step("slow-links", 70.0, 15.0, 0),
            step("slow-links", 90.0, 15.0, 1),
            step("slow-links", 110.0, 15.0, 2),
        ])]),
    },
    Row {
        id: "F14",
        fault: "the broker closes every connection, twenty times in a minute",
        injected: "rabbit_networking:close_connection",
        expected: "no attempt lost; consuming <= 10 s after",
        limits: &[(LOST, 0.0), (CONSUMING, 10.0)],
        how: How::Played(&[Scene::of(&[step("broker-close-connections", 5.0, 60.0, 0)])]),
    },
    Row {
        id: "F15",
        fault: "the broker is stopped, killed, frozen",
        injected: "stop of the application for 30 s; SIGKILL of the node; SIGSTOP for 30 s",
        expected: "no attempt lost; consuming <= 10 s after",
        limits: &[(LOST, 0.0), (CONSUMING, 10.0)],
        how: How::Played(&[Scene::of(&[
            step("broker-stop", 5.0, 30.0, 0),
            step("broker-kill", 55.0, 2.0, 0),
            step("broker-freeze", 90.0, 30.0, 0),
        ])]),
    },
    Row {
        id: "F16",
        fault: "the broker is wiped",
        injected: "the virtual host is deleted with everything in it and made again, three times",
        expected: "nothing lost; dispatch p99 <= 6 s meanwhile; consuming <= 10 s after",
        limits: &[(LOST, 0.0), (MEANWHILE, 6000.0), (CONSUMING, 10.0)],
        how: How::Played(&[Scene::of(&[
            step("broker-wipe", 5.0, 0.0, 0),
            step("broker-wipe", 20.0, 0.0, 0),
            step("broker-wipe", 35.0, 0.0, 0),
        ])]),
    },
    Row {
        id: "F17",
        fault: "the broker blocks its publishers, by memory and by disk",
        injected: "a high-water mark of 0, a disk limit of 100 TB: 60 s each",
        expected: "work arrives by the beat: dispatch p99 <= 6 s",
        limits: &[(LOST, 0.0), (MEANWHILE, 6000.0), (CONSUMING, 10.0)],
        how: How::Played(&[Scene::of(&[step("broker-alarm", 5.0, 60.0, 0), step("broker-alarm", 75.0, 60.0, 1)])]),
    },
    Row {
        id: "F18",
        fault: "a worker's queue is deleted, purged, under load",
        injected: "three of each",
        expected: "dispatch p99 <= 6 s",
        limits: &[(LOST, 0.0), (MEANWHILE, 6000.0), (CONSUMING, 10.0)],
        how: How::Played(&[Scene {
            rate: 12.0,
            ..Scene::of(&[
                step("queue-delete", 5.0, 0.0, 0),
                step("queue-purge", 10.0, 0.0, 0),
                step("queue-delete", 15.0, 0.0, 0),
                step("queue-purge", 20.0, 0.0, 0),
                step("queue-delete", 25.0, 0.0, 0),
                step("queue-purge", 30.0, 0.0, 0),
            ])
        }]),
    },
    Row {
        id: "F19",
        fault: "consumers must acknowledge within 10 s, executions take 30 s",
        injected: "consumer_timeout = 10 s",
        expected: "no channel is closed for it",
        limits: &[("channels closed for it", 0.0), (LOST, 0.0)],
        how: How::Played(&[Scene {
            rate: 1.5,
            only: Some("sleeper"),
            seconds: 30.0,
            ..Scene::of(&[step("consumer-timeout", 3.0, 45.0, 0)])
        }]),
    },
    Row {
        id: "F20",
        fault: "messages come three times, late, and long after",
        injected: "150 messages of attempts that were assigned before, published again",
        expected: "every one is refused; nothing runs for it",
        limits: &[(LOST, 0.0)],
        how: How::Played(&[Scene::of(&[step("duplicates", 8.0, 0.0, 0), step("duplicates", 20.0, 0.0, 0)])]),
    },
    Row {
        id: "F21",
        fault: "garbage, oversize and forged messages",
        injected: "36 of four kinds, to every worker",
        expected: "what cannot be read is parked, what was never assigned is refused; nothing runs for it",
        limits: &[(LOST, 0.0), (CONSUMING, 10.0)],
        how: How::Played(&[Scene::of(&[step("garbage", 5.0, 0.0, 0), step("garbage", 15.0, 0.0, 0)])]),
    },
];
