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
