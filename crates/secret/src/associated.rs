//! Associated data: what a ciphertext is bound to. Each part is preceded by its length, so that no two lists of parts
//! give the same bytes.

/// The bytes that bind a ciphertext to `parts`.
pub(crate) fn associated(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(*part);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_divided_differently_is_different() {
        assert_ne!(associated(&[b"ab", b"c"]), associated(&[b"a", b"bc"]));
        assert_ne!(associated(&[b"abc"]), associated(&[b"abc", b""]));
    }
}
