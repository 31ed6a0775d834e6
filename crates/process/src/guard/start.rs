//! From a request to a running action.

use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};

use super::guarded::Guarded;
use crate::clock;
use crate::limits::{LimitRefused, PreparedLimits};
use crate::sandbox::{KillWay, PreparedSandbox, Preparer, SandboxReached, SandboxRefused};
use crate::step::Step;
use crate::system::{self, Birth, Failed, Pointers, Stack};
use crate::wire::{Refusal, RunSpec, StartedMessage};

/// The most bytes of a request: more than any kernel takes as arguments and environment.
const LONGEST_REQUEST: u64 = 256 << 20;

/// How often a start is tried while the program is open for writing somewhere.
///
/// A program that a worker has just written may be "busy" although it was closed: another thread's child, between its
/// birth and its exec, holds a copy of the descriptor for a fraction of a millisecond. A start that fails takes about as
/// long, so trying a few times is all the waiting that is needed.
const TRIES_WHILE_BUSY: u32 = 16;

/// Reads a request that was too long to be sent.
pub(super) fn read_request(file: &OwnedFd) -> std::io::Result<Vec<u8>> {
    use std::io::Seek;
    let mut file = File::from(file.try_clone()?);
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(LONGEST_REQUEST).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Starts an action. On return nobody but it holds its streams.
pub(super) fn start(
    run: u64,
    spec: &RunSpec<'_>,
    streams: [OwnedFd; 3],
    stack: &Stack,
    preparer: &mut Preparer,
    is_scoped: bool,
) -> Result<(Guarded, StartedMessage), Refusal> {
    let begun = clock::boot();
    let sandbox = preparer.prepare(&spec.sandbox).map_err(|SandboxRefused { reached, why }| Refusal::Sandbox {
        needed: spec.sandbox.require,
        reached,
        why,
    })?;
    let limits =
        PreparedLimits::of(&spec.limits).map_err(|LimitRefused { limit, why }| Refusal::Limit { limit, why })?;
    let (calls, helper) = if spec.has_helper_socket {
        let (ours, theirs) = system::socket_pair().map_err(|error| Refusal::Failed {
            step: Step::Helper,
            errno: error.raw_os_error().unwrap_or(libc::EIO),
        })?;
        (Some(ours), Some(theirs))
    } else {
        (None, None)
    };
    let arguments = Pointers::to(spec.arguments.iter());
    let environment = Pointers::to(spec.environment.iter());
    let birth = Birth {
        program: spec.program,
        arguments: &arguments,
        environment: &environment,
        directory: spec.directory,
        streams: streams.each_ref().map(AsFd::as_fd),
        helper: helper.as_ref().map(AsFd::as_fd),
        limits: &limits,
        sandbox: &sandbox,
    };
    let mut tries = 1;
    let born = loop {
        match system::give_birth(&birth, stack) {
            Err(Failed { step: Step::Execute, errno: libc::ETXTBSY }) if tries < TRIES_WHILE_BUSY => tries += 1,
            result => break result,
        }
        std::thread::yield_now();
    };
    let root = match born {
        Ok(root) => root,
        Err(Failed { step, errno }) => {
            // Removes the groups that were made for it.
            limits.finish();
            return Err(Refusal::Failed { step, errno });
        }
    };
    let kill_way = match (is_scoped, limits.can_kill()) {
        (true, _) => KillWay::Scope,
        (false, true) => KillWay::Cgroup,
        (false, false) => KillWay::Scan,
    };
    let PreparedSandbox { level, missing, .. } = sandbox;
    let started = StartedMessage {
        run,
        pid: root,
        sandbox: SandboxReached { level, kill_way, missing },
        limits: limits.report.clone(),
    };
    Ok((Guarded::new(run, root, kill_way, limits, calls, begun), started))
}
