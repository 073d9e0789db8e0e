//! Which part of a file a `Range` header asks for (RFC 9110). Must never read the file.

/// A part, both ends included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ByteRange {
    pub first: u64,
    pub last: u64,
}

impl ByteRange {
    #[must_use]
    pub fn bytes(self) -> u64 {
        self.last - self.first + 1
    }
}

/// The range lies beyond the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unsatisfiable;

/// The one range that `text` asks for. What is no range of bytes, or several of them, is passed over, as the standard
/// allows: the whole file is then sent.
pub fn parse(text: &str, bytes: u64) -> Result<Option<ByteRange>, Unsatisfiable> {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|spec| spec.trim().split_once('-')) else {
        return Ok(None);
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => ByteRange { first, last: last.min(bytes.saturating_sub(1)) },
        (Ok(first), Err(_)) if last.is_empty() => ByteRange { first, last: bytes.saturating_sub(1) },
        (Err(_), Ok(suffix)) if first.is_empty() && suffix > 0 => {
            ByteRange { first: bytes.saturating_sub(suffix), last: bytes.saturating_sub(1) }
        }
        (Err(_), Ok(_)) if first.is_empty() => return Err(Unsatisfiable),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => return Ok(None),
    };
    if range.first >= bytes { Err(Unsatisfiable) } else { Ok(Some(range)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        let part = |first, last| Ok(Some(ByteRange { first, last }));
        for (text, wanted) in [
            ("bytes=0-9", part(0, 9)),
            ("bytes=90-", part(90, 99)),
            ("bytes=90-1000", part(90, 99)),
            ("bytes=-10", part(90, 99)),
            ("bytes=-1000", part(0, 99)),
            ("bytes=100-", Err(Unsatisfiable)),
            ("bytes=-0", Err(Unsatisfiable)),
            ("bytes=9-3", Ok(None)),
            ("bytes=0-1,5-6", Ok(None)),
            ("lines=1-2", Ok(None)),
            ("bytes=a-b", Ok(None)),
            ("", Ok(None)),
        ] {
            assert_eq!(parse(text, 100), wanted, "{text}");
        }
        assert_eq!(parse("bytes=0-0", 0), Err(Unsatisfiable));
    }
}
