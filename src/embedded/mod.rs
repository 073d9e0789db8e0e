//! What the program brings along for an installation without keys: the files of its local models. Must know no
//! conversation.

pub mod models;
