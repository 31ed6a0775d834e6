//! The audit trail.

use attune_types::Timestamp;

use crate::audit::{AuditEntry, AuditNote, AuditVerdict, AuditWalk, hexadecimal, link_hash};
use crate::read_back::storable;
use crate::session::{Session, Sql};
use crate::trouble::Trouble;
use crate::unit::Unit;

const LAST: Sql = Sql::same("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1");

const APPEND: Sql = Sql::same(
    "INSERT INTO audit (id, at, actor, action, target, detail, previous_hash, hash) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
);

const READ: Sql = Sql::same(
    "SELECT id, at, actor, action, target, detail, previous_hash, hash FROM audit WHERE id > $1 ORDER BY id LIMIT $2",
);

/// How many links are reckoned at once.
const STEP: u32 = 1000;

/// The longest text of a link, in bytes.
const LONGEST: usize = 2000;

/// A note as both databases keep it, and no longer than it may be: whoever fails to come in chooses some of its text.
pub(crate) fn kept(note: &AuditNote) -> AuditNote {
    let cut = |text: &str| {
        let mut end = text.len().min(LONGEST);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        storable(&text[..end])
    };
    AuditNote::new(cut(&note.actor), cut(&note.action), cut(&note.target), cut(&note.detail))
}

/// Appends, one after the other inside one transaction of the only writer.
pub(crate) async fn append(unit: &mut Unit, notes: &[AuditNote]) -> Result<(), Trouble> {
    for note in notes {
        let note = kept(note);
        let (id, previous) = match unit.one(LAST, Vec::new()).await? {
            Some(row) => (row.get::<i64>("id")? + 1, row.get::<Vec<u8>>("hash")?),
            None => (1, Vec::new()),
        };
        let hash = link_hash(&previous, id, unit.now, &note);
        let values = vec![
            id.into(),
            unit.now.into(),
            note.actor.into(),
            note.action.into(),
            note.target.into(),
            note.detail.into(),
            previous.into(),
            hash.into(),
        ];
        unit.run(APPEND, values).await?;
    }
    Ok(())
}

/// The trail after a link.
pub(crate) async fn read(session: &mut dyn Session, after: i64, limit: u32) -> Result<Vec<AuditEntry>, Trouble> {
    let rows = session.all(READ, vec![after.into(), i64::from(limit).into()]).await?;
    let entry = |row: &crate::session::Row| {
        Ok(AuditEntry {
            id: row.get("id")?,
            at: Timestamp(row.get("at")?),
            actor: row.get("actor")?,
            action: row.get("action")?,
            target: row.get("target")?,
            detail: row.get("detail")?,
            previous_hash: hexadecimal(&row.get::<Vec<u8>>("previous_hash")?),
            hash: hexadecimal(&row.get::<Vec<u8>>("hash")?),
        })
    };
    rows.iter().map(entry).collect()
}

/// Walks along the whole trail.
pub(crate) async fn verify(session: &mut dyn Session) -> Result<AuditVerdict, Trouble> {
    let mut walk = AuditWalk::default();
    loop {
        let entries = read(session, walk.place(), STEP).await?;
        if let Some(verdict) = entries.iter().find_map(|entry| walk.step(entry)) {
            return Ok(verdict);
        }
        if entries.len() < STEP as usize {
            return Ok(walk.end());
        }
    }
}
