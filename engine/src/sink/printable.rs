//! Bytes of the observed host as text that cannot move a terminal's cursor or mislead a reader.

use std::borrow::Cow;

/// At most `max` bytes of `bytes` as printable text, `…` marking a cut. Control characters, characters that
/// are invisible or change the direction of text, and bytes that are no UTF-8 become `\n`, `\x1b`,
/// `\u{202e}`, `\xff`.
#[must_use]
pub fn printable(bytes: &[u8], max: usize) -> Cow<'_, str> {
    if bytes.len() <= max && bytes.iter().all(|byte| (0x20..0x7f).contains(byte)) {
        // ASCII, so this always is valid.
        return String::from_utf8_lossy(bytes);
    }
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                control if control.is_control() => text.push_str(&format!("\\x{:02x}", u32::from(control))),
                hidden if is_hidden(hidden) => text.push_str(&format!("\\u{{{:x}}}", u32::from(hidden))),
                plain => text.push(plain),
            }
            if text.len() > max {
                return cut(text, max).into();
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
        if text.len() > max {
            return cut(text, max).into();
        }
    }
    text.into()
}

fn cut(mut text: String, max: usize) -> String {
    text.truncate(text.floor_char_boundary(max));
    text.push('…');
    text
}

/// Format characters, line separators and others that show nothing or reorder what stands around them.
fn is_hidden(character: char) -> bool {
    matches!(u32::from(character),
        0xad | 0x600..=0x605 | 0x61c | 0x6dd | 0x70f | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0
        | 0xfff0..=0xfffb | 0x110bd | 0x110cd | 0x13430..=0x1343f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0000..=0xe0fff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        for (bytes, text) in [
            (&b"plain /bin/sh"[..], "plain /bin/sh"),
            (b"\x1b[2J\x07", "\\x1b[2J\\x07"),
            (b"a\nb\r\tc\x7f", "a\\nb\\r\\tc\\x7f"),
            ("\u{9b}31m".as_bytes(), "\\x9b31m"),
            ("gpj.\u{202e}exe".as_bytes(), "gpj.\\u{202e}exe"),
            (b"\xff\xfe caf\xc3\xa9", "\\xff\\xfe café"),
            ("Ω\u{200b}".as_bytes(), "Ω\\u{200b}"),
        ] {
            assert_eq!(printable(bytes, 100), text);
        }
        assert_eq!(printable("ααα".as_bytes(), 3), "α…");
        assert_eq!(printable(b"abcd", 3), "abc…");
    }

    proptest::proptest! {
        #[test]
        fn no_byte_string_reaches_the_terminal_raw(bytes: Vec<u8>, max in 0_usize..64) {
            let text = printable(&bytes, max);
            proptest::prop_assert!(!text.chars().any(|character| character.is_control() || is_hidden(character)));
            proptest::prop_assert!(text.len() <= max + '…'.len_utf8());
        }
    }
}
