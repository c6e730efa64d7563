//! Case folding: Unicode simple folding, character by character, as Sigma and the `i` operators need it.
//!
//! Bytes that are not valid UTF-8 fold to themselves.

use std::{collections::HashMap, sync::LazyLock};

use regex_syntax::hir::{ClassUnicode, ClassUnicodeRange};

/// For every character with case relatives the one that stands for all of them: the ASCII lower-case
/// letter if there is one (`K`, `k` and the Kelvin sign give `k`), else the smallest.
static FOLDED: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let mut folded = HashMap::new();
    for character in '\0'..=char::MAX {
        let has_case = !character.to_lowercase().eq(std::iter::once(character))
            || !character.to_uppercase().eq(std::iter::once(character));
        if !has_case {
            continue;
        }
        let mut relatives = ClassUnicode::new([ClassUnicodeRange::new(character, character)]);
        relatives.case_fold_simple();
        let smallest = relatives.ranges().first().map_or(character, ClassUnicodeRange::start);
        // The smallest relative of an ASCII letter is its upper case.
        folded.insert(character, smallest.to_ascii_lowercase());
    }
    folded
});

/// The folded form of a character.
#[must_use]
pub fn character(c: char) -> char {
    if c.is_ascii() { c.to_ascii_lowercase() } else { FOLDED.get(&c).copied().unwrap_or(c) }
}

/// The folded form of a string.
#[must_use]
pub fn bytes(text: &[u8]) -> Vec<u8> {
    let mut folded = Vec::with_capacity(text.len());
    append(text, &mut folded);
    folded
}

/// Appends the folded form of a string: for callers that keep the memory.
///
/// A needle that is valid UTF-8 and lies in a text lies, folded, in the folded text: a character's
/// bytes are read as that character wherever they stand.
pub fn append(text: &[u8], folded: &mut Vec<u8>) {
    let start = folded.len();
    folded.resize(start + text.len(), 0);
    if ascii(text, folded.get_mut(start..).unwrap_or_default()) {
        return;
    }
    folded.truncate(start);
    for chunk in text.utf8_chunks() {
        let mut buffer = [0; 4];
        for c in chunk.valid().chars() {
            folded.extend_from_slice(character(c).encode_utf8(&mut buffer).as_bytes());
        }
        folded.extend_from_slice(chunk.invalid());
    }
}

/// Writes the folded form of a text to the start of some room of at least its length, if the text is
/// ASCII, and says whether it is. If it is not, what is written has no meaning.
#[must_use]
pub fn ascii(text: &[u8], folded: &mut [u8]) -> bool {
    let Some(last) = text.last_chunk() else { return short(text, folded) };
    let (chunks, _) = text.as_chunks();
    let (rooms, _) = folded.as_chunks_mut();
    for (chunk, room) in chunks.iter().zip(rooms) {
        *room = vector(*chunk);
    }
    // The last bytes once more rather than one by one.
    if let Some(room) = folded.get_mut(..text.len()).and_then(<[u8]>::last_chunk_mut) {
        *room = vector(*last);
    }
    // A loop of its own, so that both are done by vector instructions.
    let last = u128::from_le_bytes(*last);
    let seen = chunks.iter().fold(last, |seen, chunk| seen | u128::from_le_bytes(*chunk));
    seen & (u128::from(HIGH) << 64 | u128::from(HIGH)) == 0
}

/// The same of a text that is shorter than what is folded at once.
fn short(text: &[u8], folded: &mut [u8]) -> bool {
    let mut seen = 0;
    if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
        // Some bytes are in both.
        for (word, at) in [(first, 0), (last, text.len() - 8)] {
            let word = u64::from_le_bytes(*word);
            seen |= word;
            if let Some(room) = folded.get_mut(at..).and_then(<[u8]>::first_chunk_mut) {
                *room = ascii_word(word).to_le_bytes();
            }
        }
        return seen & HIGH == 0;
    }
    for (byte, room) in text.iter().zip(folded) {
        seen |= u64::from(*byte);
        *room = byte.to_ascii_lowercase();
    }
    seen & HIGH == 0
}

/// Bytes that are folded at once.
const VECTOR: usize = 16;

/// Makes the capital letters among some bytes of ASCII small.
#[inline]
fn vector(bytes: [u8; VECTOR]) -> [u8; VECTOR] {
    // Two steps, of which the compiler makes vector instructions; of one it does not.
    let mut small = [0; VECTOR];
    for (small, byte) in small.iter_mut().zip(bytes) {
        *small = if byte.wrapping_sub(b'A') < 26 { 0x20 } else { 0 };
    }
    for (small, byte) in small.iter_mut().zip(bytes) {
        *small |= byte;
    }
    small
}

/// The highest bit of each byte.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Makes the capital letters among eight bytes of ASCII small.
#[inline]
#[must_use]
pub fn ascii_word(word: u64) -> u64 {
    /// What is to be added to a byte of ASCII, so that its highest bit says whether it is at least this.
    const fn at_least(byte: u8) -> u64 {
        u64::from_le_bytes([0x80 - byte; 8])
    }
    let low = word & !HIGH;
    // No sum is more than a byte.
    let capital = ((low + at_least(b'A')) ^ (low + at_least(b'Z' + 1))) & HIGH;
    word | capital >> 2
}

/// Whether folding a text means no more than making its ASCII letters small: it then has no
/// character outside ASCII that folds into ASCII.
#[must_use]
pub fn is_ascii_enough(text: &[u8]) -> bool {
    // The Kelvin sign and the long s are the only two.
    text.is_ascii()
        || (memchr::memmem::find(text, "\u{212A}".as_bytes()).is_none()
            && memchr::memmem::find(text, "\u{17F}".as_bytes()).is_none())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ascii_of_any_length_folds_to_its_small_letters(text in "[ -~]{0,70}") {
            prop_assert_eq!(bytes(text.as_bytes()), text.to_ascii_lowercase().into_bytes());
        }

        #[test]
        fn every_character_folds_as_it_does_alone(text in "[ -~\\u{80}-\\u{2ff}\\u{212a}]{0,40}") {
            let alone: String = text.chars().map(character).collect();
            prop_assert_eq!(bytes(text.as_bytes()), alone.into_bytes());
        }
    }

    #[test]
    fn only_two_characters_outside_ascii_fold_into_it() {
        let into: Vec<char> =
            FOLDED.iter().filter(|(from, to)| !from.is_ascii() && to.is_ascii()).map(|(from, _)| *from).collect();
        assert_eq!(into.len(), 2);
        assert!(into.contains(&'\u{212A}') && into.contains(&'\u{17F}'));
    }

    #[test]
    fn relatives_fold_to_one_and_the_rest_stays() {
        assert_eq!(bytes("ÄÖ Σσς ſK ß İ".as_bytes()), bytes("äö σΣΣ sk ß İ".as_bytes()));
        assert_eq!(bytes(b"A\xff\xc3Z"), b"a\xff\xc3z");
        // Simple folding does not change the number of characters: ß is not ss.
        assert_ne!(bytes("ß".as_bytes()), bytes(b"ss"));
    }
}
