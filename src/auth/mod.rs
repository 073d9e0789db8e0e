//! Who may do what: passwords, tokens, roles, and how often somebody may try. Knows no HTTP and no storage.

pub mod account;
pub mod opaque;
pub mod password;
pub mod rate;
pub mod role;
pub mod token;
