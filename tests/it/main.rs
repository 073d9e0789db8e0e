//! All integration tests, one binary (one link). Each file is a subject.

mod embedded;
mod http;
mod scenarios;
mod store;
mod support;
