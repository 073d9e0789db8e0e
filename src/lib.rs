//! Vivavoce: spoken interviews by an AI interviewer. A candidate talks, an interviewer listens, asks, probes and closes;
//! afterwards a person reads a report in which every score points at the words that earned it. One program, one Postgres.
//!
//! This page is the map. It tells how a turn and an interruption travel through the parts, the kinds of time, who may
//! know whom, and what must always hold. The modules below stand in the order of an interview.
//!
//! # One turn, step by step
//! 1. [`room`] delivers 20 ms frames of the candidate's voice, placed on the session's sample clock.
//! 2. [`session::ears`] hands them to [`vad`] and [`stt`]. Probabilities of voice become *utterances* with numbers
//!    ([`session::utterances`]); at each pause the words of the utterance so far are asked for, and the turn model is
//!    asked whether the speaker has finished. Every answer carries the utterance's number.
//! 3. [`turn`] (pure) hears "speech stopped", "words", "finished with probability 0.93", "typing", "timer due", and says
//!    when the candidate has finished, by the patience that the question in hand asks for.
//! 4. At the first pause the reply is *prepared*: [`interview::Interview::preview`] says what would be said, and its
//!    voice is made. If the candidate goes on, it is dropped without trace.
//! 5. The finished turn is appended to the event log ([`session::journal`]) and **committed before a word of the reply
//!    is played**.
//! 6. [`interview`] (pure) takes the answer and says the next move: probe, next question, repeat, code task, close. A
//!    language model ([`llm`]) may propose a probe's wording within a deadline; the policy accepts or overrides it.
//! 7. [`tts`] turns sentences into clips (most are made beforehand and cached), the room plays them at the pace of the
//!    clock, never ahead.
//! 8. What was **heard** (samples sent, less the client's buffer, cut at the word: [`audio::playout`]) enters the record.
//! 9. On every way out the session is finalised in one transaction that also queues the report ([`jobs`], [`scoring`]).
//!
//! # An interruption, step by step
//! The candidate speaks while the interviewer does → `turn` says `Hold`: the room stops sending within a frame → words
//! come: "mm-hm" → `Resume`, the speech goes on where it was; real words, or speech that lasts → `Stop`: the speech is
//! dropped as a unit, stored as interrupted with its heard text, and whatever arrives later with its number is ignored.
//! If it was *we* who had cut the candidate off (they go on within 1.5 s of our start), `turn` says `Reopen`: our start
//! is discarded, the same turn goes on, the log notes `false_cutoff_recovered`, and it is never held against anybody.
//!
//! # Kinds of time
//! `Instant` is given to the pure cores as `now`; [`audio::frame::SamplePos`] counts samples at 16 kHz since the session
//! began (audio, utterances, transcripts, the recording); `DateTime<Utc>` from [`clock::Clock`] stands in rows and
//! reports. They are never mixed.
//!
//! # Who may know whom
//! Vocabulary ([`id`], [`clock`], [`audio::frame`], [`interview::question`]) knows nobody. [`turn`] and [`interview`]
//! know the vocabulary. The edges ([`room`], [`vad`], [`stt`], [`llm`], [`tts`], [`embed`], [`store`], [`auth`]) know the
//! vocabulary, never each other. [`session`], [`scoring`] and [`jobs`] know the pure parts and the edges' traits.
//! [`http`] and [`cli`] reach sessions through their handles. [`app`] alone chooses providers. `tests/it/tidy.rs` holds
//! this table.
//!
//! # Invariants
//! - *Mutate, then drain*: after each event the shell drains the cores' commands until none is left; timers due at `now`
//!   come before the event at `now`.
//! - *Commit before reply*: no audible answer to an utterance that is not durable.
//! - *One owner*: one task owns a session's state; one node its lease; an old epoch writes nothing.
//! - *Everything is bounded*, by a named limit with unit and reason.
//! - *The candidate's words are data*: never in a log message, never an instruction, never able to change a score except
//!   as an answer.
//! - *Blind scoring*: name, e-mail, CV, voice and pace never reach the scorer. No emotion inference anywhere.
//! - *Nothing lost*: whatever was acknowledged survives `kill -9`.

pub mod clock;
pub mod id;

// The conversation, in the order in which a spoken answer travels.
pub mod audio;
pub mod cloud;
pub mod interview;
pub mod llm;
#[cfg(feature = "local-speech")]
pub mod onnx;
pub mod room;
pub mod session;
pub mod stt;
pub mod tts;
pub mod turn;
pub mod vad;

// What comes of it.
pub mod embed;
pub mod jobs;
pub mod profile;
pub mod scoring;
pub mod store;

// The outside.
pub mod auth;
pub mod cli;
pub mod embedded;
pub mod http;

// The frame.
pub mod app;
pub mod config;
pub mod lifecycle;
pub mod telemetry;
