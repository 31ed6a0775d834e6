//! A disk that a test can fill.

use std::ffi::CString;
use std::path::Path;

/// A file system in memory, mounted for one test. Needs what mounting needs.
pub(crate) struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    pub(crate) fn mount(bytes: u64) -> Self {
        let folder = tempfile::Builder::new().prefix("attune-disk-").tempdir().expect("a temporary folder");
        let text = |text: String| CString::new(text).expect("no zero in it");
        let (kind, place) = (text("tmpfs".into()), text(folder.path().display().to_string()));
        let options = text(format!("size={bytes}"));
        // SAFETY: four strings that live until the call returns.
        let mounted = unsafe { libc::mount(kind.as_ptr(), place.as_ptr(), kind.as_ptr(), 0, options.as_ptr().cast()) };
        assert_eq!(mounted, 0, "a small disk is mounted: {}", std::io::Error::last_os_error());
        Self { folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves a few pages.
    pub(crate) fn fill(&self) {
        use std::io::Write;
        let mut file = std::fs::File::create(self.path().join("ballast")).expect("a file");
        let piece = vec![0_u8; 64 << 10];
        while file.write_all(&piece).is_ok() {}
    }

    /// Makes room again.
    pub(crate) fn empty(&self) {
        std::fs::remove_file(self.path().join("ballast")).expect("it is there");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Ok(place) = CString::new(self.folder.path().display().to_string()) {
            // SAFETY: a string that lives until the call returns. Whoever still has files there keeps them.
            unsafe { libc::umount2(place.as_ptr(), libc::MNT_DETACH) };
        }
    }
}
