//! Becoming another program.

use std::ffi::{CString, OsString, c_char};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

/// Becomes `program`, with this command line (its first word included) and exactly these variables. Returns only when that
/// is not possible.
///
/// To be called when everything else has ended: other threads are gone without a trace, and only what was opened to be
/// inherited is still open afterwards.
pub(crate) fn execute(program: &Path, arguments: &[OsString], variables: &[(OsString, OsString)]) -> io::Error {
    let text = |bytes: Vec<u8>| CString::new(bytes).map_err(io::Error::from);
    let texts = || -> io::Result<(CString, Vec<CString>, Vec<CString>)> {
        let program = text(program.as_os_str().as_bytes().to_vec())?;
        let arguments =
            arguments.iter().map(|argument| text(argument.as_bytes().to_vec())).collect::<Result<_, _>>()?;
        let variable = |(name, value): &(OsString, OsString)| text([name.as_bytes(), b"=", value.as_bytes()].concat());
        Ok((program, arguments, variables.iter().map(variable).collect::<Result<_, _>>()?))
    };
    let (program, arguments, variables) = match texts() {
        Ok(texts) => texts,
        Err(error) => return error,
    };
    let pointers = |texts: &[CString]| -> Vec<*const c_char> {
        texts.iter().map(|text| text.as_ptr()).chain([ptr::null()]).collect()
    };
    let (arguments, variables) = (pointers(&arguments), pointers(&variables));
    // SAFETY: all texts end with a zero and outlive the call, and both lists end with a null pointer.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), variables.as_ptr()) };
    io::Error::last_os_error()
}
