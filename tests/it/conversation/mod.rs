//! Whole sessions on a paused clock: a candidate of the test talks with the interviewer, and what was told and written is
//! held against what a session promises. Must never reach a model, a socket or real time.

mod answers;
mod chance;
mod code;
mod echo;
mod endings;
mod failover;
mod hands;
mod line;
mod over;
mod parts;
mod pauses;
mod record;
mod replay;
mod restart;
mod stage;
mod trouble;
mod turns;
