//! What all providers over the network have in common: where they are and by which key, what their failures mean, when
//! they may be asked again, what they cost. Must never know what is asked of them, and never show a key or repeat what a
//! provider said about a request (it may hold a candidate's words).

mod breaker;
mod endpoint;
mod fault;
pub mod meter;
pub mod socket;
pub mod spare;
pub mod sse;

pub use breaker::Breaker;
pub use endpoint::{Endpoint, Key, KeyError};
pub use fault::{CloudError, Fault, code_of};
