//! Frames and their arithmetic: codec, reordering, resampling, what was heard, the recording. Must never decide who may
//! speak, nor read a clock.

pub mod frame;
pub mod gaps;
pub mod opus;
pub mod playout;
pub mod recording;
pub mod reorder;
pub mod resample;
