//! Bytes of the observed host as JSON text, and back without loss.
//!
//! JSON strings are Unicode; file names and arguments need not be. A byte that is not part of valid
//! UTF-8 is written as the private-use character U+10FF00 plus its value. The few genuine characters
//! of that range are written byte by byte in the same way, so that reading back is always exact.

use std::io::Write;

const BASE: u32 = 0x0010_FF00;

fn mapped(byte: u8) -> char {
    char::from_u32(BASE + u32::from(byte)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The text of `bytes`; [`decode`] is its inverse.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if u32::from(character) >= BASE {
                let mut buffer = [0; 4];
                text.extend(character.encode_utf8(&mut buffer).bytes().map(mapped));
            } else {
                text.push(character);
            }
        }
        text.extend(chunk.invalid().iter().copied().map(mapped));
    }
    text
}

/// The bytes of a text written by [`encode`].
#[must_use]
pub fn decode(text: &str) -> Box<[u8]> {
    let mut bytes = Vec::with_capacity(text.len());
    append_decoded(text, &mut bytes);
    bytes.into()
}

/// Appends the bytes of a text written by [`encode`]: for callers that keep the memory.
pub fn append_decoded(text: &str, bytes: &mut Vec<u8>) {
    if is_ascii(text.as_bytes()) {
        bytes.extend_from_slice(text.as_bytes());
        return;
    }
    let mut buffer = [0; 4];
    for character in text.chars() {
        match u32::from(character).checked_sub(BASE).and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes()),
        }
    }
}

/// As `is_ascii`, but without looking at the last bytes one by one: texts are short here.
#[must_use]
pub fn is_ascii(text: &[u8]) -> bool {
    let Some(last) = text.last_chunk() else { return text.is_ascii() };
    let (chunks, _) = text.as_chunks();
    let seen = chunks.iter().fold(u64::from_le_bytes(*last), |seen, chunk| seen | u64::from_le_bytes(*chunk));
    seen & 0x8080_8080_8080_8080 == 0
}

/// Writes `bytes` as a JSON string with its quotes.
pub fn write_json(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let plain =
        bytes.is_ascii() && !bytes.iter().any(|byte| *byte < 0x20 || *byte == b'"' || *byte == b'\\' || *byte == 0x7f);
    if plain {
        out.extend_from_slice(bytes);
    } else {
        for character in encode(bytes).chars() {
            match character {
                '"' => out.extend_from_slice(b"\\\""),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\r' => out.extend_from_slice(b"\\r"),
                // C0, DEL and C1 controls stay out of terminals.
                control if control.is_control() => {
                    // Writing to memory cannot fail.
                    drop(write!(out, "\\u{:04x}", u32::from(control)));
                }
                other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_byte_string_survives(bytes: Vec<u8>) {
            proptest::prop_assert_eq!(&*decode(&encode(&bytes)), &*bytes);
            let mut out = Vec::new();
            write_json(&mut out, &bytes);
            let text: String = serde_json::from_slice(&out).expect("JSON");
            proptest::prop_assert_eq!(&*decode(&text), &*bytes);
        }

        #[test]
        fn every_text_survives(text: String) {
            proptest::prop_assert_eq!(&*decode(&encode(text.as_bytes())), text.as_bytes());
        }
    }

    #[test]
    fn private_use_characters_are_not_mistaken_for_bytes() {
        let bytes = "\u{10FF41}\u{10FFFF}".as_bytes();
        assert_eq!(&*decode(&encode(bytes)), bytes);
        assert_eq!(encode(b"a\xffb"), "a\u{10FFFF}b");
    }
}
