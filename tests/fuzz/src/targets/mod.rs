//! Every target.

#[path = "../../../../crates/queue/src/rabbit/body.rs"]
#[allow(unreachable_pub, reason = "the file of another crate, taken whole")]
mod body;
mod command_lines;
mod cuts;
mod documents;
#[path = "../../../../crates/cli/src/output/escape.rs"]
#[allow(dead_code, unreachable_pub, reason = "the file of a program, taken whole")]
mod escape;
#[path = "../../../../crates/runtime/src/environment/fill.rs"]
#[allow(unreachable_pub, reason = "the file of another crate, taken whole")]
mod fill;
#[path = "../../../../crates/control/src/api/logs/lines.rs"]
#[allow(unreachable_pub, reason = "the file of another crate, taken whole")]
mod lines;
mod marks;
mod names;
mod output;
mod patterns;
mod secrets;
#[path = "../../../../crates/control/src/cli/arguments.rs"]
#[allow(dead_code, reason = "the file of a program, taken whole")]
mod server_arguments;
mod states;
#[path = "../../../../crates/runtime/src/version_text.rs"]
#[allow(unreachable_pub, reason = "the file of another crate, taken whole")]
mod version_text;
#[path = "../../../../crates/worker/src/cli/arguments.rs"]
#[allow(dead_code, reason = "the file of a program, taken whole")]
mod worker_arguments;

/// A function of any bytes that panics when something does not hold.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, and that of its corpus.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target { name: "redactor", run: output::redactor },
    Target { name: "terminal", run: output::terminal },
    Target { name: "lines", run: cuts::lines },
    Target { name: "templates", run: cuts::templates },
    Target { name: "envelope", run: documents::envelope },
    Target { name: "stored", run: documents::stored },
    Target { name: "declarations", run: documents::declarations },
    Target { name: "exact_json", run: documents::exact_json },
    Target { name: "exact_yaml", run: documents::exact_yaml },
    Target { name: "configuration", run: documents::configuration },
    Target { name: "archive", run: documents::archive },
    Target { name: "variables", run: names::variables },
    Target { name: "artifact_name", run: names::artifact_name },
    Target { name: "version", run: names::version },
    Target { name: "version_pattern", run: patterns::version_pattern },
    Target { name: "command_line", run: command_lines::command_line },
    Target { name: "plain_text", run: names::plain_text },
    Target { name: "sealed", run: secrets::sealed },
    Target { name: "encrypted", run: secrets::encrypted },
    Target { name: "attempt", run: states::attempt },
];
