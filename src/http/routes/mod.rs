//! One file per resource: extract, ask, answer. Must never hold a rule of who may do what (`access`) or of the interview.

pub mod audit;
pub mod auth;
pub mod categories;
pub mod consent;
pub mod create;
pub mod daily;
pub mod events;
pub mod health;
pub mod interviews;
pub mod invitations;
pub mod overrides;
pub mod privacy;
pub mod profiles;
pub mod record;
pub mod recording;
pub mod report;
pub mod sound_check;
pub mod transcript;
pub mod users;
pub mod webhooks;
pub mod whip;
