//! What of a value its schema has looked at, for `unevaluatedProperties` and `unevaluatedItems`.

use std::collections::BTreeSet;

/// Properties and items of one value that were looked at, and found good.
#[derive(Debug, Clone, Default)]
pub(super) struct Evaluated<'a> {
    properties: BTreeSet<&'a str>,
    items: BTreeSet<usize>,
}

impl<'a> Evaluated<'a> {
    /// Notes a property.
    pub(super) fn property(&mut self, name: &'a str) {
        self.properties.insert(name);
    }

    /// Notes an item.
    pub(super) fn item(&mut self, index: usize) {
        self.items.insert(index);
    }

    /// Notes what another schema looked at.
    pub(super) fn add(&mut self, other: Self) {
        self.properties.extend(other.properties);
        self.items.extend(other.items);
    }

    /// Whether the property was looked at.
    pub(super) fn has_property(&self, name: &str) -> bool {
        self.properties.contains(name)
    }

    /// Whether the item was looked at.
    pub(super) fn has_item(&self, index: usize) -> bool {
        self.items.contains(&index)
    }
}
