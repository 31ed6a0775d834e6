//! What a worker does about the answer to its heartbeat: the decision, without any actor.

use attune_store::BeatReply;
use attune_types::ExecutionId;

use crate::executions::Key;

/// What a worker does because its heartbeat was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Somebody else has its name: kill everything and go.
    Leave,
    /// Whether new work is taken from now on.
    Accept(bool),
    /// Attempts that are no longer its own: kill them.
    Kill(Vec<Key>),
    /// Somebody cancelled.
    Cancel {
        /// What.
        execution: ExecutionId,
        /// Who.
        by: String,
    },
    /// An attempt is assigned to it.
    Offer(Key),
}

/// What follows from the answer to a heartbeat, in this order. Who is replaced does nothing more.
#[must_use]
pub fn commands(reply: BeatReply, is_disk_low: bool) -> Vec<Command> {
    if reply.replaced {
        return vec![Command::Leave];
    }
    let mut commands = vec![Command::Accept(!reply.drain && !is_disk_low)];
    if !reply.superseded.is_empty() {
        let keys = reply.superseded.iter().map(|(execution, attempt)| Key::new(*execution, *attempt));
        commands.push(Command::Kill(keys.collect()));
    }
    commands.extend(reply.cancels.into_iter().map(|(execution, _, by)| Command::Cancel { execution, by }));
    commands
        .extend(reply.assigned.into_iter().map(|(execution, attempt)| Command::Offer(Key::new(execution, attempt))));
    commands
}

#[cfg(test)]
mod tests {
    use attune_types::AttemptNumber;

    use super::*;

    #[test]
    fn every_part_of_an_answer_is_obeyed() {
        let pair = |number| (ExecutionId(number), AttemptNumber::FIRST);
        let key = |number| Key::new(ExecutionId(number), AttemptNumber::FIRST);
        let reply = BeatReply {
            superseded: vec![pair(1)],
            cancels: vec![(ExecutionId(2), AttemptNumber::FIRST, "ada".to_owned())],
            assigned: vec![pair(3)],
            ..BeatReply::default()
        };
        let expected = [
            Command::Accept(true),
            Command::Kill(vec![key(1)]),
            Command::Cancel { execution: ExecutionId(2), by: "ada".to_owned() },
            Command::Offer(key(3)),
        ];
        assert_eq!(commands(reply.clone(), false), expected);
        assert_eq!(commands(reply.clone(), true)[0], Command::Accept(false));
        assert_eq!(commands(BeatReply { replaced: true, ..reply }, false), [Command::Leave]);
        assert_eq!(commands(BeatReply { drain: true, ..BeatReply::default() }, false), [Command::Accept(false)]);
    }
}
