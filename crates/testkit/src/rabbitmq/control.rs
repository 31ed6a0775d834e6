//! Orders to a RabbitMQ node, in its own language.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};

use super::queue_counts::QueueCounts;
use crate::programs;
use crate::start_error::StartError;

static CALL: AtomicU64 = AtomicU64::new(1);

/// Talks to a node by remote evaluation. `rabbitmqctl` starts an Erlang machine of its own for every call, which takes
/// a second or two; `erl_call`, which comes with Erlang, takes ten milliseconds.
#[derive(Debug, Clone)]
pub(crate) struct Control {
    directory: PathBuf,
}

impl Control {
    /// For the node whose cookie and epmd port are in `directory`.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    /// Evaluates expressions and answers what the last one, a string, says.
    pub(crate) fn evaluate(&self, expressions: &str) -> Result<String, StartError> {
        let io = |doing| move |source| StartError::Io { doing, source };
        let read =
            |name| std::fs::read_to_string(self.directory.join(name)).map_err(io("reading how to reach RabbitMQ"));
        let tool = programs::in_path("erl_call").unwrap_or_else(|| PathBuf::from("erl_call"));
        // Two callers of one name would throw each other out.
        let own_name = format!("test_{}_{}", std::process::id(), CALL.fetch_add(1, Ordering::Relaxed));
        let mut call = programs::command(&tool)
            .args(["-n", "attune@localhost", "-h", &own_name, "-c", read(".erlang.cookie")?.trim(), "-e"])
            .env("ERL_EPMD_PORT", read("epmd.port")?.trim())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(io("starting erl_call"))?;
        if let Some(mut input) = call.stdin.take() {
            input.write_all(format!("{expressions}.\n").as_bytes()).map_err(io("talking to erl_call"))?;
        }
        let output = call.wait_with_output().map_err(io("waiting for erl_call"))?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        match said.strip_prefix("{ok, ").and_then(|rest| rest.strip_suffix('}')) {
            Some("[]") => Ok(String::new()),
            Some(answer) => Ok(answer.trim_matches('"').to_owned()),
            None => Err(StartError::Tool { tool, said: said + &String::from_utf8_lossy(&output.stderr) }),
        }
    }

    pub(crate) fn add_vhost(&self, vhost: &str) -> Result<(), StartError> {
        let add = format!(
            "V = <<\"{vhost}\">>, rabbit_vhost:add(V, <<\"test\">>), \
             rabbit_auth_backend_internal:set_permissions(<<\"guest\">>, V, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"test\">>), \
             atom_to_list(rabbit_vhost:exists(V))"
        );
        self.must_be_true(&add)
    }

    pub(crate) fn delete_vhost(&self, vhost: &str) -> Result<(), StartError> {
        let delete = format!(
            "V = <<\"{vhost}\">>, rabbit_vhost:delete(V, <<\"test\">>), atom_to_list(not rabbit_vhost:exists(V))"
        );
        self.must_be_true(&delete)
    }

    /// Closes every connection of a virtual host from the broker's side; answers how many.
    pub(crate) fn close_connections(&self, vhost: &str) -> Result<u64, StartError> {
        let close = format!(
            "Of = fun(P) -> try rabbit_reader:info(P, [vhost]) of [{{vhost, <<\"{vhost}\">>}}] -> true; _ -> false catch _:_ -> false end end, \
             L = [P || P <- rabbit_networking:connections(), Of(P)], \
             [rabbit_networking:close_connection(P, \"closed by a test\") || P <- L], \
             integer_to_list(length(L))"
        );
        let answer = self.evaluate(&close)?;
        answer.parse().map_err(|_| self.odd(answer))
    }

    pub(crate) fn delete_queue(&self, vhost: &str, queue: &str) -> Result<(), StartError> {
        let delete = format!(
            "{{ok, Q}} = rabbit_amqqueue:lookup(rabbit_misc:r(<<\"{vhost}\">>, queue, <<\"{queue}\">>)), \
             rabbit_amqqueue:delete(Q, false, false, <<\"test\">>), \"true\""
        );
        self.must_be_true(&delete)
    }

    /// Asks quorum queues themselves: their published counters are some ticks old.
    pub(crate) fn queues(&self, vhost: &str) -> Result<Vec<QueueCounts>, StartError> {
        let list = format!(
            "Ask = fun(P, F) -> case ra:local_query(P, F) of {{ok, {{_, N}}, _}} when is_integer(N) -> N; {{ok, {{_, M}}, _}} -> maps:size(M); _ -> 0 end end, \
             Count = fun(Q, quorum) -> P = amqqueue:get_pid(Q), {{Ask(P, fun rabbit_fifo:query_messages_ready/1), Ask(P, fun rabbit_fifo:query_messages_checked_out/1), Ask(P, fun(S) -> rabbit_fifo:query_consumer_count(S) end)}}; \
             (Q, _) -> [{{_, R}}, {{_, U}}, {{_, C}}] = rabbit_amqqueue:info(Q, [messages_ready, messages_unacknowledged, consumers]), {{R, U, C}} end, \
             Line = fun(Q) -> K = case amqqueue:get_type(Q) of rabbit_quorum_queue -> quorum; rabbit_stream_queue -> stream; _ -> classic end, \
             {{R, U, C}} = Count(Q, K), {{resource, _, queue, N}} = amqqueue:get_name(Q), io_lib:format(\"~s;~s;~w;~w;~w|\", [N, K, R, U, C]) end, \
             lists:flatten([Line(Q) || Q <- rabbit_amqqueue:list(<<\"{vhost}\">>)])"
        );
        let answer = self.evaluate(&list)?;
        let lines = answer.split('|').filter(|line| !line.is_empty());
        lines.map(|line| QueueCounts::parse(line).ok_or_else(|| self.odd(line.to_owned()))).collect()
    }

    fn must_be_true(&self, expressions: &str) -> Result<(), StartError> {
        match self.evaluate(expressions)? {
            answer if answer == "true" => Ok(()),
            answer => Err(self.odd(answer)),
        }
    }

    fn odd(&self, said: String) -> StartError {
        StartError::Tool { tool: PathBuf::from("erl_call"), said: format!("unexpected answer: {said}") }
    }
}
