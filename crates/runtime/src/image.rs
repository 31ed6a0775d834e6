//! What a program was made for, read from its file. Nothing is run: `ldd` would start the program's own loader, and in an
//! image with one foreign program there need not be any tool that could be asked.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use attune_types::{DetectedInterpreter, Libc};

/// What a program was made for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Image {
    /// The C library; `None` when the file does not say, or names a loader that nobody knows.
    pub(crate) libc: Option<Libc>,
    /// The processor; empty when the file does not say.
    pub(crate) architecture: String,
}

/// How many `#!` lines may lead to each other. The kernel follows four.
const MOST_SCRIPTS: usize = 4;
/// More program headers than any linker makes.
const MOST_HEADERS: u64 = 256;
/// The longest `#!` line that kernels read, and the longest path of a loader.
const MOST_TEXT: u64 = 4096;
const PT_INTERP: u32 = 3;

impl Image {
    /// Reads the file of a program. Of a script it is what its `#!` line starts, looked for in `search` after `env`.
    /// A file that cannot be read or says nothing gives an image that says nothing.
    pub(crate) fn of(program: &Path, search: &OsStr) -> Self {
        let mut path = program.to_path_buf();
        for _ in 0..=MOST_SCRIPTS {
            // To open a pipe can take for ever.
            if !path.is_file() {
                break;
            }
            let Ok(mut file) = File::open(&path) else { break };
            let mut start = Vec::new();
            if (&mut file).take(MOST_TEXT).read_to_end(&mut start).is_err() {
                break;
            }
            if start.starts_with(b"\x7fELF") {
                return read_elf(&start, &mut file).unwrap_or_default();
            }
            match started_by(&start, search) {
                Some(next) => path = next,
                None => break,
            }
        }
        Self::default()
    }
}

/// The same interpreter with what its file says about it: C library and processor. Runs nothing; `search` is where a
/// script's `#!/usr/bin/env` looks.
#[must_use]
pub fn with_image(interpreter: DetectedInterpreter, search: &OsStr) -> DetectedInterpreter {
    let file = if interpreter.real_path.is_empty() { &interpreter.path } else { &interpreter.real_path };
    let Image { libc, architecture } = Image::of(Path::new(file), search);
    DetectedInterpreter { libc, architecture, ..interpreter }
}

/// The program that a `#!` line starts.
fn started_by(start: &[u8], search: &OsStr) -> Option<PathBuf> {
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split_whitespace();
    let first = PathBuf::from(words.next()?);
    if first.file_name().is_none_or(|name| name != "env") {
        return first.is_absolute().then_some(first);
    }
    let named = words.find(|word| !word.starts_with('-') && !word.contains('='))?;
    std::env::split_paths(search)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(named))
        .find(|path| path.is_file())
}

/// Numbers of a file as its own header says they are written.
struct Numbers<'a> {
    bytes: &'a [u8],
    is_little: bool,
}

impl Numbers<'_> {
    fn number(&self, at: usize, width: usize) -> Option<u64> {
        let bytes = self.bytes.get(at..at.checked_add(width)?)?;
        let join = |number: u64, byte: &u8| (number << 8) | u64::from(*byte);
        Some(if self.is_little { bytes.iter().rev().fold(0, join) } else { bytes.iter().fold(0, join) })
    }
}

/// Reads the headers of an ELF file that begins with `start`. `None` when it is cut short.
fn read_elf(start: &[u8], file: &mut File) -> Option<Image> {
    let is_wide = *start.get(4)? == 2;
    let is_little = *start.get(5)? == 1;
    let header = Numbers { bytes: start, is_little };
    let architecture = architecture_of(header.number(18, 2)?, is_wide, is_little);
    let (table, size, count) = if is_wide {
        (header.number(32, 8)?, header.number(54, 2)?, header.number(56, 2)?)
    } else {
        (header.number(28, 4)?, header.number(42, 2)?, header.number(44, 2)?)
    };
    let least = if is_wide { 56 } else { 32 };
    if size < least || size > 1024 || count == 0 {
        return Some(Image { libc: None, architecture });
    }
    let headers = bytes_at(file, table, size * count.min(MOST_HEADERS))?;
    for entry in headers.chunks_exact(usize::try_from(size).ok()?) {
        let entry = Numbers { bytes: entry, is_little };
        if entry.number(0, 4)? != u64::from(PT_INTERP) {
            continue;
        }
        let (offset, length) = if is_wide {
            (entry.number(8, 8)?, entry.number(32, 8)?)
        } else {
            (entry.number(4, 4)?, entry.number(16, 4)?)
        };
        let loader = bytes_at(file, offset, length.min(MOST_TEXT))?;
        return Some(Image { libc: libc_of(&loader), architecture });
    }
    Some(Image { libc: Some(Libc::None), architecture })
}

fn bytes_at(file: &mut File, at: u64, length: u64) -> Option<Vec<u8>> {
    file.seek(SeekFrom::Start(at)).ok()?;
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// The C library that a loader belongs to, by the loader's file name: `/lib/ld-musl-x86_64.so.1`,
/// `/lib64/ld-linux-x86-64.so.2`, `/lib64/ld64.so.2`, and the same below `/nix/store`.
fn libc_of(loader: &[u8]) -> Option<Libc> {
    let path = loader.split(|byte| *byte == 0).next()?;
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    let is = |start: &str| name.starts_with(start.as_bytes());
    if is("ld-musl-") {
        Some(Libc::Musl)
    } else if is("ld-linux") || is("ld64.so") || is("ld.so") || is("ld-2.") {
        Some(Libc::Glibc)
    } else {
        None
    }
}

/// The name that Linux has for a machine.
fn architecture_of(machine: u64, is_wide: bool, is_little: bool) -> String {
    let name = match (machine, is_wide, is_little) {
        (3, ..) => "x86",
        (8, true, true) => "mips64el",
        (8, ..) => "mips",
        (20, ..) => "ppc",
        (21, _, true) => "ppc64le",
        (21, ..) => "ppc64",
        (22, ..) => "s390x",
        (40, ..) => "arm",
        (62, true, _) => "x86_64",
        (62, false, _) => "x32",
        (183, ..) => "aarch64",
        (243, true, _) => "riscv64",
        (243, ..) => "riscv32",
        (258, ..) => "loongarch64",
        (other, ..) => return format!("machine-{other}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;

    use super::*;

    /// A file with the headers of a program of 64 bits that is loaded by `loader`.
    fn made(machine: u16, loader: Option<&str>) -> Vec<u8> {
        let mut bytes = vec![0_u8; 64 + 56];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
        bytes[54..56].copy_from_slice(&56_u16.to_le_bytes());
        bytes[56..58].copy_from_slice(&1_u16.to_le_bytes());
        bytes[64..68].copy_from_slice(&u32::from(loader.is_some()).wrapping_mul(PT_INTERP).to_le_bytes());
        let text = loader.unwrap_or_default();
        bytes[72..80].copy_from_slice(&120_u64.to_le_bytes());
        bytes[96..104].copy_from_slice(&(text.len() as u64 + 1).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        bytes
    }

    fn image(bytes: &[u8]) -> (Option<Libc>, String) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("program");
        fs::write(&path, bytes).expect("written");
        let image = Image::of(&path, OsStr::new("/usr/bin:/bin"));
        (image.libc, image.architecture)
    }

    #[test]
    fn a_program_says_what_it_was_linked_for() {
        for (loader, libc) in [
            (Some("/lib/ld-musl-x86_64.so.1"), Some(Libc::Musl)),
            (Some("/lib64/ld-linux-x86-64.so.2"), Some(Libc::Glibc)),
            (Some("/nix/store/abc-glibc-2.39/lib/ld-linux-x86-64.so.2"), Some(Libc::Glibc)),
            (Some("/lib64/ld64.so.2"), Some(Libc::Glibc)),
            (Some("/system/bin/linker64"), None),
            (None, Some(Libc::None)),
        ] {
            assert_eq!(image(&made(62, loader)), (libc, "x86_64".to_owned()), "{loader:?}");
        }
        assert_eq!(image(&made(183, None)).1, "aarch64");
        assert_eq!(image(&made(4711, None)).1, "machine-4711");
    }

    #[test]
    fn files_that_are_cut_or_broken_say_nothing_and_break_nothing() {
        let whole = made(62, Some("/lib/ld-musl-x86_64.so.1"));
        for length in 0..whole.len() {
            let (libc, _) = image(&whole[..length]);
            assert!(matches!(libc, None | Some(Libc::None | Libc::Musl)), "{length}");
        }
        for at in 4..120 {
            let mut broken = whole.clone();
            broken[at] = 0xff;
            let _whatever = image(&broken);
        }
        assert_eq!(image(b"#!\n"), (None, String::new()));
        assert_eq!(image(b"#!relative\n"), (None, String::new()));
        assert_eq!(Image::of(Path::new("/does/not/exist"), OsStr::new("")), Image::default());
    }

    #[test]
    fn a_script_is_what_starts_it_and_scripts_in_a_circle_are_nothing() {
        let (direct, through_env) = (image(b"#!/bin/sh -e\n"), image(b"#! /usr/bin/env -S sh -e\n"));
        assert!(direct.0.is_some() && !direct.1.is_empty());
        assert_eq!(direct, through_env);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("self");
        fs::write(&path, format!("#!{}\n", path.display())).expect("written");
        assert_eq!(Image::of(&path, OsStr::new("")), Image::default());
    }

    #[test]
    fn static_programs_of_this_machine_are_for_no_library() {
        // Debian links the first so that it works when the library does not, Alpine the second.
        for path in ["/sbin/ldconfig", "/bin/busybox.static", "/usr/bin/busybox-static"].map(Path::new) {
            let is_script = fs::read(path).map_or(true, |bytes| !bytes.starts_with(b"\x7fELF"));
            if !is_script {
                assert_eq!(Image::of(path, OsStr::new("")).libc, Some(Libc::None), "{}", path.display());
            }
        }
    }

    #[test]
    fn this_very_program_is_for_this_very_machine() {
        let image = Image::of(&std::env::current_exe().expect("known"), OsStr::new(""));
        assert_eq!(image.architecture, std::env::consts::ARCH);
        let expected = if cfg!(target_env = "musl") { Libc::None } else { Libc::Glibc };
        assert_eq!(image.libc, Some(expected));
    }
}
