//! Pages of lists, by key: how many, and where the next one begins. Must never count what lies before a page.

use super::error::ApiError;

/// Entries of one page, unless asked otherwise.
pub const PAGE_DEFAULT: u32 = 20;
/// Entries of one page at most.
pub const PAGE_MAX: u32 = 100;

/// How many entries are wanted.
pub fn limit(given: Option<u32>) -> Result<u32, ApiError> {
    let limit = given.unwrap_or(PAGE_DEFAULT);
    if limit == 0 || limit > PAGE_MAX {
        return Err(ApiError::field("limit", format!("`limit` lies between 1 and {PAGE_MAX}.")));
    }
    Ok(limit)
}

/// Where the next page begins: at the last entry of a full one.
pub fn next<T, K>(rows: &[T], limit: u32, key: impl Fn(&T) -> K) -> Option<K> {
    rows.last().filter(|_| rows.len() == limit as usize).map(key)
}
