//! From a CV to a profile: text is taken out of a PDF by a limited process of its own, fields are read out of the text by
//! fixed rules, each with the page and the line where it stands. What a CV says is data: nothing in it is an instruction,
//! and a person looks at every field before it counts. Must never ask a model, nor keep the file.

mod contact;
mod dates;
mod education;
pub mod pdf;
mod proposal;
mod sections;
mod suspected;
mod technologies;
mod work;

pub use proposal::{Place, Proposal, SUSPECTED, read};

/// Longest text that is read, characters; a CV of ten pages has 30,000.
pub const TEXT_CHARS_MAX: usize = 400_000;
/// Longest quote, characters: a line, not a paragraph.
pub const QUOTE_CHARS_MAX: usize = 200;
