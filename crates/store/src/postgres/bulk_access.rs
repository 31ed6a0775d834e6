//! What the roles that write the audit trail may do about it: call one function.

use sqlx::postgres::PgPool;
use sqlx::query;

use crate::audit::AuditNote;
use crate::operations::audit::kept;
use crate::trouble::Trouble;

const AUDIT: &str = "SELECT attune_audit(u.actor, u.action, u.target, u.detail) \
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY \
    AS u (actor, action, target, detail, place) ORDER BY u.place";

pub(super) async fn audit(pool: &PgPool, notes: &[AuditNote]) -> Result<(), Trouble> {
    let notes: Vec<AuditNote> = notes.iter().map(kept).collect();
    let column = |of: fn(&AuditNote) -> &String| notes.iter().map(|note| of(note).clone()).collect::<Vec<String>>();
    query(AUDIT)
        .bind(column(|note| &note.actor))
        .bind(column(|note| &note.action))
        .bind(column(|note| &note.target))
        .bind(column(|note| &note.detail))
        .execute(pool)
        .await?;
    Ok(())
}
