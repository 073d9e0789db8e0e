//! All integration tests, one binary (one link). Each file is a subject.

mod webrtc;
