//! Whether some string may have some bytes: asked at every place of a text, and mostly denied.

/// What is at the place of different bytes.
const MANY: u8 = u8::MAX;

/// A byte per hash that is not zero if some string has it: one load and no shift per look. It also tells these bytes from
/// most others of the same hash.
#[derive(Debug)]
pub(super) struct Hashes<const N: usize> {
    bytes: Box<[u8; N]>,
}

impl<const N: usize> Hashes<N> {
    /// What is left of a hash of 32 bits is the place.
    const SHIFT: u32 = 32 - N.ilog2();

    pub(super) fn new() -> Self {
        const { assert!(N.is_power_of_two()) };
        Self { bytes: Box::new([0; N]) }
    }

    #[inline]
    fn place(bytes: u32) -> usize {
        (bytes.wrapping_mul(0x9E37_79B1) >> Self::SHIFT) as usize
    }

    /// What tells bytes from others at the same place, mostly.
    #[inline]
    fn tag(bytes: u32) -> u8 {
        let [_, tag, ..] = bytes.wrapping_mul(0x85EB_CA6B).to_be_bytes();
        tag.clamp(1, MANY - 1)
    }

    pub(super) fn add(&mut self, bytes: u32) {
        let (room, tag) = (&mut self.bytes[Self::place(bytes)], Self::tag(bytes));
        *room = if [0, tag].contains(room) { tag } else { MANY };
    }

    /// Whether some string may have these bytes: seldomer than they pass, and dearer to ask.
    #[inline]
    pub(super) fn confirms(&self, bytes: u32) -> bool {
        [Self::tag(bytes), MANY].contains(&self.bytes[Self::place(bytes)])
    }

    /// Whether some string may have these bytes: not 0.
    #[inline]
    pub(super) fn passes(&self, bytes: u32) -> u8 {
        self.bytes[Self::place(bytes)]
    }
}

/// One of a size that leaves most places empty. The first two stay in the fastest cache, the third in the next.
#[derive(Debug)]
pub(super) enum Filter {
    Tiny(Hashes<{ 1 << 12 }>),
    Small(Hashes<{ 1 << 14 }>),
    Medium(Hashes<{ 1 << 17 }>),
    Large(Hashes<{ 1 << 19 }>),
}

impl Filter {
    /// Room for some hashes.
    pub(super) fn new(hashes: usize) -> Self {
        match hashes {
            0..128 => Self::Tiny(Hashes::new()),
            128..1_024 => Self::Small(Hashes::new()),
            1_024..8_192 => Self::Medium(Hashes::new()),
            _ => Self::Large(Hashes::new()),
        }
    }

    pub(super) fn add(&mut self, bytes: u32) {
        match self {
            Self::Tiny(hashes) => hashes.add(bytes),
            Self::Small(hashes) => hashes.add(bytes),
            Self::Medium(hashes) => hashes.add(bytes),
            Self::Large(hashes) => hashes.add(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_passes_and_most_else_does_not() {
        for count in [1, 127, 1_000, 5_000, 20_000_u32] {
            let mut filter = Filter::new(count as usize);
            (0..count).for_each(|number| filter.add(number));
            let asked = |number: u32| match &filter {
                Filter::Tiny(hashes) => (hashes.passes(number) != 0, hashes.confirms(number)),
                Filter::Small(hashes) => (hashes.passes(number) != 0, hashes.confirms(number)),
                Filter::Medium(hashes) => (hashes.passes(number) != 0, hashes.confirms(number)),
                Filter::Large(hashes) => (hashes.passes(number) != 0, hashes.confirms(number)),
            };
            assert!((0..count).all(|number| asked(number) == (true, true)));
            let others = (1 << 20..(1 << 20) + 1_000).map(asked);
            assert!(others.clone().filter(|(passes, _)| *passes).count() < 200, "{count}");
            assert!(others.clone().filter(|(_, confirms)| *confirms).count() < 20, "{count}");
            assert!(others.into_iter().all(|(passes, confirms)| passes || !confirms));
        }
    }
}
