//! Symbols of the names that Daily's library expects of Python, so that the loader resolves it without one. They are
//! never called nor read: whatever of the library uses them is its Python module, which nobody initialises.

/// What stands where Python would have a function or an object; as large as no read of it needs.
#[repr(C, align(16))]
pub struct StandIn([u64; 4]);

mod named {
    use super::StandIn;

    include!(concat!(env!("OUT_DIR"), "/python.rs"));

    /// Keeps the linker from leaving them out.
    pub fn present() -> usize {
        std::hint::black_box(&ALL).len()
    }
}

pub use named::present;
