//! Scores, reports and what people make of them, against a database, a played model and people's grades.

mod agreement;
mod model;
mod reports;
