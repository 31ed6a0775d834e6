//! The functions that stand in the place of the C library's in a static program.

use std::ffi::{CStr, c_char, c_int};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ptr;

use libc::{addrinfo, passwd, size_t, sockaddr, sockaddr_in, sockaddr_in6, socklen_t, uid_t};

use crate::dns::Dns;

/// One answer, as C wants it: `info` first, because its address is the answer's.
#[repr(C)]
struct Answer {
    info: addrinfo,
    address: Address,
}

#[repr(C)]
union Address {
    v4: sockaddr_in,
    v6: sockaddr_in6,
}

/// Makes the linker take the functions below.
pub(crate) fn keep() {
    let resolve: unsafe extern "C" fn(_, _, _, _) -> _ = getaddrinfo;
    let free: unsafe extern "C" fn(_) = freeaddrinfo;
    let user: unsafe extern "C" fn(_, _, _, _, _) -> _ = getpwuid_r;
    std::hint::black_box((resolve, free, user));
}

/// `getaddrinfo(3)`, as far as programs in this workspace use it: hosts by name or address, services by number.
///
/// # Safety
/// As the C library's: strings end with a zero byte or are null, `hints` is valid or null, `result` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn getaddrinfo(
    node: *const c_char,
    service: *const c_char,
    hints: *const addrinfo,
    result: *mut *mut addrinfo,
) -> c_int {
    // SAFETY: the caller hands over strings or null.
    let text =
        |at: *const c_char| if at.is_null() { Ok(None) } else { unsafe { CStr::from_ptr(at) }.to_str().map(Some) };
    let (Ok(host), Ok(service)) = (text(node), text(service)) else { return libc::EAI_NONAME };
    let Ok(port) = service.map_or(Ok(0), str::parse::<u16>) else { return libc::EAI_SERVICE };
    // SAFETY: the caller hands over valid hints or null.
    let (flags, family, kind, protocol) = match unsafe { hints.as_ref() } {
        Some(hints) => (hints.ai_flags, hints.ai_family, hints.ai_socktype, hints.ai_protocol),
        None => (0, libc::AF_UNSPEC, 0, 0),
    };
    let found = match host {
        Some(host) => match resolve(host.to_owned(), port, flags & libc::AI_NUMERICHOST != 0) {
            Ok(found) => found,
            Err(code) => return code,
        },
        None if flags & libc::AI_PASSIVE != 0 => {
            vec![(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port).into(), (IpAddr::V6(Ipv6Addr::UNSPECIFIED), port).into()]
        }
        None => vec![(IpAddr::V4(Ipv4Addr::LOCALHOST), port).into(), (IpAddr::V6(Ipv6Addr::LOCALHOST), port).into()],
    };
    let wanted = found.into_iter().filter(|address| match family {
        libc::AF_INET => address.is_ipv4(),
        libc::AF_INET6 => address.is_ipv6(),
        _ => true,
    });
    let mut first: *mut addrinfo = ptr::null_mut();
    let mut last = &raw mut first;
    for address in wanted {
        let next = answer(address, kind, protocol);
        // SAFETY: `last` points to `first` or to the end of an answer that was just made and is freed by nobody yet.
        unsafe {
            *last = next;
            last = &raw mut (*next).ai_next;
        }
    }
    if first.is_null() {
        return libc::EAI_NONAME;
    }
    // SAFETY: the caller hands over a place for the result.
    unsafe { *result = first };
    0
}

/// `freeaddrinfo(3)`.
///
/// # Safety
/// `list` is what [`getaddrinfo`] gave, or null, and is used by nobody any more.
#[unsafe(no_mangle)]
unsafe extern "C" fn freeaddrinfo(list: *mut addrinfo) {
    let mut at = list;
    while !at.is_null() {
        // SAFETY: every element was made by `answer` as a box of which `info` is the first field.
        let owned = unsafe { Box::from_raw(at.cast::<Answer>()) };
        at = owned.info.ai_next;
    }
}

/// `getpwuid_r(3)`: nobody. The standard library asks for a home directory with it when `HOME` is not set.
///
/// # Safety
/// `result` can be written.
#[unsafe(no_mangle)]
unsafe extern "C" fn getpwuid_r(
    _user: uid_t,
    _entry: *mut passwd,
    _buffer: *mut c_char,
    _size: size_t,
    result: *mut *mut passwd,
) -> c_int {
    // SAFETY: the caller hands over a place for the result.
    unsafe { *result = ptr::null_mut() };
    0
}

/// On a thread of its own: the caller's may belong to a runtime that must not be entered twice, and a panic must not
/// pass through C.
fn resolve(host: String, port: u16, literal_only: bool) -> Result<Vec<SocketAddr>, c_int> {
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(address, port)]);
    }
    if literal_only || host.is_empty() {
        return Err(libc::EAI_NONAME);
    }
    let asked = std::thread::Builder::new().name("attune-names".to_owned()).spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|_| libc::EAI_MEMORY)?;
        runtime.block_on(Dns::from_system().resolve(&host, port)).map_err(|error| code_of(&error))
    });
    match asked.map(std::thread::JoinHandle::join) {
        Ok(Ok(answer)) => answer,
        Ok(Err(_panic)) => Err(libc::EAI_FAIL),
        Err(_no_thread) => Err(libc::EAI_MEMORY),
    }
}

/// A name that does not exist is told from a name server that does not answer: the second is worth another try.
fn code_of(error: &std::io::Error) -> c_int {
    if Dns::says_there_is_none(error) { libc::EAI_NONAME } else { libc::EAI_AGAIN }
}

fn answer(address: SocketAddr, kind: c_int, protocol: c_int) -> *mut addrinfo {
    let (family, size, stored) = match address {
        SocketAddr::V4(v4) => {
            // SAFETY: all-zero bytes are a valid address.
            let mut at: sockaddr_in = unsafe { std::mem::zeroed() };
            at.sin_family = libc::AF_INET as libc::sa_family_t;
            at.sin_port = v4.port().to_be();
            at.sin_addr.s_addr = u32::from_ne_bytes(v4.ip().octets());
            (libc::AF_INET, size_of::<sockaddr_in>(), Address { v4: at })
        }
        SocketAddr::V6(v6) => {
            // SAFETY: all-zero bytes are a valid address.
            let mut at: sockaddr_in6 = unsafe { std::mem::zeroed() };
            at.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            at.sin6_port = v6.port().to_be();
            at.sin6_addr.s6_addr = v6.ip().octets();
            at.sin6_scope_id = v6.scope_id();
            (libc::AF_INET6, size_of::<sockaddr_in6>(), Address { v6: at })
        }
    };
    // SAFETY: all-zero bytes are valid: null pointers and zeros.
    let mut info: addrinfo = unsafe { std::mem::zeroed() };
    info.ai_family = family;
    info.ai_socktype = if kind == 0 { libc::SOCK_STREAM } else { kind };
    info.ai_protocol = protocol;
    info.ai_addrlen = size as socklen_t;
    let made = Box::into_raw(Box::new(Answer { info, address: stored }));
    // SAFETY: `made` was just allocated and is this function's alone.
    unsafe {
        (*made).info.ai_addr = (&raw mut (*made).address).cast::<sockaddr>();
        made.cast::<addrinfo>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::CString;
    use std::net::ToSocketAddrs;

    #[test]
    fn the_standard_library_is_answered_by_this_resolver() {
        keep();
        let found: Vec<SocketAddr> = ("localhost", 80).to_socket_addrs().expect("needs no name server").collect();
        assert!(!found.is_empty() && found.iter().all(|address| address.ip().is_loopback()), "{found:?}");
        let found: Vec<SocketAddr> = ("::1", 443).to_socket_addrs().expect("is an address").collect();
        assert_eq!(found, ["[::1]:443".parse().expect("is an address")]);
    }

    #[test]
    fn lists_are_made_and_freed_and_what_cannot_be_is_said() {
        let host = CString::new("127.0.0.1").expect("has no zero byte");
        let service = CString::new("5432").expect("has no zero byte");
        let mut list = ptr::null_mut();
        // SAFETY: strings and places outlive the calls; the list is freed once and not read after.
        unsafe {
            assert_eq!(getaddrinfo(host.as_ptr(), service.as_ptr(), ptr::null(), &raw mut list), 0);
            assert_eq!((*list).ai_family, libc::AF_INET);
            let address = (*list).ai_addr.cast::<sockaddr_in>();
            assert_eq!((*address).sin_port, 5432_u16.to_be());
            freeaddrinfo(list);
            let named = CString::new("postgresql").expect("has no zero byte");
            assert_eq!(getaddrinfo(host.as_ptr(), named.as_ptr(), ptr::null(), &raw mut list), libc::EAI_SERVICE);
        }
    }
}
