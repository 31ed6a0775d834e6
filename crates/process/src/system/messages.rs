//! Messages with descriptors, over sockets that keep messages apart.

use std::io;
use std::mem::{self, MaybeUninit};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// The most descriptors that travel with one message.
pub(crate) const MOST_DESCRIPTORS: usize = 4;

/// Room for the descriptors of one message, aligned as the kernel wants it.
#[repr(C, align(8))]
struct Control([u8; 64]);

/// What came in one message besides its bytes.
#[derive(Debug)]
pub(crate) struct Received {
    /// How many bytes; 0: the other end is gone.
    pub(crate) length: usize,
    /// The descriptors, closed on exec.
    pub(crate) descriptors: Vec<OwnedFd>,
    /// Whether the message was longer than the room given, or carried more than there was room for.
    pub(crate) is_cut: bool,
}

/// Sends one message, without ever waiting.
pub(crate) fn send(socket: BorrowedFd<'_>, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut control = Control([0; 64]);
    // SAFETY: zeroed memory is a valid msghdr: null pointers with length 0.
    let mut message = unsafe { MaybeUninit::<libc::msghdr>::zeroed().assume_init() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    let numbers: Vec<RawFd> = descriptors.iter().take(MOST_DESCRIPTORS).map(AsRawFd::as_raw_fd).collect();
    if !numbers.is_empty() {
        let length = mem::size_of_val(numbers.as_slice());
        let length = u32::try_from(length).unwrap_or(0);
        message.msg_control = (&raw mut control).cast();
        // SAFETY: the control buffer has room for MOST_DESCRIPTORS numbers and their header (see the test), so the
        // first header lies within it and its data has room for `length` bytes.
        unsafe {
            message.msg_controllen = libc::CMSG_SPACE(length) as _;
            let header = libc::CMSG_FIRSTHDR(&raw const message);
            (*header).cmsg_level = libc::SOL_SOCKET;
            (*header).cmsg_type = libc::SCM_RIGHTS;
            (*header).cmsg_len = libc::CMSG_LEN(length) as _;
            ptr::copy_nonoverlapping(numbers.as_ptr().cast::<u8>(), libc::CMSG_DATA(header), length as usize);
        }
    }
    loop {
        // SAFETY: the message and all it points to live until the call returns, which writes nothing.
        let sent =
            unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT) };
        if sent >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Receives one message into `buffer`. Waits for one as long as the socket blocks.
pub(crate) fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<Received> {
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut control = Control([0; 64]);
    // SAFETY: zeroed memory is a valid msghdr: null pointers with length 0.
    let mut message = unsafe { MaybeUninit::<libc::msghdr>::zeroed().assume_init() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = mem::size_of::<Control>() as _;
    let length = loop {
        // SAFETY: the message and all it points to live until the call returns, and the lengths are those of the
        // buffers.
        let received = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_CMSG_CLOEXEC) };
        if let Ok(length) = usize::try_from(received) {
            break length;
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    };
    let mut descriptors = Vec::new();
    // SAFETY: the kernel has filled the control buffer and said how far; the macros stay within that. The data of a
    // SCM_RIGHTS header is whole descriptors that now belong to this process and to nobody else in it.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while !header.is_null() {
            if (*header).cmsg_level == libc::SOL_SOCKET && (*header).cmsg_type == libc::SCM_RIGHTS {
                let bytes = (*header).cmsg_len as usize - libc::CMSG_LEN(0) as usize;
                let data = libc::CMSG_DATA(header).cast::<RawFd>();
                for index in 0..bytes / mem::size_of::<RawFd>() {
                    descriptors.push(OwnedFd::from_raw_fd(ptr::read_unaligned(data.add(index))));
                }
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    let is_cut = message.msg_flags & (libc::MSG_TRUNC | libc::MSG_CTRUNC) != 0;
    Ok(Received { length, descriptors, is_cut })
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;
    use crate::system;

    #[test]
    fn there_is_room_for_the_most_descriptors() {
        // SAFETY: only computes a size.
        let needed = unsafe { libc::CMSG_SPACE((MOST_DESCRIPTORS * mem::size_of::<RawFd>()) as u32) };
        assert!(needed as usize <= mem::size_of::<Control>());
    }

    #[test]
    fn bytes_and_descriptors_arrive_together() {
        let (here, there) = system::socket_pair().expect("a pair");
        let (reading, writing) = system::pipe().expect("a pipe");
        send(here.as_fd(), b"hello", &[reading.as_fd(), writing.as_fd()]).expect("sent");
        send(here.as_fd(), b"longer than the room", &[]).expect("sent");
        let mut buffer = [0_u8; 8];
        let first = receive(there.as_fd(), &mut buffer).expect("received");
        assert_eq!((&buffer[..first.length], first.descriptors.len(), first.is_cut), (&b"hello"[..], 2, false));
        let second = receive(there.as_fd(), &mut buffer).expect("received");
        assert!(second.is_cut && second.descriptors.is_empty());
        drop(here);
        assert_eq!(receive(there.as_fd(), &mut buffer).expect("the end").length, 0);
        assert!(send(there.as_fd(), b"x", &[]).is_err());
    }
}
