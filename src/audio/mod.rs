//! Frames and their arithmetic: codec, resampling, what was heard, the recording. Must never decide who may speak.

pub mod frame;
