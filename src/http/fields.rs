//! What is wrong with the fields of a body, gathered, so that somebody is told of all of it at once. Must never hold a rule
//! of one resource.

use super::error::{ApiError, FieldError};
use chrono::{DateTime, Datelike, Utc};

/// Years of the times that are taken: beyond them a database has other limits than the program.
const YEARS: std::ops::RangeInclusive<i32> = 1970..=9999;

/// What is wrong so far.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    pub fn must(&mut self, holds: bool, field: &str, message: &str) {
        if !holds {
            self.0.push(FieldError::new(field, message));
        }
    }

    pub fn range(&mut self, field: &str, value: u32, max: u32) {
        if value == 0 || value > max {
            self.0.push(FieldError::new(field, format!("`{field}` lies between 1 and {max}.")));
        }
    }

    /// One line of text: trimmed, empty counts as not given.
    pub fn text(&mut self, field: &str, value: Option<&str>, chars_max: usize) -> Option<String> {
        let text = value?.trim();
        if text.chars().count() > chars_max {
            self.0.push(FieldError::new(field, format!("`{field}` has at most {chars_max} characters.")));
        }
        self.must(!text.chars().any(char::is_control), field, "Control characters are not text.");
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// A point in time that the record can hold.
    pub fn time(&mut self, field: &str, value: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
        self.must(value.is_none_or(|time| YEARS.contains(&time.year())), field, "A time between 1970 and 9999.");
        value
    }

    /// A value, or what is wrong with it.
    pub fn take<T>(&mut self, field: &str, value: Result<T, String>) -> Option<T> {
        value.map_err(|message| self.0.push(FieldError::new(field, message))).ok()
    }

    /// The value, if nothing is wrong.
    pub fn check<T>(self, value: Option<T>) -> Result<T, ApiError> {
        value.filter(|_| self.0.is_empty()).ok_or(ApiError::Invalid(self.0))
    }
}
