//! "Did you mean ...?"

/// The known word that is nearest to `word`, when one is near enough to be meant.
#[must_use]
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (strsim::osa_distance(&word.to_lowercase(), candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["entry_point", "runner_type", "tags", "n"];
        assert_eq!(nearest("entrypoint", &known), Some("entry_point"));
        assert_eq!(nearest("runer_tpye", &known), Some("runner_type"));
        assert_eq!(nearest("tgas", &known), Some("tags"));
        assert_eq!(nearest("colour", &known), None);
    }
}
