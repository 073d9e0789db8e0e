//! The REST interface on a real Postgres: who may do what, what is refused and how, what the page and tools rely on.

mod access;
mod accounts;
mod banks;
mod description;
mod fuzz;
mod invitations;
mod journey;
mod privacy;
mod profiles;
mod record;
mod refusals;
mod webhooks;
