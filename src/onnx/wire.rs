//! Protocol buffers as bytes, as far as changing a model's file needs: fields that carry their length. Must never know what
//! a field means.

/// Wire type of what carries its length.
const LENGTH_DELIMITED: u64 = 2;

/// What becomes of a field with length: `None` leaves it as it is; inside, `None` means that it is damaged.
pub type Change<'a> = dyn FnMut(u64, &[u8]) -> Option<Option<Vec<u8>>> + 'a;

/// Copies a message field by field, each field with length as `change` wants it. `None` if the bytes are no message.
pub fn rewrite(message: &[u8], change: &mut Change<'_>) -> Option<Vec<u8>> {
    let mut result = Vec::with_capacity(message.len() + 16);
    let mut rest = message;
    while !rest.is_empty() {
        let start = rest;
        let tag = varint(&mut rest)?;
        match tag & 7 {
            0 => drop(varint(&mut rest)?),
            1 => rest = rest.get(8..)?,
            LENGTH_DELIMITED => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                let content = rest.get(..length)?;
                rest = &rest[length..];
                if let Some(changed) = change(tag >> 3, content) {
                    write_field(&mut result, tag >> 3, &changed?);
                    continue;
                }
            }
            5 => rest = rest.get(4..)?,
            _ => return None,
        }
        result.extend_from_slice(&start[..start.len() - rest.len()]);
    }
    Some(result)
}

/// Appends a field with length.
pub fn write_field(message: &mut Vec<u8>, field: u64, content: &[u8]) {
    write_varint(message, field << 3 | LENGTH_DELIMITED);
    write_varint(message, content.len() as u64);
    message.extend_from_slice(content);
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn write_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}
