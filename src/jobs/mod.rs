//! Work that may wait: the queue, and one file per job. Must never be on the path of a conversation.

pub mod analyse;
pub mod errands;
pub mod evaluate;
mod gather;
mod load;
mod queue;
pub mod receiver;
pub mod retention;
pub mod revise;
pub mod webhook;

pub use load::LoadError;
pub use queue::{ATTEMPTS_MAX_TRIES, JobError, MakeReport, Worker, start};
