//! An answer becomes key points, quotes and a level; a session becomes a report. Deterministic: the same facts and rubric
//! give the same report. Blind: a grade is made from question, rubric and answer alone. Must never ask a model for a
//! score (it may judge key points one by one), read a clock, or judge how somebody speaks.

pub mod aggregate;
pub mod agreement;
pub mod answer;
pub mod asides;
pub mod chart;
pub mod compare;
pub mod delivery;
pub mod derive;
pub mod disturb;
pub mod draft;
pub mod draft_table;
pub mod evaluate;
pub mod facts;
pub mod feedback;
pub mod grader;
pub mod integrity;
mod language;
pub mod local;
pub mod locate;
pub mod model;
pub mod pdf;
pub mod progress;
pub mod proof;
pub mod render;
pub mod report;
pub mod rubric;
pub mod schema;
pub mod settle;
mod structure;
pub mod transcript;
pub mod variants;
pub mod verbatim;
mod wording;
pub mod worth;
