//! Sends one request and waits for its answer.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use crate::helper::protocol::{self, Call, MAX_ANSWER, MAX_INLINE, VARIABLE};
use crate::helper::system;

/// How often, and after which pause, a request is sent again that the kernel refuses because too many descriptors are on
/// their way: the worker takes them soon.
const TRIES: (u32, Duration) = (500, Duration::from_millis(10));

/// Why nothing came of a call.
#[derive(Debug)]
pub(super) enum Failure {
    /// What was given to the call cannot be used.
    Input(String),
    /// The worker refused, for this reason.
    Refused(String),
    /// There is no worker to ask.
    Unavailable(String),
}

/// Sends a call and waits for its answer, however long that takes: the execution's own timeout bounds it.
pub(super) fn call(call: &Call, body: &[u8], file: Option<File>) -> Result<Vec<u8>, Failure> {
    let socket = socket()?;
    let failed = |error: io::Error| Failure::Unavailable(format!("the worker cannot be asked: {error}"));
    let (answers, reply) = system::pair().map_err(failed)?;
    let value = if body.len() > MAX_INLINE { Some(system::sealed(body).map_err(failed)?) } else { None };
    let request = protocol::write_request(call, if value.is_some() { b"" } else { body });
    let mut descriptors = vec![reply.as_fd()];
    descriptors.extend(value.as_ref().map(AsFd::as_fd));
    descriptors.extend(file.as_ref().map(AsFd::as_fd));
    let mut tries = 1;
    while let Err(error) = system::send(socket, &request, &descriptors, true) {
        match error.raw_os_error() {
            Some(libc::ETOOMANYREFS) if tries < TRIES.0 => tries += 1,
            Some(libc::EPIPE | libc::ECONNRESET | libc::ENOTCONN) => return Err(over()),
            Some(libc::EMSGSIZE) => return Err(Failure::Input("what is sent is too large".to_owned())),
            _ => return Err(failed(error)),
        }
        std::thread::park_timeout(TRIES.1);
    }
    // As long as this end were open here, the end of the worker would not be seen.
    drop(reply);
    let mut buffer = vec![0; MAX_ANSWER];
    let received = match system::receive(answers.as_fd(), &mut buffer, true) {
        Ok(received) if received.length > 0 => received,
        Ok(_) => return Err(over()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Err(over()),
        Err(error) => return Err(failed(error)),
    };
    match protocol::read_answer(buffer.get(..received.length).unwrap_or_default()) {
        Some(Ok(body)) => Ok(body.to_vec()),
        Some(Err(why)) => Err(Failure::Refused(why)),
        None => Err(Failure::Unavailable("the worker gave an answer that is none".to_owned())),
    }
}

fn over() -> Failure {
    Failure::Unavailable("no answer: the execution has ended, or its worker has".to_owned())
}

fn socket() -> Result<std::os::fd::BorrowedFd<'static>, Failure> {
    const HINT: &str = "run this from an action";
    let Ok(text) = std::env::var(VARIABLE) else {
        return Err(Failure::Unavailable(format!("not inside an execution: {VARIABLE} is not set; {HINT}")));
    };
    let number: i32 = text.parse().map_err(|_| {
        Failure::Unavailable(format!("not inside an execution: {VARIABLE} is no number: {text:?}; {HINT}"))
    })?;
    system::inherited_socket(number).ok_or_else(|| {
        Failure::Unavailable(format!(
            "not inside an execution: descriptor {number} is closed or something else; {HINT}, and let what the action \
             starts inherit the descriptor"
        ))
    })
}
