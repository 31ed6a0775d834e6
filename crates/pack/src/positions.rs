//! Where in a declaration a field stands, so that broken rules have a line and a column like broken YAML.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// The fields of a declaration with their places. The items of a list are fields called 0, 1 and so on.
#[derive(Debug)]
pub(crate) struct Positions(BTreeMap<String, Spanned<Positions>>);

impl Positions {
    /// The places in `text`; none when it is not a mapping.
    pub(crate) fn of(text: &str) -> Self {
        serde_saphyr::from_str(text).unwrap_or(Self(BTreeMap::new()))
    }

    /// Line and column of the value of a dotted field, or of what encloses it when it is not there itself.
    pub(crate) fn find(&self, field: &str) -> (u64, u64) {
        let mut place = (1, 1);
        let mut here = self;
        for part in field.split('.') {
            let Some(inner) = here.0.get(part) else { break };
            place = (inner.referenced.line(), inner.referenced.column());
            here = &inner.value;
        }
        place
    }
}

impl<'de> Deserialize<'de> for Positions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl Reader {
    fn leaf<E>() -> Result<Positions, E> {
        Ok(Positions(BTreeMap::new()))
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Positions;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Positions, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            fields.insert(name, map.next_value()?);
        }
        Ok(Positions(fields))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Positions, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some(item) = items.next_element()? {
            fields.insert(fields.len().to_string(), item);
        }
        Ok(Positions(fields))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Positions, E> {
        Self::leaf()
    }

    fn visit_i64<E>(self, _: i64) -> Result<Positions, E> {
        Self::leaf()
    }

    fn visit_u64<E>(self, _: u64) -> Result<Positions, E> {
        Self::leaf()
    }

    fn visit_i128<E>(self, _: i128) -> Result<Positions, E> {
        Self::leaf()
    }

    fn visit_u128<E>(self, _: u128) -> Result<Positions, E> {
        Self::leaf()
    }

    fn visit_f64<E>(self, _: f64) -> Result<Positions, E> {
        Self::leaf()
    }

    fn visit_str<E>(self, _: &str) -> Result<Positions, E> {
        Self::leaf()
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Positions, E> {
        Self::leaf()
    }

    fn visit_unit<E>(self) -> Result<Positions, E> {
        Self::leaf()
    }

    fn visit_none<E>(self) -> Result<Positions, E> {
        Self::leaf()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Positions, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Positions, D::Error> {
        deserializer.deserialize_any(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_where_it_stands_and_a_missing_one_where_it_would() {
        let text = "ref: demo.x\ntags: [a, {b: 1}]\nretry:\n  on: [lost]\nparameters:\n  n: {type: integer, default: x}\nx: ~\n";
        let positions = Positions::of(text);
        for (field, place) in [
            ("ref", (1, 6)),
            ("retry.on", (4, 7)),
            ("parameters.n.default", (6, 31)),
            ("parameters.n.minimum", (6, 6)),
            ("timeout_seconds", (1, 1)),
        ] {
            assert_eq!(positions.find(field), place, "{field}");
        }
        assert_eq!(Positions::of("[").find("ref"), (1, 1));
    }
}
