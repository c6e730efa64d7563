//! A folded text with zero bytes on both sides of it, so that its ends are read like its middle.

use crate::rule::fold;

/// Zero bytes before a text, and as many after it.
pub(super) const PADDING: usize = 16;

/// Eight bytes of a text and three after them, and one more.
pub(super) const BLOCK: usize = 12;

/// The folded text of one value; room for it is kept from one value to the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Folded {
    /// Zero bytes, the text, zero bytes; what follows is left from longer texts.
    room: Vec<u8>,
    length: usize,
    is_ascii: bool,
    /// The first and the last eight bytes, with zeros for those a short text does not have.
    first: u64,
    last: u64,
}

impl Folded {
    pub(super) fn fill(&mut self, text: &[u8]) {
        let needed = text.len() + 2 * PADDING;
        if self.room.len() < needed {
            self.room.resize(needed, 0);
        }
        let after = self.room.get_mut(PADDING..needed).unwrap_or_default();
        self.length = text.len();
        self.is_ascii = fold::ascii(text, after);
        if !self.is_ascii {
            return self.fill_slowly(text);
        }
        if let Some(padding) = after.last_chunk_mut::<PADDING>() {
            *padding = [0; PADDING];
        }
        if let (Some(first), Some(last)) = (text.first_chunk(), text.last_chunk()) {
            // What has just been written in other pieces is slow to read.
            self.first = fold::ascii_word(u64::from_le_bytes(*first));
            self.last = fold::ascii_word(u64::from_le_bytes(*last));
        } else {
            self.find_ends();
        }
    }

    #[cold]
    fn fill_slowly(&mut self, text: &[u8]) {
        self.room.truncate(PADDING);
        fold::append(text, &mut self.room);
        self.length = self.room.len() - PADDING;
        self.room.extend_from_slice(&[0; PADDING]);
        self.find_ends();
    }

    fn find_ends(&mut self) {
        self.first = self.word(PADDING);
        self.last = self.word(PADDING - 8 + self.length);
    }

    pub(super) fn text(&self) -> &[u8] {
        self.room.get(PADDING..PADDING + self.length).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Whether the text was ASCII before it was folded, and so is now.
    pub(super) fn is_ascii(&self) -> bool {
        self.is_ascii
    }

    /// Every eight bytes of the text, with some of those after them.
    #[inline]
    pub(super) fn blocks(&self) -> impl Iterator<Item = &[u8; BLOCK]> {
        let text = self.room.get(PADDING..).unwrap_or_default();
        (0..self.length).step_by(8).map_while(move |place| text.get(place..).and_then(<[u8]>::first_chunk))
    }

    /// The first eight bytes, the first of them lowest; zero after the end of a short text.
    #[inline]
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The last eight bytes, the last of them highest; zero before the start of a short text.
    #[inline]
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    #[inline]
    fn word(&self, place: usize) -> u64 {
        self.room.get(place..).and_then(<[u8]>::first_chunk).map_or(0, |word| u64::from_le_bytes(*word))
    }

    /// The part from the last place of a byte, which is not zero: its first eight bytes, as
    /// [`Self::first`] has them, and its length. May miss parts that are longer than some length.
    #[inline]
    pub(super) fn last_part(&self, byte: u8, longest: usize) -> Option<(u64, usize)> {
        const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;
        let wanted = u64::from_le_bytes([byte; 8]);
        // How many bytes from the last such byte among eight on; 0 if there is none.
        let reach = |bytes: u64| {
            let others = bytes ^ wanted;
            // The highest bit of every byte that is zero.
            let found = !(((others & LOW) + LOW) | others | LOW);
            found.checked_ilog2().map_or(0, |bit| 8 - bit as usize / 8)
        };
        match reach(self.last) {
            0 => {}
            length => return Some((self.last >> (64 - 8 * length), length)),
        }
        let mut after = 8;
        while after < self.length.min(longest) {
            match reach(self.word(PADDING - 8 + self.length - after)) {
                0 => after += 8,
                length => return Some((self.word(PADDING + self.length - after - length), after + length)),
            }
        }
        None
    }
}

/// Four bytes of a block from one of the first eight on; the first is the lowest.
#[inline]
pub(super) fn gram(block: &[u8; BLOCK], at: usize) -> u32 {
    block.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |gram| u32::from_le_bytes(*gram))
}

/// Two bytes of a block from one of the first eight on.
#[inline]
pub(super) fn pair(block: &[u8; BLOCK], at: usize) -> u32 {
    gram(block, at) & 0xFFFF
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_of_any_length_are_folded_and_have_zeros_around(
            texts in proptest::collection::vec(prop_oneof![3 => "[ -~]{0,70}", 1 => "[ -~ä-ÿK]{0,40}"], 1..6),
            byte in prop::sample::select(vec![b'/', b'\\', b'a', b'A']),
            longest in 0_usize..80,
        ) {
            let mut folded = Folded::default();
            for text in texts {
                folded.fill(text.as_bytes());
                let expected = fold::bytes(text.as_bytes());
                prop_assert_eq!(folded.text(), &*expected);
                prop_assert_eq!((folded.len(), folded.is_ascii()), (expected.len(), text.is_ascii()));
                let around = [&[0; PADDING][..], &expected, &[0; PADDING]].concat();
                prop_assert_eq!(folded.blocks().count(), expected.len().div_ceil(8));
                for (place, (block, at)) in folded.blocks().flat_map(|block| (0..8).map(move |at| (block, at))).enumerate() {
                    let four: [u8; 4] = around[PADDING + place..][..4].try_into().expect("four");
                    let two = [four[0], four[1], 0, 0];
                    prop_assert_eq!((gram(block, at), pair(block, at)), (u32::from_le_bytes(four), u32::from_le_bytes(two)));
                }
                let word = |from: usize| u64::from_le_bytes(around[from..from + 8].try_into().expect("eight"));
                prop_assert_eq!((folded.first(), folded.last()), (word(PADDING), word(PADDING - 8 + expected.len())));
                let part = folded.last_part(byte, longest);
                let last = expected.iter().rposition(|other| *other == byte);
                let last = last.map(|place| (word(PADDING + place), expected.len() - place));
                prop_assert!(part == last || (part.is_none() && last.is_some_and(|(_, length)| length > longest)));
            }
        }
    }
}
