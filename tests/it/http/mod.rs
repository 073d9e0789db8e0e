//! The REST interface on a real Postgres: who may do what, what is refused and how, what the page and tools rely on.

mod access;
mod accounts;
mod analysis;
mod banks;
mod description;
mod drafts;
mod fuzz;
mod invitations;
mod journey;
mod privacy;
mod profiles;
mod progress;
mod questions;
mod record;
mod refusals;
mod text;
mod text_socket;
mod webhooks;
