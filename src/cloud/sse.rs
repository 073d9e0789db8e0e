//! Server-sent events out of bytes that come in any pieces. Pure.

/// Longest line that is gathered, bytes; a provider's are far shorter.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Gathers bytes and gives away the data of whole events.
#[derive(Debug, Default)]
pub struct SseReader {
    line: Vec<u8>,
    data: Option<String>,
}

/// A line went beyond [`LINE_BYTES_MAX`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLong;

impl SseReader {
    /// Takes more bytes; gives the data of the events that are whole by now, in order.
    ///
    /// # Errors
    /// [`TooLong`]: this is no stream of events.
    pub fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, TooLong> {
        let mut events = Vec::new();
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                events.extend(self.take_line(&line));
            } else if self.line.len() < LINE_BYTES_MAX {
                self.line.push(*byte);
            } else {
                return Err(TooLong);
            }
        }
        Ok(events)
    }

    /// The stream has ended: what was not ended by an empty line is an event too, as some servers leave the last one.
    pub fn finish(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        self.take_line(&line);
        self.data.take()
    }

    fn take_line(&mut self, line: &[u8]) -> Option<String> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return self.data.take();
        }
        // Comments, names and ids of events are of no interest.
        let data = line.strip_prefix(b"data:")?;
        let data = String::from_utf8_lossy(data.strip_prefix(b" ").unwrap_or(data)).into_owned();
        match &mut self.data {
            Some(so_far) => {
                so_far.push('\n');
                so_far.push_str(&data);
            }
            None => self.data = Some(data),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_whole_from_any_pieces() {
        let text = ": hello\r\nevent: x\r\ndata: {\"a\":\"gr\u{fc}n\"}\r\n\r\ndata:1\ndata: 2\n\n\ndata: [DONE]";
        for size in 1..text.len() {
            let mut reader = SseReader::default();
            let mut events: Vec<String> =
                text.as_bytes().chunks(size).flat_map(|piece| reader.push(piece).expect("short")).collect();
            events.extend(reader.finish());
            assert_eq!(events, ["{\"a\":\"gr\u{fc}n\"}", "1\n2", "[DONE]"], "pieces of {size}");
        }
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut reader = SseReader::default();
        assert_eq!(reader.push(&vec![b'x'; LINE_BYTES_MAX + 1]), Err(TooLong));
    }
}
