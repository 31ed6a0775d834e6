use crate::key::Key;
use crate::kind::Kind;

const DATABASE_SCHEMES: &[&str] = &["postgres://", "postgresql://", "sqlite:"];
const BROKER_SCHEMES: &[&str] = &["amqp://", "amqps://"];
const API_SCHEMES: &[&str] = &["http://", "https://"];
/// Long enough for any machine, short enough that a slipped digit is noticed.
const MOST_TASKS: u64 = 10_000;

const fn key(path: &'static str, kind: Kind, default: Option<&'static str>, doc: &'static str) -> Key {
    Key { path, kind, default, doc, short_names: &[], aliases: &[] }
}

const fn short(key: Key, short_names: &'static [&'static str]) -> Key {
    Key { short_names, ..key }
}

const fn also(key: Key, aliases: &'static [&'static str]) -> Key {
    Key { aliases, ..key }
}

const fn duration(path: &'static str, default: &'static str, doc: &'static str) -> Key {
    key(path, Kind::Duration { least_ms: 1 }, Some(default), doc)
}

/// Every key there is, by section, in the order of the reference page.
pub const KEYS: &[Key] = &[
    key(
        "database.url",
        Kind::SecretUrl(DATABASE_SCHEMES),
        None,
        "Where executions are kept: `postgres://user:password@host/name` or `sqlite:FILE`. Not set: embedded, SQLite in `paths.state_dir`.",
    ),
    key(
        "database.max_connections",
        Kind::Number { least: 1, most: 1_000 },
        Some("10"),
        "Connections that one process opens at most.",
    ),
    key(
        "database.tls.ca_path",
        Kind::Path,
        None,
        "Certificates (PEM) of the authority that vouches for the database. Set: its certificate and name are verified (`sslmode=verify-full`). Not set: the well-known authorities, when the URL says `?sslmode=verify-full`.",
    ),
    also(
        key(
            "message_queue.url",
            Kind::SecretUrl(BROKER_SCHEMES),
            None,
            "The RabbitMQ broker: `amqp://user:password@host:5672/%2f`, or `amqps://` for TLS. Not set: embedded, a queue inside the process.",
        ),
        &["rabbitmq.url"],
    ),
    duration(
        "message_queue.confirm_timeout",
        "5s",
        "How long the broker may take to confirm a message before it is sent again.",
    ),
    key(
        "message_queue.tls.ca_path",
        Kind::Path,
        None,
        "Certificates (PEM) of the authority that vouches for the broker of an `amqps://` URL. Not set: the well-known authorities, and those of the file that `SSL_CERT_FILE` names.",
    ),
    key(
        "security.allow_insecure",
        Kind::List,
        Some(""),
        "Hosts, as they are written in `database.url` and `message_queue.url`, that may be spoken to without encryption although they are not this machine, e.g. `postgres,rabbitmq` in the private network of a compose file. `true`: any host. Each is named in the log at every start.",
    ),
    key(
        "security.encryption_key",
        Kind::Secret { least_characters: 32 },
        None,
        "The key that stored secrets are encrypted with; at least 32 characters, e.g. from `openssl rand -base64 32`. It is key 1. Not set, nor `security.encryption_keys`: secrets cannot be stored.",
    ),
    key(
        "security.encryption_keys",
        Kind::Secret { least_characters: 32 },
        None,
        "Several such keys, to replace one by another: `NUMBER KEY` on each line. What was encrypted with any of them can be read.",
    ),
    key(
        "security.current_key",
        Kind::Number { least: 1, most: 4_294_967_295 },
        None,
        "The number of the key that new secrets are encrypted with, and that `attune key rotate` moves the others to. Not set: the largest.",
    ),
    short(
        key("worker.name", Kind::Text, None, "The worker's unique name. Not set: the host's name."),
        &["ATTUNE_WORKER_NAME"],
    ),
    short(
        key(
            "worker.worker_type",
            Kind::Choice(&["local", "remote", "container"]),
            Some("local"),
            "Where the worker runs; shown, and nothing depends on it.",
        ),
        &["ATTUNE_WORKER_TYPE"],
    ),
    key("worker.host", Kind::Text, None, "The host the worker says it runs on. Not set: the host's name."),
    key(
        "worker.max_concurrent_tasks",
        Kind::Number { least: 1, most: MOST_TASKS },
        Some("10"),
        "Executions that the worker runs at once.",
    ),
    duration(
        "worker.heartbeat_interval",
        "5s",
        "Time between two beats. A beat renews the worker's leases and brings back cancels and assignments.",
    ),
    duration("worker.task_timeout", "300s", "Limit of an execution whose action sets none."),
    key(
        "worker.shutdown_timeout",
        Kind::Duration { least_ms: 0 },
        Some("20s"),
        "How long running executions may go on after the first SIGTERM, before they are terminated.",
    ),
    key(
        "worker.kill_grace",
        Kind::Duration { least_ms: 0 },
        Some("5s"),
        "Time between SIGTERM and SIGKILL for an execution that is stopped.",
    ),
    duration(
        "worker.environment_step_timeout",
        "900s",
        "How long one step of preparing an environment of a pack may take: fetching and installing what a pack needs.",
    ),
    key(
        "worker.environment_builds",
        Kind::Number { least: 1, most: 64 },
        None,
        "How many environments are prepared at once. Not set: as many as there are processors, 4 at most.",
    ),
    key(
        "worker.max_stdout_bytes",
        Kind::Size { least: 1024 },
        Some("10MiB"),
        "How much standard output of an execution is kept: its head and its tail.",
    ),
    key(
        "worker.max_stderr_bytes",
        Kind::Size { least: 1024 },
        Some("10MiB"),
        "How much standard error of an execution is kept: its head and its tail.",
    ),
    key(
        "worker.output_policy",
        Kind::Choice(&["truncate", "stop", "fail"]),
        Some("truncate"),
        "What happens to an execution that writes more than that: `truncate` lets it go on, `stop` stops it, `fail` lets it go on; with the last two it ends as `output_limit`.",
    ),
    key(
        "worker.stream_logs",
        Kind::Switch,
        Some("true"),
        "Store output while it is written, for live followers. Off: it stays on the worker's disk and is stored at the end.",
    ),
    key(
        "worker.self_update",
        Kind::Switch,
        Some("false"),
        "Whether an agent replaces itself by a newer one that its server gives out (`client.api_url`, with `client.api_token` and its scope `agent:read`), signed with `worker.self_update_key`, after what runs has ended, and goes back when that does not come up.",
    ),
    short(
        key(
            "worker.self_update_key",
            Kind::Path,
            None,
            "The public key (PEM, Ed25519) that a newer agent must be signed with. Nothing that is fetched is executed without; `worker.self_update` cannot be switched on without it.",
        ),
        &["ATTUNE_AGENT_PUBLIC_KEY"],
    ),
    duration("worker.self_update_interval", "1h", "How often an agent looks for a newer one, when it may become it."),
    key(
        "worker.labels",
        Kind::Labels,
        Some(""),
        "Free words that actions select workers by, e.g. `zone: eu`. In the environment: `zone=eu,gpu=yes`.",
    ),
    short(
        key(
            "worker.capabilities.runtimes",
            Kind::List,
            Some(""),
            "Runtimes that the worker offers, as a filter and an override. Empty: all that are found.",
        ),
        &["ATTUNE_WORKER_RUNTIMES"],
    ),
    key(
        "sandbox.level",
        Kind::Choice(&["auto", "1", "2", "3"]),
        Some("auto"),
        "Sandbox of actions that demand no level. `1`: own session, clean environment, no new privileges. `2`: and a Landlock domain, so that nothing outside can be signalled, traced or read, and `sandbox.filesystem` holds. `3`: and a filter that refuses system calls scripts have no business with (`mount`, `ptrace`, `reboot`, ...). `auto`: the highest that the machine can give.",
    ),
    key(
        "sandbox.require",
        Kind::Number { least: 1, most: 3 },
        Some("1"),
        "Level that the machine must be able to give: a worker that cannot refuses to start. No action runs below it, whatever it demands.",
    ),
    key(
        "sandbox.filesystem",
        Kind::Choice(&["protect", "strict", "open"]),
        Some("protect"),
        "Files that an action reaches from level 2 on. `protect`: all that its user may, except that `paths.state_dir`, files with this worker's credentials and other executions' files are closed to it and packs and environments are read-only; nothing can be made directly in a directory above these. `strict`: the system to read, its own directories to write, nothing else. `open`: all that its user may.",
    ),
    key(
        "sandbox.writable",
        Kind::List,
        Some(""),
        "More files and directories that an action may write to when `sandbox.filesystem` is `strict`. Those that do not exist are passed over.",
    ),
    key("server.host", Kind::Text, Some("127.0.0.1"), "Address that the API binds."),
    key(
        "server.port",
        Kind::Number { least: 0, most: 65_535 },
        Some("8080"),
        "Port that the API binds; 0 takes a free one.",
    ),
    key(
        "server.api_token",
        Kind::Secret { least_characters: 16 },
        None,
        "Token that requests must show, at least 16 characters. Not set: none is asked for; then bind a loopback address only.",
    ),
    key(
        "server.requests_per_second",
        Kind::Number { least: 0, most: 1_000_000 },
        Some("2000"),
        "Requests that one token, or one address without a token, may send a second; twice as many at once. More are answered 429. 0: no limit.",
    ),
    key(
        "server.agent_directory",
        Kind::Path,
        None,
        "Folder with the agents that `GET /api/v1/agent/binary` gives out: `attune-agent-x86_64`, `attune-agent-aarch64`, and beside each `.sig` when it is signed. Not set: none are given out.",
    ),
    short(
        key(
            "client.api_url",
            Kind::Url(API_SCHEMES),
            None,
            "The server that the command line talks to. Not set: `attune run` runs embedded.",
        ),
        &["ATTUNE_API_URL"],
    ),
    short(
        key(
            "client.api_token",
            Kind::Secret { least_characters: 1 },
            None,
            "Token that the command line shows to the server.",
        ),
        &["ATTUNE_API_TOKEN"],
    ),
    duration("protocol.lease", "45s", "How long a worker holds its attempts after a beat."),
    key(
        "protocol.lease_slack",
        Kind::Duration { least_ms: 0 },
        Some("1s"),
        "How long after the end of a lease the reaper acts.",
    ),
    duration("protocol.dispatch", "15s", "How long an assigned attempt may stay unclaimed before it is assigned anew."),
    duration("protocol.unreachable", "15s", "Silence after which a worker counts as unreachable and gets no new work."),
    duration(
        "protocol.fence_terminate",
        "33s",
        "Silence after which a worker that cannot beat sends SIGTERM to its own executions.",
    ),
    duration("protocol.fence_kill", "38s", "Silence after which it sends them SIGKILL."),
    duration("protocol.reaper_tick", "2s", "Time between two ticks of the reaper."),
    duration(
        "protocol.reaper_gap",
        "10s",
        "A gap in the reaper's own ticks after which it spares every lease for one lease time.",
    ),
    duration("protocol.outbox_hold", "5s", "How long the relay holds an outbox message that it took."),
    duration("protocol.relay_poll", "1s", "Time between two looks at the outbox when nothing nudges the relay."),
    duration(
        "protocol.scheduler_poll",
        "1s",
        "Time between two looks for requested executions when nothing nudges the scheduler.",
    ),
    key(
        "protocol.most_unstarted",
        Kind::Number { least: 1, most: 10_000 },
        Some("20"),
        "Attempts that may end before anything ran until an execution fails as undeliverable.",
    ),
    key(
        "packs.directories",
        Kind::List,
        Some("packs, /opt/attune/packs"),
        "Directories whose folders are packs; the first that has a pack wins, and missing ones are passed over.",
    ),
    key(
        "paths.state_dir",
        Kind::Path,
        Some(".attune"),
        "Everything that must outlive the process: the embedded database, spools.",
    ),
    key("paths.artifacts_dir", Kind::Path, Some("{paths.state_dir}/artifacts"), "What executions leave behind."),
    key(
        "paths.runtime_envs_dir",
        Kind::Path,
        Some("{paths.state_dir}/runtime_envs"),
        "Environments of packs: virtual environments, modules, gems.",
    ),
    short(
        key(
            "paths.runtime_hints",
            Kind::Path,
            None,
            "What the image says about its own interpreters. Not set: `/opt/attune/.attune-runtime.yaml`, else `/.attune-runtime.yaml`, when one is there.",
        ),
        &["ATTUNE_RUNTIME_HINTS"],
    ),
    key(
        "artifacts.store",
        Kind::Choice(&["local", "s3"]),
        Some("local"),
        "Where files that executions leave behind are kept: `local` is `paths.artifacts_dir`, which server and workers must share to download them; `s3` is a bucket.",
    ),
    key("artifacts.endpoint", Kind::Url(API_SCHEMES), None, "Address of the S3-compatible service; needed for `s3`."),
    key("artifacts.bucket", Kind::Text, None, "The bucket, which must exist; needed for `s3`."),
    key("artifacts.region", Kind::Text, Some("us-east-1"), "The bucket's region; services without regions take any."),
    key("artifacts.prefix", Kind::Text, Some("attune/"), "What every key in the bucket begins with."),
    key(
        "artifacts.access_key_id",
        Kind::Secret { least_characters: 1 },
        None,
        "Id of the access key; needed for `s3`.",
    ),
    key("artifacts.secret_access_key", Kind::Secret { least_characters: 1 }, None, "The access key; needed for `s3`."),
    key(
        "artifacts.max_files",
        Kind::Number { least: 1, most: 100_000 },
        Some("1000"),
        "Files of one attempt that are kept at most.",
    ),
    key(
        "artifacts.max_bytes",
        Kind::Size { least: 1024 },
        Some("1GiB"),
        "Bytes of all files of one attempt that are kept at most, by their apparent sizes.",
    ),
    key(
        "retention.logs_days",
        Kind::Number { least: 0, most: 36_500 },
        Some("30"),
        "Days that output is kept after its execution ended; 0 is for ever.",
    ),
    key(
        "retention.artifacts_days",
        Kind::Number { least: 0, most: 36_500 },
        Some("30"),
        "Days that files are kept after their execution ended; 0 is for ever.",
    ),
    key(
        "retention.executions_days",
        Kind::Number { least: 0, most: 36_500 },
        Some("90"),
        "Days that an execution is kept after it ended, with its attempts, events, output and files; 0 is for ever.",
    ),
    key(
        "log.format",
        Kind::Choice(&["auto", "text", "json"]),
        Some("auto"),
        "How log lines look; `auto` is text on a terminal and JSON elsewhere.",
    ),
    short(
        key(
            "log.level",
            Kind::Text,
            Some("info"),
            "How much is logged: `error`, `warn`, `info`, `debug`, or directives like `info,attune_worker=debug`.",
        ),
        &["ATTUNE_LOG"],
    ),
];

/// Every key there is, for generators of documentation.
#[must_use]
pub fn reference() -> &'static [Key] {
    KEYS
}

/// The key with this path or alias.
pub(crate) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.paths().any(|known| known == path))
}

/// Whether keys lie below this path.
pub(crate) fn is_section(path: &str) -> bool {
    KEYS.iter().flat_map(Key::paths).any(|known| known.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')))
}
