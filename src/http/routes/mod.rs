//! One file per resource: extract, ask, answer. Must never hold a rule of who may do what (`access`) or of the interview.

pub mod categories;
pub mod consent;
pub mod create;
pub mod daily;
pub mod events;
pub mod health;
pub mod interviews;
pub mod record;
pub mod recording;
pub mod report;
pub mod sound_check;
pub mod whip;
