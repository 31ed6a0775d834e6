//! An error on its way out, before it is said what was being done.

use crate::error::StoreError;
use crate::postgres::trust::distrust;

/// A driver's error, or one that is finished already.
#[derive(Debug)]
pub(crate) enum Trouble {
    Sql(sqlx::Error),
    Store(StoreError),
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Trouble {
    /// What the caller is told.
    pub(crate) fn during(self, doing: &'static str) -> StoreError {
        match self {
            Self::Store(error) => error,
            Self::Sql(source) if is_passing(&source) && !distrust(&source) => StoreError::Away { doing, source },
            Self::Sql(source) => StoreError::Refused { doing, source },
        }
    }
}

/// Whether the same call may succeed later, on another connection or after a fail-over.
fn is_passing(error: &sqlx::Error) -> bool {
    use sqlx::Error;
    match error {
        Error::Io(_)
        | Error::Tls(_)
        | Error::Protocol(_)
        | Error::PoolTimedOut
        | Error::PoolClosed
        | Error::WorkerCrashed => true,
        Error::Database(database) => database.code().is_some_and(|code| is_passing_code(&code)),
        _ => false,
    }
}

/// SQLSTATE classes of PostgreSQL, and primary result codes of SQLite, that say "not now".
fn is_passing_code(code: &str) -> bool {
    match code {
        // PostgreSQL: read-only transaction (a replica), serialization failure, deadlock, lock not available,
        // cancelled by a timeout, shut down, crashed, cannot connect now, idle timeout.
        "25006" | "40001" | "40P01" | "55P03" | "57014" | "57P01" | "57P02" | "57P03" | "57P05" | "25P03" => true,
        // Insufficient resources and connection exceptions.
        _ if code.len() == 5 && (code.starts_with("53") || code.starts_with("08")) => true,
        // SQLite: the low byte of the extended code is SQLITE_BUSY, LOCKED, IOERR, FULL or CANTOPEN.
        _ => code.len() < 5 && code.parse::<u32>().is_ok_and(|number| matches!(number & 0xff, 5 | 6 | 10 | 13 | 14)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passing_failures_are_told_from_lasting_ones() {
        for code in ["57P01", "25006", "53300", "08006", "40P01", "5", "6", "261", "517", "13"] {
            assert!(is_passing_code(code), "{code}");
        }
        for code in ["23505", "42P01", "1", "19", "2067", "22P02", "XX000"] {
            assert!(!is_passing_code(code), "{code}");
        }
    }

    #[test]
    fn a_closed_pool_is_away_and_a_missing_row_is_not() {
        assert!(Trouble::from(sqlx::Error::PoolTimedOut).during("x").is_passing());
        assert!(!Trouble::from(sqlx::Error::RowNotFound).during("x").is_passing());
    }
}
