//! Who may do what: tokens and roles. Knows no HTTP and no storage.

pub mod role;
pub mod token;
