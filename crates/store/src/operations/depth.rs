//! How much waits, for whoever decides how many workers there are.

use crate::queue_depth::QueueDepth;
use crate::read_back::document;
use crate::session::{Session, Sql};
use crate::trouble::Trouble;

// Counted by what is asked for, through the index of what waits; the request of one stands for all that ask for the same.
const DEPTHS: Sql = Sql {
    postgres: "WITH clock AS (SELECT attune_now() AS now), depth AS (\
            SELECT e.requirement_key, count(*) AS waiting, min(e.id) AS id, max(c.now - e.available_at) AS oldest \
            FROM execution e CROSS JOIN clock c WHERE e.waiting AND e.available_at <= c.now GROUP BY e.requirement_key) \
        SELECT d.waiting, CAST(d.oldest AS bigint) AS oldest, r.requirement FROM depth d \
        JOIN execution_request r ON r.id = d.id ORDER BY d.requirement_key",
    sqlite: "WITH depth AS (\
            SELECT e.requirement_key, count(*) AS waiting, min(e.id) AS id, \
            max((SELECT now FROM clock) - e.available_at) AS oldest FROM execution e \
            WHERE e.status IN ('requested', 'retrying') AND e.available_at <= (SELECT now FROM clock) \
            GROUP BY e.requirement_key) \
        SELECT d.waiting, d.oldest, r.requirement FROM depth d \
        JOIN execution_request r ON r.id = d.id ORDER BY d.requirement_key",
};

/// What waits, by what it asks for.
pub(crate) async fn depths(session: &mut dyn Session) -> Result<Vec<QueueDepth>, Trouble> {
    let rows = session.all(DEPTHS, Vec::new()).await?;
    let depth = |row: &crate::session::Row| -> Result<QueueDepth, Trouble> {
        Ok(QueueDepth {
            requirement: document("execution_request.requirement", &row.get::<String>("requirement")?)?,
            waiting: u64::try_from(row.get::<i64>("waiting")?).unwrap_or_default(),
            oldest_micros: row.get("oldest")?,
        })
    };
    rows.iter().map(depth).collect()
}
