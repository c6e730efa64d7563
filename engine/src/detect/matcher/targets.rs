//! Which programs a fact is for, and which programs have been asked for by an event.
//!
//! A program has up to three needs. It is looked at when each has been met and nothing that excludes it
//! was found. A target is one of these of one program: a bit. The bits of sixty-four programs' first
//! needs lie beside those of their second, of their third, and of what excludes them.

/// A part of [`Targets`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Range {
    start: u32,
    end: u32,
}

impl Range {
    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }
}

/// The most needs of a program.
pub(super) const NEEDS: u32 = 3;
/// Bits of a program: its needs, and whether it is excluded.
const PLANES: usize = 4;
const _: () = assert!(NEEDS == 3 && PLANES == 4);

/// One need of one program, or what excludes it, as the number of its bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target(u32);

impl Target {
    /// One of the needs of a program, from 0 on.
    pub(super) fn new(program: u32, need: u32) -> Self {
        Self((program / 64 * (NEEDS + 1) + need) * 64 + program % 64)
    }

    /// Of nothing but a list that somebody keeps.
    pub(super) fn numbered(number: u32) -> Self {
        Self(number)
    }

    /// The number in that list.
    pub(super) fn number(self) -> usize {
        self.0 as usize
    }

    /// What excludes a program.
    pub(super) fn exclusion(program: u32) -> Self {
        Self::new(program, NEEDS)
    }
}

/// Lists of targets, one after the other.
#[derive(Debug, Default)]
pub(super) struct Targets {
    all: Vec<Target>,
}

impl Targets {
    /// Keeps a list.
    pub(super) fn add(&mut self, mut targets: Vec<Target>) -> Range {
        targets.sort_unstable();
        targets.dedup();
        let place = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let start = place(self.all.len());
        self.all.extend(targets);
        Range { start, end: place(self.all.len()) }
    }

    /// A list that was kept.
    pub(super) fn of(&self, range: Range) -> &[Target] {
        self.all.get(range.start as usize..range.end as usize).unwrap_or_default()
    }
}

/// The needs that an event has met.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    words: Vec<u64>,
}

impl Marks {
    /// Room for some programs, no need of which is met.
    pub(super) fn new(programs: usize) -> Self {
        Self { words: vec![0; programs.div_ceil(64) * PLANES] }
    }

    /// Starts with what holds without an event.
    pub(super) fn start(&mut self, initial: &Self) {
        self.words.clear();
        self.words.extend_from_slice(&initial.words);
    }

    /// Marks needs as met.
    pub(super) fn set(&mut self, targets: &[Target]) {
        for Target(bit) in targets {
            if let Some(word) = self.words.get_mut((bit >> 6) as usize) {
                *word |= 1 << (bit & 63);
            }
        }
    }

    /// Leaves no program excluded.
    pub(super) fn exclude_none(&mut self) {
        let (groups, _) = self.words.as_chunks_mut::<PLANES>();
        groups.iter_mut().for_each(|[.., excluded]| *excluded = 0);
    }

    /// Programs all of whose needs are met and that nothing excludes, among sixty-four from `64 * group` on.
    pub(super) fn met(&self, group: usize) -> u64 {
        let (groups, _) = self.words.as_chunks();
        groups.get(group).map_or(0, met)
    }

    /// Of sixty-four groups, the block of that number: in which any program is met. Nothing after the last block.
    pub(super) fn groups_met(&self, block: usize) -> Option<u64> {
        let (groups, _) = self.words.as_chunks();
        let groups = groups.chunks(64).nth(block)?;
        Some(groups.iter().enumerate().fold(0, |any, (place, group)| any | u64::from(met(group) != 0) << place))
    }
}

#[inline]
fn met([first, second, third, excluded]: &[u64; PLANES]) -> u64 {
    first & second & third & !excluded
}
