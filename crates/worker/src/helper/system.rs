//! Every call into the C library that the helper needs, and every `unsafe` block of it.
//!
//! Descriptors arrive from whoever runs in the execution, so nothing here assumes what kind they are of.

use std::fs::File;
use std::io::{self, Write};
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The most descriptors that the kernel lets travel with one datagram. There is room for all of them: what finds no
/// room is closed by the kernel in the middle of receiving, and closing somebody else's descriptor may block.
const MOST_DESCRIPTORS: usize = 253;
const SEALS: libc::c_int = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;

/// What came in.
#[derive(Debug)]
pub(crate) struct Received {
    /// How much of the buffer holds the datagram.
    pub(crate) length: usize,
    /// The datagram, or the descriptors with it, did not fit.
    pub(crate) is_truncated: bool,
    /// What travelled along.
    pub(crate) descriptors: Vec<OwnedFd>,
    /// Nobody can send any more.
    pub(crate) is_over: bool,
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Two ends of a new socket that keeps datagrams apart and in order; both close on exec.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends: [libc::c_int; 2] = [-1; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: `ends` has room for the two descriptors that socketpair writes.
    check(unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, ends.as_mut_ptr()) })?;
    // SAFETY: socketpair succeeded, so both are open descriptors that nobody else owns.
    Ok(unsafe { (OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])) })
}

/// Lets the runtime watch a socket for something to receive.
pub(crate) fn watch(socket: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: the descriptor is owned by the value that is moved into the AsyncFd, which drops it after the registration.
    unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }.map_err(io::Error::from)
}

/// Sends one datagram with these descriptors. `is_waiting`: waits while the socket is full.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    descriptors: &[BorrowedFd<'_>],
    is_waiting: bool,
) -> io::Result<()> {
    let mut control = [0_u64; 16];
    let mut data = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: zeroed memory is a valid msghdr: null pointers with no lengths.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut data;
    message.msg_iovlen = 1;
    let payload = descriptors.len() * mem::size_of::<RawFd>();
    if !descriptors.is_empty() {
        // SAFETY: CMSG_SPACE and CMSG_LEN only compute.
        let (space, length) = unsafe { (libc::CMSG_SPACE(payload as u32), libc::CMSG_LEN(payload as u32)) };
        if space as usize > mem::size_of_val(&control) {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        message.msg_control = control.as_mut_ptr().cast();
        message.msg_controllen = space as _;
        // SAFETY: msg_control points to `control`, which is aligned for a cmsghdr and has room for `space` bytes; the
        // header and the descriptors are written inside it.
        unsafe {
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = length as _;
            for (index, descriptor) in descriptors.iter().enumerate() {
                ptr::write_unaligned(libc::CMSG_DATA(header).cast::<RawFd>().add(index), descriptor.as_raw_fd());
            }
        }
    }
    let flags = libc::MSG_NOSIGNAL | if is_waiting { 0 } else { libc::MSG_DONTWAIT };
    loop {
        // SAFETY: `message` points to `data` and `control`, which live until the call returns.
        let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags) };
        if sent >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Takes one datagram. `is_waiting`: waits while there is none.
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8], is_waiting: bool) -> io::Result<Received> {
    let mut control = [0_u64; MOST_DESCRIPTORS / 2 + 8];
    let mut data = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: zeroed memory is a valid msghdr: null pointers with no lengths.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = &raw mut data;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = mem::size_of_val(&control) as _;
    let flags = libc::MSG_CMSG_CLOEXEC | if is_waiting { 0 } else { libc::MSG_DONTWAIT };
    let length = loop {
        // SAFETY: `message` points to `data` (the caller's buffer) and `control`, which live until the call returns.
        let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) };
        if let Ok(length) = usize::try_from(length) {
            break length;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    };
    let descriptors = descriptors_of(&message);
    let is_truncated = message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0;
    // An empty datagram looks like the end; the end is when the other side hung up, too.
    let is_over = length == 0 && descriptors.is_empty() && is_hung_up(socket);
    Ok(Received { length, is_truncated, descriptors, is_over })
}

/// Owns every descriptor that came with a message.
fn descriptors_of(message: &libc::msghdr) -> Vec<OwnedFd> {
    let mut descriptors = Vec::new();
    // SAFETY: the kernel wrote `msg_controllen` bytes of well-formed control messages; the macros stay inside them.
    // Every descriptor in an SCM_RIGHTS message was opened by the kernel for us and is owned by nobody else.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let bytes = ((*header).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
                for index in 0..bytes / mem::size_of::<RawFd>() {
                    let descriptor = ptr::read_unaligned(libc::CMSG_DATA(header).cast::<RawFd>().add(index));
                    descriptors.push(OwnedFd::from_raw_fd(descriptor));
                }
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    descriptors
}

fn is_hung_up(socket: BorrowedFd<'_>) -> bool {
    let mut entry = libc::pollfd { fd: socket.as_raw_fd(), events: libc::POLLRDHUP, revents: 0 };
    // SAFETY: the pointer and the count describe `entry`, which lives until the call returns; it does not wait.
    let result = unsafe { libc::poll(&raw mut entry, 1, 0) };
    result > 0 && entry.revents & (libc::POLLRDHUP | libc::POLLHUP | libc::POLLERR) != 0
}

fn socket_option(descriptor: RawFd, option: libc::c_int) -> Option<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut length = mem::size_of_val(&value) as libc::socklen_t;
    // SAFETY: the pointers are to an int and to its size; any descriptor number may be asked about.
    let result =
        unsafe { libc::getsockopt(descriptor, libc::SOL_SOCKET, option, (&raw mut value).cast(), &raw mut length) };
    (result == 0).then_some(value)
}

/// Whether a descriptor number is a local socket that keeps datagrams apart.
fn is_seqpacket(descriptor: RawFd) -> bool {
    socket_option(descriptor, libc::SO_DOMAIN) == Some(libc::AF_UNIX)
        && socket_option(descriptor, libc::SO_TYPE) == Some(libc::SOCK_SEQPACKET)
}

/// Whether a descriptor is one end of a socket pair. A socket that is connected to a service is not: what the worker
/// wrote there would count as said by the worker.
pub(crate) fn is_pair_end(descriptor: BorrowedFd<'_>) -> bool {
    type Ask = unsafe extern "C" fn(libc::c_int, *mut libc::sockaddr, *mut libc::socklen_t) -> libc::c_int;
    let is_unnamed = |ask: Ask| {
        let mut address = MaybeUninit::<libc::sockaddr_un>::zeroed();
        let mut length = mem::size_of::<libc::sockaddr_un>() as libc::socklen_t;
        // SAFETY: the pointers are to an address with room for `length` bytes and to that length.
        let result = unsafe { ask(descriptor.as_raw_fd(), address.as_mut_ptr().cast(), &raw mut length) };
        result == 0 && length as usize <= mem::size_of::<libc::sa_family_t>()
    };
    is_seqpacket(descriptor.as_raw_fd()) && is_unnamed(libc::getsockname) && is_unnamed(libc::getpeername)
}

/// The descriptor of this number, when it is such a socket. It is inherited, and stays open as long as the process.
pub(crate) fn inherited_socket(number: RawFd) -> Option<BorrowedFd<'static>> {
    // SAFETY: the number is that of an open socket, and nothing in this program closes it.
    (number > 2 && is_seqpacket(number)).then(|| unsafe { BorrowedFd::borrow_raw(number) })
}

/// A file in memory with this content, which nobody can change any more.
pub(crate) fn sealed(content: &[u8]) -> io::Result<OwnedFd> {
    let flags = libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING;
    // SAFETY: the name is a valid C string that outlives the call.
    let descriptor = check(unsafe { libc::memfd_create(c"attune-value".as_ptr(), flags) })?;
    // SAFETY: the call succeeded, so this is an open descriptor that nobody else owns.
    let mut file = File::from(unsafe { OwnedFd::from_raw_fd(descriptor) });
    file.write_all(content)?;
    // SAFETY: F_ADD_SEALS takes an int and touches no memory of ours.
    check(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_ADD_SEALS, SEALS) })?;
    Ok(file.into())
}

/// Whether a descriptor is such a file: reading it never waits, and its size stands.
pub(crate) fn is_sealed(descriptor: BorrowedFd<'_>) -> bool {
    // SAFETY: F_GET_SEALS takes no argument and touches no memory of ours; other files answer with an error.
    let seals = unsafe { libc::fcntl(descriptor.as_raw_fd(), libc::F_GET_SEALS) };
    seals >= 0 && seals & SEALS == SEALS
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn datagrams_travel_with_descriptors_and_the_end_is_told_from_an_empty_one() {
        let (here, there) = pair().expect("a pair");
        let value = sealed(b"content").expect("a file");
        send(here.as_fd(), b"hello", &[value.as_fd(), there.as_fd()], true).expect("sent");
        send(here.as_fd(), b"", &[], true).expect("sent");
        send(here.as_fd(), b"too long", &[], true).expect("sent");
        let mut buffer = [0; 6];
        let first = receive(there.as_fd(), &mut buffer, false).expect("there");
        assert_eq!((&buffer[..first.length], first.descriptors.len(), first.is_over), (&b"hello"[..], 2, false));
        assert!(is_sealed(first.descriptors[0].as_fd()) && is_pair_end(first.descriptors[1].as_fd()));
        assert!(!receive(there.as_fd(), &mut buffer, false).expect("there").is_over);
        assert!(receive(there.as_fd(), &mut buffer, false).expect("there").is_truncated);
        let none = receive(there.as_fd(), &mut buffer, false).expect_err("nothing there");
        assert_eq!(none.kind(), io::ErrorKind::WouldBlock);
        drop(here);
        assert!(receive(there.as_fd(), &mut buffer, false).expect("over").is_over);
    }

    #[test]
    fn only_what_is_sealed_or_a_pair_is_called_so() {
        let directory = tempfile::tempdir().expect("directory");
        let file = tempfile::tempfile().expect("a file");
        let (stream, _other) = UnixStream::pair().expect("a pair");
        let opened = File::open(directory.path()).expect("opens");
        for descriptor in [file.as_fd(), stream.as_fd(), opened.as_fd()] {
            assert!(!is_sealed(descriptor) && !is_pair_end(descriptor));
        }
        assert!(!is_pair_end(sealed(b"").expect("a file").as_fd()));
        assert!(inherited_socket(stream.as_raw_fd()).is_none() && inherited_socket(9999).is_none());
    }
}
