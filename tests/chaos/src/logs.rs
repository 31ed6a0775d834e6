//! Whether stored output is a gapless prefix of what was written.

use std::collections::{BTreeMap, BTreeSet};

use crate::history::History;
use crate::query::Query;

/// Jumps and the end of every stream of every attempt: standard output is 1, standard error 2.
const STREAMS: &str = "SELECT execution_id, attempt, stream, sum(jump), max(byte_offset + size), count(*) FROM (\
     SELECT execution_id, attempt, stream, byte_offset, length(bytes) AS size, CASE WHEN byte_offset <> coalesce(\
     lag(byte_offset + length(bytes)) OVER (PARTITION BY execution_id, attempt, stream ORDER BY sequence), 0) \
     THEN 1 ELSE 0 END AS jump FROM log_chunk WHERE stream IN (1, 2)) AS pieces GROUP BY execution_id, attempt, stream";

/// What is kept of a stream; more than that is cut out of its middle, which is one jump.
const KEPT: i64 = 1 << 20;

/// Attempts whose worker said that its disk was full and how much of their output it dropped for that.
fn marked(query: &Query) -> &'static str {
    match query {
        Query::Postgres { .. } => {
            "SELECT execution_id, attempt FROM log_chunk WHERE position('disk full (' IN encode(bytes, 'escape')) > 0"
        }
        Query::Sqlite { .. } => {
            "SELECT execution_id, attempt FROM log_chunk WHERE instr(CAST(bytes AS TEXT), 'disk full (') > 0"
        }
    }
}

/// Streams with holes, and streams of completed executions that end too early; each is named. What a full disk dropped
/// and its worker marked is none, and neither is what a database was made to forget, of the executions that are left out.
pub(crate) async fn problems(
    query: &Query,
    history: &History,
    left_out: &BTreeSet<i64>,
) -> Result<Vec<String>, String> {
    let mut ends: BTreeMap<(i64, i64, i64), i64> = BTreeMap::new();
    let mut problems: Vec<(i64, i64, String)> = Vec::new();
    for row in query.rows(STREAMS).await? {
        let numbers: Vec<i64> =
            row.iter().filter_map(|text| text.parse::<f64>().ok()).map(|value| value as i64).collect();
        let [execution, attempt, stream, jumps, end, _pieces] = numbers.as_slice() else { continue };
        ends.insert((*execution, *attempt, *stream), *end);
        let allowed = i64::from(*end > KEPT);
        if *jumps > allowed {
            let text = format!("execution {execution} attempt {attempt} stream {stream}: {jumps} jumps up to {end}");
            problems.push((*execution, *attempt, text));
        }
    }
    for known in history.executions.values().filter(|known| known.status == "completed") {
        let Some(last) = known.attempts.last() else { continue };
        let name = known.action.trim_start_matches("chaos.").trim_end_matches("_again");
        for (stream, wanted) in expected(name) {
            let end = ends.get(&(known.id, last.number, stream)).copied().unwrap_or(0);
            if !wanted.contains(&end) {
                let text = format!("execution {} ({name}) stream {stream} ends at {end}, not {wanted:?}", known.id);
                problems.push((known.id, last.number, text));
            }
        }
    }
    problems.retain(|(execution, ..)| !left_out.contains(execution));
    if problems.is_empty() {
        return Ok(Vec::new());
    }
    let rows = query.rows(marked(query)).await?;
    let marked: BTreeSet<(i64, i64)> =
        rows.iter().filter_map(|row| Some((row.first()?.parse().ok()?, row.get(1)?.parse().ok()?))).collect();
    let unmarked = problems.into_iter().filter(|(execution, attempt, _)| !marked.contains(&(*execution, *attempt)));
    Ok(unmarked.map(|(.., text)| text).collect())
}

/// Where each stream of a completed execution may end.
fn expected(name: &str) -> Vec<(i64, Vec<i64>)> {
    match name {
        // "out 0\n" to "out 199\n".
        "lines" => vec![(1, vec![10 * 6 + 90 * 7 + 100 * 8]), (2, vec![10 * 6 + 90 * 7 + 100 * 8])],
        "flood" => vec![(1, vec![512 << 10, 5 << 20])],
        "reader" => vec![(1, vec![6, 8])],
        "quick" | "sleeper" => vec![(1, vec![0])],
        _ => Vec::new(),
    }
}
