//! Scores, reports and what people make of them, against a database and a played model.

mod model;
mod reports;
