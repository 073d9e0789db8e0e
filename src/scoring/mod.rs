//! An answer becomes key points, quotes and a level; a session becomes a report. Deterministic: the same facts and rubric
//! give the same report. Blind: a grade is made from question, rubric and answer alone. Must never ask a model for a
//! score, read a clock, or judge how somebody speaks.

pub mod aggregate;
pub mod evaluate;
pub mod facts;
pub mod feedback;
pub mod grade;
pub mod grader;
pub mod locate;
pub mod render;
pub mod report;
pub mod rubric;
pub mod transcript;
