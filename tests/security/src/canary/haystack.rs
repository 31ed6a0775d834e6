//! Where the values are looked for, and what was found.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;

use super::forms::{ENCODINGS, forms};

/// One form of one value.
struct Needle {
    value: usize,
    encoding: usize,
    bytes: Vec<u8>,
}

/// All forms of all values. The last value is the decoy.
pub(super) struct Needles {
    all: Vec<Needle>,
    /// Which needles begin with these two bytes.
    beginnings: Vec<Vec<usize>>,
    values: usize,
}

/// How often each value was found in each encoding.
pub(super) type Finds = BTreeMap<(usize, usize), u64>;

impl Needles {
    pub(super) fn new(values: &[String]) -> Self {
        let mut made = Self { all: Vec::new(), beginnings: vec![Vec::new(); 1 << 16], values: values.len() };
        for (value, text) in values.iter().enumerate() {
            for (encoding, (_, form)) in forms(text).into_iter().enumerate() {
                // A dump shows bytes of a table in hexadecimal digits.
                let digits: String = form.bytes().map(|byte| format!("{byte:02x}")).collect();
                for bytes in [form.into_bytes(), digits.into_bytes()] {
                    made.beginnings[beginning(&bytes)].push(made.all.len());
                    made.all.push(Needle { value, encoding, bytes });
                }
            }
        }
        made
    }

    /// Counts every form of every value in these bytes.
    pub(super) fn count(&self, bytes: &[u8], finds: &mut Finds) {
        for at in 0..bytes.len().saturating_sub(1) {
            for &index in &self.beginnings[beginning(&bytes[at..])] {
                let needle = &self.all[index];
                if bytes[at..].starts_with(&needle.bytes) {
                    *finds.entry((needle.value, needle.encoding)).or_default() += 1;
                }
            }
        }
    }

    /// Whether this is the number of the value that is no secret.
    pub(super) const fn is_decoy(&self, value: usize) -> bool {
        value + 1 == self.values
    }
}

fn beginning(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 8 | usize::from(bytes[1])
}

/// What was searched in one place.
#[derive(Debug, Default)]
pub(super) struct Searched {
    pub(super) bytes: u64,
    pub(super) pieces: u64,
    pub(super) finds: Finds,
    /// Where something was found that should not be there.
    pub(super) found_in: Vec<String>,
}

/// Everything that was searched, by place.
pub(super) struct Haystack {
    pub(super) needles: Needles,
    pub(super) places: Mutex<BTreeMap<&'static str, Searched>>,
}

impl Haystack {
    pub(super) fn new(values: &[String]) -> Self {
        Self { needles: Needles::new(values), places: Mutex::default() }
    }

    /// Searches these bytes.
    pub(super) fn search(&self, place: &'static str, name: &str, bytes: &[u8]) {
        let mut finds = Finds::new();
        self.needles.count(bytes, &mut finds);
        let mut places = self.places.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let searched = places.entry(place).or_default();
        searched.bytes += bytes.len() as u64;
        searched.pieces += 1;
        if finds.keys().any(|(value, _)| !self.needles.is_decoy(*value)) && searched.found_in.len() < 10 {
            searched.found_in.push(name.to_owned());
        }
        for (what, times) in finds {
            *searched.finds.entry(what).or_default() += times;
        }
    }

    /// Searches names and contents of everything below a folder.
    pub(super) fn search_below(&self, place: &'static str, folder: &Path, is_wanted: &dyn Fn(&Path) -> bool) {
        let mut open = vec![folder.to_path_buf()];
        while let Some(next) = open.pop() {
            for entry in std::fs::read_dir(&next).into_iter().flatten().flatten() {
                let path = entry.path();
                let Ok(kind) = entry.file_type() else { continue };
                if kind.is_dir() {
                    open.push(path);
                } else if kind.is_file() && is_wanted(&path) {
                    self.search(place, "a name", path.as_os_str().as_encoded_bytes());
                    // What is gone again was searched where it went.
                    if let Ok(bytes) = std::fs::read(&path) {
                        self.search(place, &path.display().to_string(), &bytes);
                    }
                }
            }
        }
    }

    /// In how many encodings the decoy was found in a place.
    pub(super) fn decoys(&self, place: &str) -> usize {
        let places = self.places.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = places
            .get(place)
            .map_or(0, |searched| searched.finds.keys().filter(|(value, _)| self.needles.is_decoy(*value)).count());
        found.min(ENCODINGS)
    }
}
