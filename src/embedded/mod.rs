//! The default without keys: an own Postgres and local models, and where on the disk everything is. Must never be needed
//! where the operator names a database and remote providers.

pub mod daily;
pub mod models;
mod paths;
pub mod postgres;

pub use paths::Paths;
