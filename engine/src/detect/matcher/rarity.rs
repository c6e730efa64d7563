//! How many texts have a string: guesses that choose by what rules are looked up.
//!
//! They decide on speed only. Two sources: what each byte says on average, and the strings of the
//! rule set itself, since what many rules name is common where they apply (`.exe`, `http`).

use ahash::{AHashMap, AHashSet};

use crate::{
    event::Facts,
    rule::{fold, test::with_text},
};

/// Shares below this are all the same to the choice.
const LEAST: f64 = 0.000_1;
/// Sets of fewer strings say nothing of texts.
const MIN_STRINGS: usize = 50;

/// What paths and command lines of any host are full of.
const COMMON: &[&str] = &[
    "\"c:\\program files (x86)\\",
    "\"c:\\windows\\system32\\",
    "c:\\users\\",
    "microsoft office",
    ".exe\" -",
    ".exe /",
    ".dll",
    "/usr/bin/",
    "/usr/sbin/",
    "/usr/local/bin/",
    "/usr/lib/x86_64-linux-gnu/",
    "/usr/share/",
    "/bin/bash -c ",
    "/bin/sh -c ",
    "/var/log/",
    "/var/lib/",
    "/var/run/",
    "/etc/",
    "/home/",
    "/opt/",
    "/proc/",
    "/dev/null",
    "/tmp/",
    "https://",
    "http://",
    "python3",
    "java",
    ".conf",
    "--config=",
    "--name ",
    "service",
    "process",
    "application",
    "session",
    "profile",
    "type=",
];

/// What the strings of a rule set have in common.
pub(super) struct Rarity {
    strings: usize,
    grams: AHashMap<[u8; 4], u32>,
    /// Those of [`COMMON`].
    common: AHashSet<[u8; 4]>,
    events: u32,
    /// In how many of the events some text has it.
    observed: AHashMap<[u8; 4], u32>,
}

impl Default for Rarity {
    fn default() -> Self {
        let common = COMMON.iter().flat_map(|phrase| grams(phrase.as_bytes()));
        Self { common: common.collect(), strings: 0, grams: AHashMap::new(), events: 0, observed: AHashMap::new() }
    }
}

/// Every four bytes in a row.
fn grams(string: &[u8]) -> impl Iterator<Item = [u8; 4]> {
    string.windows(4).filter_map(|gram| gram.try_into().ok())
}

impl Rarity {
    /// Learns from a string that some rule looks for, folded.
    pub(super) fn learn(&mut self, string: &[u8]) {
        self.strings += 1;
        let mut seen: Vec<[u8; 4]> = grams(string).collect();
        seen.sort_unstable();
        seen.dedup();
        for gram in seen {
            *self.grams.entry(gram).or_default() += 1;
        }
    }

    /// Learns from an event that stands for others.
    pub(super) fn observe<F: Facts>(&mut self, event: &F) {
        self.events += 1;
        let mut seen = AHashSet::new();
        event.anywhere(|value| {
            with_text(value, |text| {
                seen.extend(grams(&fold::bytes(text)));
                false
            })
        });
        for gram in seen {
            *self.observed.entry(gram).or_default() += 1;
        }
    }

    /// The share of events that have these four bytes in some text; none were looked at, and nothing is known.
    pub(super) fn observed(&self, gram: [u8; 4]) -> Option<f64> {
        let seen = self.observed.get(&gram).copied().unwrap_or(0);
        (self.events > 0).then(|| f64::from(seen) / f64::from(self.events))
    }

    /// Whether texts of any host are full of these four bytes.
    pub(super) fn is_common(&self, gram: [u8; 4]) -> bool {
        self.common.contains(&gram)
    }

    /// The share of the set's strings that have these four bytes.
    pub(super) fn of_gram(&self, gram: [u8; 4]) -> f64 {
        if self.strings < MIN_STRINGS {
            return 0.0;
        }
        // Small numbers: both are counts of strings in memory.
        f64::from(self.grams.get(&gram).copied().unwrap_or(0)) / self.strings as f64
    }

    /// The share of texts that have it somewhere.
    pub(super) fn anywhere(&self, string: &[u8]) -> f64 {
        // A text of a hundred bytes has a hundred places.
        let share = (100.0 * self.at_a_place(string)).clamp(LEAST, 1.0);
        // A few bytes are hard to look for.
        if string.len() < 4 && string.is_ascii() { share.max(0.6) } else { share }
    }

    /// How often it is in a text, to compare it with others: what a few bytes cost to look for counts, too.
    pub(super) fn expected(&self, string: &[u8]) -> f64 {
        let search = match string.len() {
            _ if !string.is_ascii() => 0.0,
            0..4 => 0.5,
            4 => 0.1,
            _ => 0.0,
        };
        100.0 * self.at_a_place(string) + search
    }

    /// The share of texts that start or end with it.
    pub(super) fn at_an_end(&self, string: &[u8]) -> f64 {
        // Texts begin and end in fewer ways than chance has it.
        (8.0 * self.at_a_place(string)).clamp(0.002, 1.0)
    }

    /// The share of texts that are this string.
    pub(super) fn whole(&self, string: &[u8]) -> f64 {
        self.at_a_place(string).clamp(0.002, 0.05)
    }

    fn at_a_place(&self, string: &[u8]) -> f64 {
        let bits: f64 = string.iter().map(|byte| bits(*byte)).sum();
        let known = grams(string).map(|gram| self.of_gram(gram));
        let shared = known.reduce(f64::min).unwrap_or(0.0);
        // Bytes follow from those before them: not all of what each says is news.
        let guess = (0.6 * -bits).exp2().max(shared / 50.0);
        match grams(string).filter_map(|gram| self.observed(gram)).reduce(f64::min) {
            // Some event has each part of it, or none has: what was seen counts more than what the rules say.
            Some(seen) => guess.min(seen.max(0.5 / f64::from(self.events)) / 50.0).max(seen / 200.0),
            None => guess,
        }
    }
}

/// What a byte of a command line or path says, roughly.
pub(super) fn bits(byte: u8) -> f64 {
    match byte {
        b' ' | b'/' | b'-' | b'e' | b't' | b'a' | b'i' | b'n' | b'o' | b's' | b'r' | b'.' | b'\\' => 3.5,
        b'c' | b'd' | b'l' | b'm' | b'p' | b'u' | b'b' | b'h' | b'0' | b'1' | b'2' => 4.5,
        b'f' | b'g' | b'v' | b'w' | b'y' | b'k' | b'x' | b'3'..=b'9' | b'_' | b'=' | b':' => 5.5,
        0x80.. => 12.0,
        _ => 7.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longer_and_stranger_strings_are_rarer_and_shared_ones_are_not() {
        let mut rarity = Rarity::default();
        assert!(rarity.anywhere(b"base64 -d") < rarity.anywhere(b"base"));
        assert!(rarity.anywhere(b"{$@}") < rarity.anywhere(b"test"));
        assert!(rarity.at_an_end(b"/sh") < rarity.anywhere(b"/sh"));
        let before = rarity.at_an_end(b".exe");
        for index in 0..100 {
            rarity.learn(format!("\\program{index}.exe").as_bytes());
        }
        assert!(rarity.at_an_end(b".exe") > before);
        assert!(rarity.of_gram(*b"zzzz") < f64::EPSILON);
    }
}
