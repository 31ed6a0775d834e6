//! The known faults that the proofs must notice, and their switch.
//!
//! The switch exists only with `--cfg attune_mutants` (`scripts/with-mutants`): in an ordinary build nothing here, and
//! nothing in the product, can be made to go wrong.

/// A known fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mutant {
    /// Its name.
    pub name: &'static str,
    /// What goes wrong.
    pub breaks: &'static str,
}

const fn mutant(name: &'static str, breaks: &'static str) -> Mutant {
    Mutant { name, breaks }
}

/// All of them.
pub const ALL: [Mutant; 20] = [
    mutant("ack_before_claim", "a worker settles a message before its claim is answered"),
    mutant("ack_never", "a worker never settles the message of a granted claim"),
    mutant("no_fence_in_complete", "an end counts although the attempt has ended otherwise"),
    mutant("fence_without_token", "an end counts without the token of the attempt"),
    mutant("publish_after_commit_no_outbox", "an order is published once, after the commit, and then forgotten"),
    mutant("ignore_returned", "a message that came back counts as delivered"),
    mutant("publish_no_timeout", "who publishes waits for a confirm for ever"),
    mutant("reap_without_gap_rule", "leases end although nobody could have renewed them"),
    mutant("reap_by_worker_clock", "a lease ends by the clock of the worker's machine"),
    mutant("no_start_barrier", "what is prepared starts before the store has allowed it"),
    mutant("retry_lost_by_default", "what was lost is repeated although nobody said that it may run twice"),
    mutant("self_fence_off", "a worker that cannot renew its leases lets everything run on"),
    mutant("deaf_on_channel_close", "a closed channel is not taken for the loss of the connection"),
    mutant("killpg_only", "only the process group is killed, not what has left it"),
    mutant("stdin_before_readers", "output is read only when the parameters are written"),
    mutant("wait_for_eof", "an attempt ends only when nobody holds its output open"),
    mutant("splitter_unbounded", "a line without an end is kept in memory whole"),
    mutant("redactor_no_carry", "a secret that two pieces of output share is not seen"),
    mutant("terminal_overwrite", "the schema lets what has ended be written again"),
    mutant("slot_leak_on_handback", "an attempt that was given back keeps its slot"),
];

/// Whether this build has a switch.
#[must_use]
pub const fn can_choose() -> bool {
    cfg!(attune_mutants)
}

/// Gives this process a known fault, or none; nothing in an ordinary build.
pub fn choose(_name: Option<&str>) {
    #[cfg(attune_mutants)]
    {
        attune_types::mutant::choose(_name);
        attune_process::protocol::choose_mutant(_name);
    }
}

/// Whether this process has a known fault; never in an ordinary build.
#[must_use]
pub fn is(_name: &str) -> bool {
    #[cfg(attune_mutants)]
    if attune_types::mutant::is(_name) {
        return true;
    }
    false
}
