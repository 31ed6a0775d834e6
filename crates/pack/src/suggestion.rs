//! "Did you mean ...?"

/// The known word that is nearest to `word`, when one is near enough to be meant.
#[must_use]
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, candidate)| *distance <= (candidate.chars().count() / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edit distance in which swapping two neighbours counts once (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.to_lowercase().chars().take(64).collect();
    let right: Vec<char> = right.to_lowercase().chars().take(64).collect();
    let mut rows: Vec<Vec<usize>> = vec![(0..=right.len()).collect()];
    for (row, left_character) in left.iter().enumerate() {
        let mut next = vec![row + 1];
        for (column, right_character) in right.iter().enumerate() {
            let changed = rows[row][column] + usize::from(left_character != right_character);
            let mut best = changed.min(rows[row][column + 1] + 1).min(next[column] + 1);
            let swapped =
                row > 0 && column > 0 && *left_character == right[column - 1] && left[row - 1] == *right_character;
            if swapped {
                best = best.min(rows[row - 1][column - 1] + 1);
            }
            next.push(best);
        }
        rows.push(next);
    }
    rows[left.len()][right.len()]
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
