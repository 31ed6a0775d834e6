//! What is looked for.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::encoding::Encoding;
use super::search::{Bytes, Needle, Search, WINDOW};
use super::variants::variants;
use crate::opened::Opened;

/// What is looked for: every form of every value. Cheap to clone, never shown, overwritten when the last clone is dropped.
#[derive(Clone, Default)]
pub struct Needles(Option<Arc<Compiled>>, Arc<[String]>);

/// One form, overwritten when it is dropped.
#[derive(PartialEq, Eq)]
struct Form(Bytes);

impl Ord for Form {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.as_slice().cmp(other.0.as_slice())
    }
}

impl PartialOrd for Form {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Needles, and how they are found.
pub(super) struct Compiled {
    pub(super) bytes: Bytes,
    /// Sorted by their first bytes, and among those the longest first.
    pub(super) needles: Vec<Needle>,
    pub(super) search: Search,
    /// Whose a needle is, and in which form.
    pub(super) owners: Vec<(Arc<str>, Encoding)>,
    pub(super) longest: usize,
}

impl Needles {
    /// The least length of a value that is looked for, in bytes. Masking what is shorter would leave no log to read.
    pub const SHORTEST: usize = WINDOW;
    /// The most bytes that are looked for as one; a longer value is looked for piece by piece.
    pub const LONGEST: usize = 1024;

    /// Nothing to look for.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// What is to be looked for so that none of these values, by their names, is seen.
    pub fn new<'a>(values: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut owners: Vec<(Arc<str>, Encoding)> = Vec::new();
        let mut known: BTreeMap<Form, (u32, bool)> = BTreeMap::new();
        let mut unmaskable = Vec::new();
        for (name, value) in values {
            let name: Arc<str> = Arc::from(name);
            let first = owners.len();
            let is_long_enough = variants(value, &mut |variant| {
                let is_new = |owner: &(Arc<str>, Encoding)| owner.1 == variant.encoding;
                let owner = owners[first..].iter().position(is_new).unwrap_or_else(|| {
                    owners.push((Arc::clone(&name), variant.encoding));
                    owners.len() - first - 1
                });
                // What is the same in two forms, or of two secrets, is the first's.
                let number = u32::try_from(first + owner).unwrap_or(u32::MAX);
                known.entry(Form(variant.bytes)).or_insert((number, variant.follows));
            });
            if !is_long_enough && !value.trim_ascii().is_empty() {
                unmaskable.push(name.to_string());
            }
        }
        if known.is_empty() {
            return Self(None, unmaskable.into());
        }
        Self(Some(Arc::new(Compiled::new(known, owners))), unmaskable.into())
    }

    /// What is to be looked for so that nothing that was opened is seen.
    #[must_use]
    pub fn of(opened: &Opened) -> Self {
        Self::new(opened.all().map(|secret| (secret.name.as_str(), secret.value.as_slice())))
    }

    /// Whether there is nothing to look for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Names of values that are too short to be looked for, and are shown wherever they appear.
    #[must_use]
    pub fn unmaskable(&self) -> &[String] {
        &self.1
    }

    /// How many forms are looked for.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.as_ref().map_or(0, |compiled| compiled.needles.len())
    }

    pub(super) const fn compiled(&self) -> Option<&Arc<Compiled>> {
        self.0.as_ref()
    }
}

impl fmt::Debug for Needles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Needles({} forms)", self.count())
    }
}

impl Compiled {
    fn new(known: BTreeMap<Form, (u32, bool)>, owners: Vec<(Arc<str>, Encoding)>) -> Self {
        let total = known.keys().map(|form| form.0.len()).sum();
        let mut bytes = Bytes::new(Vec::with_capacity(total));
        let mut needles: Vec<Needle> = Vec::with_capacity(known.len());
        let mut longest = 0;
        for (Form(needle), (owner, follows)) in known {
            let begin = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            let length = u32::try_from(needle.len()).unwrap_or(u32::MAX);
            longest = longest.max(needle.len());
            bytes.extend_from_slice(&needle);
            needles.push(Needle { begin, length, owner, follows });
        }
        let first = |needle: &Needle| {
            let begin = needle.begin as usize;
            bytes.get(begin..begin + WINDOW).unwrap_or_default()
        };
        needles.sort_by(|one, other| first(one).cmp(first(other)).then(other.length.cmp(&one.length)));
        let search = Search::new(&bytes, &needles);
        Self { bytes, needles, search, owners, longest }
    }

    pub(super) fn bytes_of(&self, needle: &Needle) -> &[u8] {
        let begin = needle.begin as usize;
        self.bytes.get(begin..begin + needle.length as usize).unwrap_or_default()
    }
}
