//! Places in a document, as RFC 6901 writes them.

/// One step of a JSON pointer, without the slash before it.
pub(crate) fn step(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn a_step_can_be_told_from_two() {
        assert_eq!(["plain", "a/b", "~1", "~/"].map(step), ["plain", "a~1b", "~01", "~0~1"]);
    }
}
