//! What can go wrong with the record, parted by what the caller can do about it. Must never carry a value that was being
//! stored: it may be a candidate's word.

/// Why the record could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another node owns the interview now, or nobody does: stop at once.
    #[error("the interview's lease is no longer held")]
    Fenced,
    #[error("there is no such row")]
    NotFound,
    /// The row contradicts what is there already.
    #[error("conflicts with what is stored: {what}")]
    Conflict { what: String },
    /// The database cannot be reached or is overloaded: the same call may succeed later, and is safe to repeat.
    #[error("the database is not available: {what}")]
    Unavailable { what: String },
    /// The database refuses the values or the statement: the same call will fail again.
    #[error("refused by the database: {what}")]
    Invalid { what: String },
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error;
        match error {
            Error::RowNotFound => Self::NotFound,
            Error::Database(error) => by_code(error.code().as_deref().unwrap_or(""), error.constraint(), error.message()),
            Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::PoolTimedOut
            | Error::PoolClosed
            | Error::WorkerCrashed
            | Error::BeginFailed => Self::Unavailable { what: error.to_string() },
            // Values and statements that do not fit; named by their kind, for the message may quote a value.
            Error::Configuration(_) => Self::Invalid { what: "configuration".into() },
            Error::Encode(_) => Self::Invalid { what: "a value cannot be sent".into() },
            Error::Decode(_) | Error::ColumnDecode { .. } | Error::TypeNotFound { .. } => {
                Self::Invalid { what: "a value cannot be read".into() }
            }
            Error::InvalidArgument(_)
            | Error::ColumnIndexOutOfBounds { .. }
            | Error::ColumnNotFound(_)
            | Error::AnyDriverError(_)
            | Error::Migrate(_)
            | Error::InvalidSavePointStatement
            | _ => Self::Invalid { what: "statement".into() },
        }
    }
}

/// By SQLSTATE: what a later repeat may cure, what it never will.
fn by_code(code: &str, constraint: Option<&str>, message: &str) -> StoreError {
    let named = || constraint.map_or_else(|| format!("SQLSTATE {code}"), str::to_owned);
    match code {
        // Refers to a row that is not there.
        "23503" => StoreError::NotFound,
        "23505" | "42P04" => StoreError::Conflict { what: named() },
        // Deadlock, serialisation, lock or statement limits, read-only standby; shutting down, starting, no resources.
        "40001" | "40P01" | "55P03" | "57014" | "25006" | "57P01" | "57P02" | "57P03" | "25P03" | "57P05" => {
            StoreError::Unavailable { what: named() }
        }
        _ if code.starts_with("08") || code.starts_with("53") || code.starts_with("58") => {
            StoreError::Unavailable { what: named() }
        }
        // Errors of the statement, not of its values: the message names a table or a function.
        _ if code.starts_with("42") => StoreError::Invalid { what: message.to_owned() },
        _ => StoreError::Invalid { what: named() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_repeat_may_cure_is_unavailable() {
        for code in ["57P01", "57P03", "53300", "53100", "08006", "40P01", "57014"] {
            assert!(matches!(by_code(code, None, ""), StoreError::Unavailable { .. }), "{code}");
        }
    }

    #[test]
    fn what_a_repeat_never_cures_names_its_constraint() {
        assert_eq!(by_code("23514", Some("users_role_check"), "quotes a value"), StoreError::Invalid { what: "users_role_check".into() });
        assert_eq!(by_code("23505", Some("users_email_key"), "quotes a value"), StoreError::Conflict { what: "users_email_key".into() });
        assert_eq!(by_code("23503", Some("x"), ""), StoreError::NotFound);
    }
}
