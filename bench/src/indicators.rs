//! Measures memory and time of indicator lists: `make bench-indicators`.
//!
//! Makes files of addresses, domains and SHA-256 hashes, reads them, and asks each list for values
//! that are in it and for values that are not.

use std::{hint::black_box, net::IpAddr, time::Duration};

use rustix::time::{ClockId, clock_gettime};

use beewolf::{
    event::value::Value,
    indicator::{Columns, Format, List, Sort, Spec},
};

/// Values asked for, each in its own place of memory.
const ASKED: usize = 1_000_000;
/// Times that all of them are asked for.
const ROUNDS: usize = 7;

/// A small generator: the same values at every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // splitmix64
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

fn entry(sort: Sort, numbers: &mut Numbers) -> String {
    let number = numbers.next();
    match sort {
        Sort::Ip => IpAddr::from(u32::try_from(number >> 32).unwrap_or_default().to_be_bytes()).to_string(),
        Sort::Domain => format!("{:x}.{:x}.example", number >> 40, number & 0xFFFF),
        Sort::Hash => (0..4).map(|_| format!("{:016x}", numbers.next())).collect(),
        Sort::FileName | Sort::Url => format!("{number:x}"),
    }
}

fn main() {
    let entries: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    println!("{:8} {:>9} {:>8} {:>9} {:>9} {:>9}", "list", "entries", "bytes/e", "read ms", "hit ns", "miss ns");
    for sort in [Sort::Ip, Sort::Domain, Sort::Hash] {
        let mut numbers = Numbers(7);
        let known: Vec<String> = (0..entries).map(|_| entry(sort, &mut numbers)).collect();
        let other: Vec<String> = (0..ASKED).map(|_| entry(sort, &mut numbers)).collect();
        let spec = Spec {
            name: "measured".to_owned(),
            path: "none".into(),
            format: Format::Plain,
            sort,
            subdomains: sort == Sort::Domain,
            columns: Columns::default(),
        };
        let file = known.join("\n");
        let start = processor_time();
        let Ok((list, _)) = List::read(&spec, file.as_bytes(), entries, None) else { return };
        let read = processor_time().saturating_sub(start).as_millis();
        let step = known.len().div_ceil(ASKED).max(1);
        let hit = time(&list, known.iter().step_by(step));
        let miss = time(&list, other.iter());
        println!(
            "{:8} {:>9} {:>8.1} {:>9} {:>9.0} {:>9.0}",
            list.sort().plural(),
            list.len(),
            rate(list.bytes(), list.len()),
            read,
            hit,
            miss
        );
    }
}

/// Nanoseconds of processor time per look-up, in the fastest of some rounds.
fn time<'t>(list: &List, texts: impl Iterator<Item = &'t String>) -> f64 {
    let values: Vec<(Option<IpAddr>, &[u8])> = texts.map(|text| (text.parse().ok(), text.as_bytes())).collect();
    let round = || {
        let start = processor_time();
        for (address, text) in &values {
            let value = address.map_or(Value::Bytes(text), Value::Ip);
            black_box(list.holds(black_box(value)));
        }
        processor_time().saturating_sub(start)
    };
    let fastest = (0..ROUNDS).map(|_| round()).min().unwrap_or_default();
    rate(usize::try_from(fastest.as_nanos()).unwrap_or(usize::MAX), values.len())
}

/// What this thread has used: others on the machine do not count.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn rate(total: usize, count: usize) -> f64 {
    total as f64 / count.max(1) as f64
}
