//! Opaque tokens: 256 random bits that mean nothing by themselves; only their hash is kept. Must never be derived from
//! anything.

use sha2::{Digest, Sha256};

/// Random bits of a token, in bytes.
const TOKEN_BYTES: usize = 32;
/// Longest text that is looked at, bytes; ours have 64.
const TEXT_BYTES_MAX: usize = 128;

/// A new token: hexadecimal, so that it survives every address and header.
#[must_use]
pub fn create() -> String {
    hexadecimal(&rand::random::<[u8; TOKEN_BYTES]>())
}

/// What is kept of a token; none of a text that cannot be one.
#[must_use]
pub fn hash(token: &str) -> Option<[u8; 32]> {
    (token.len() <= TEXT_BYTES_MAX && !token.is_empty()).then(|| digest(token))
}

/// SHA-256 of a text.
#[must_use]
pub fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// Two small letters or digits for each byte.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ_and_hash_to_themselves() {
        let (one, two) = (create(), create());
        assert_eq!((one.len(), one == two), (64, false));
        assert_eq!((hash(&one), hash(&one) == hash(&two)), (hash(&one), false));
        assert_eq!((hash(""), hash(&"x".repeat(129))), (None, None));
    }
}
