//! The REST interface on a real Postgres: who may do what, what is refused and how, what the page and tools rely on.

mod access;
mod banks;
mod description;
mod journey;
mod record;
mod refusals;
