//! A Daily.co room: the interviewer as one participant among others. The call itself lives in a process of its own
//! ([`worker`]), which holds Daily's native client ([`native`]) and is replaced when it dies; the two talk by [`wire`].

pub mod events;
pub mod native;
pub mod wire;
pub mod worker;
