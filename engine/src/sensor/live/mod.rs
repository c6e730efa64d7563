//! Events from the kernel: rings, order, loss.

mod decode;
mod merge;
mod ring;

use std::{
    fs::File,
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
    sync::atomic::Ordering,
    time::Duration,
};

use beewolf_ebpf::wire;
use rustix::{
    event::{PollFd, PollFlags, poll},
    io::Errno,
    time::{ClockId, clock_gettime},
};

use crate::event::{Event, Kind, Seed, id::Origin};
use decode::{Context, Decoded, decode};
use merge::Merge;
use ring::{Mapping, Ring, Round};

/// What the sensor hands on.
#[derive(Debug)]
pub enum Item {
    /// Something happened.
    Event(Box<Event>),
    /// A process that was there already.
    Seed(Box<Seed>),
}

/// One line of the sensor's loss accounting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Of which kind; `None` for records that are no events.
    pub kind: Option<Kind>,
    /// How many.
    pub count: u64,
    /// First and last time, nanoseconds on the boot clock.
    pub first_ns: u64,
    /// See `first_ns`.
    pub last_ns: u64,
}

/// Numbers of the sensor, all since its start.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    /// When they were read, nanoseconds on the boot clock: what is not in them was lost later.
    pub read_ns: u64,
    /// Records the probes wrote, by place of the kind in [`Kind::ALL`]; read from the kernel.
    pub written: [u64; Kind::ALL.len()],
    /// Events handed on, likewise.
    pub read: [u64; Kind::ALL.len()],
    /// Records that found no room in a ring.
    pub lost: Vec<Lost>,
    /// Records that could not be decoded.
    pub undecodable: u64,
    /// Events handed on after younger ones.
    pub late: u64,
    /// Records that a ring's sequence says were written and that were never read.
    pub missing: u64,
    /// Bytes that wait in each ring, and its size.
    pub rings: Vec<(u64, u64)>,
}

/// The reading end of a loaded set of probes.
#[derive(Debug)]
pub struct Live {
    rings: Vec<Ring>,
    counters: Mapping,
    merge: Merge<Item>,
    context: Context,
    read: [u64; Kind::ALL.len()],
    /// Records taken out of each ring.
    taken: Vec<u64>,
    undecodable: u64,
}

/// Longest time that what is younger waits for a record in the making, nanoseconds. What one task did and
/// what it caused is in order without it: a record is whole before its task goes on. It is for the order
/// between tasks that know nothing of each other, and a task that lost its CPU in a probe would cost
/// every alert of the host what it waits for it.
const MAX_HOLD_NS: u64 = 2_000_000;
/// How long records in the making are waited for at the end.
const LAST_TRIES: u32 = 200;
const LAST_PAUSE: Duration = Duration::from_millis(1);
/// Pause between two rounds while events come.
const ROUND_PAUSE: Duration = Duration::from_micros(500);
/// A ring this full (in eighths) is read again without a pause.
const HURRY_EIGHTHS: u64 = 2;

/// Now on the clock of the probes.
#[must_use]
pub fn boot_clock_ns() -> u64 {
    nanoseconds(ClockId::Boottime)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    seconds.saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0))
}

/// What to add to the boot clock to get the wall clock.
#[must_use]
pub fn wall_offset_ns() -> i64 {
    let (boot, wall) = (nanoseconds(ClockId::Boottime), nanoseconds(ClockId::Realtime));
    i64::try_from(wall).unwrap_or(i64::MAX).saturating_sub(i64::try_from(boot).unwrap_or(0))
}

/// A name for this run of the sensor: sequence numbers begin anew with each, and ids of events must not.
fn run_id(boot_id: &str) -> String {
    format!("{boot_id}.{}", boot_clock_ns())
}

impl Live {
    /// Takes over the rings and counters that the helper made.
    ///
    /// # Errors
    /// If they cannot be mapped.
    pub fn new(
        rings: Vec<OwnedFd>,
        ring_bytes: u32,
        counters: &OwnedFd,
        origin: Origin,
        boot_id: &str,
    ) -> io::Result<Self> {
        let count = rings.len();
        let rings = rings.into_iter().map(|fd| Ring::new(fd, ring_bytes)).collect::<io::Result<Vec<_>>>()?;
        let entries = usize::try_from(wire::RINGS.saturating_mul(wire::KINDS)).map_err(io::Error::other)?;
        let bytes = entries.saturating_mul(wire::counter::SIZE).next_multiple_of(rustix::param::page_size());
        let counters = Mapping::new(counters.as_fd(), bytes, 0, false)?;
        Ok(Self {
            rings,
            counters,
            merge: Merge::default(),
            context: Context { origin, wall_offset_ns: wall_offset_ns(), run_id: run_id(boot_id) },
            read: [0; Kind::ALL.len()],
            taken: vec![0; count],
            undecodable: 0,
        })
    }

    /// Seeds from the descriptor of the task iterator.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read_seeds(&mut self, iterator: OwnedFd, mut take: impl FnMut(Seed)) -> io::Result<()> {
        /// A host with more processes than this fills is seeded in part, and told so by the process table's counters.
        const MAX_BYTES: u64 = 256 << 20;
        let mut bytes = Vec::new();
        File::from(iterator).take(MAX_BYTES).read_to_end(&mut bytes)?;
        let mut rest = bytes.as_slice();
        while let Some(length) = rest.get(wire::header::LENGTH..wire::header::LENGTH.saturating_add(4)) {
            let length = length.try_into().map_or(0, u32::from_ne_bytes);
            let Some((record, next)) = usize::try_from(length)
                .ok()
                .filter(|length| *length > 0)
                .and_then(|length| rest.split_at_checked(length))
            else {
                self.undecodable = self.undecodable.saturating_add(1);
                break;
            };
            rest = next;
            match decode(record, 0, &self.context) {
                Ok(Decoded::Seed(seed)) => take(*seed),
                Ok(Decoded::Event(_)) | Err(_) => self.undecodable = self.undecodable.saturating_add(1),
            }
        }
        Ok(())
    }

    /// Waits until there may be something to read, at most `timeout`.
    ///
    /// # Errors
    /// As poll(2) gives them.
    pub fn wait(&self, timeout: Duration) -> io::Result<()> {
        if self.merge.len() > 0 || self.rings.iter().any(|ring| ring.passed().next().is_some()) {
            let hurried = self.rings.iter().any(|ring| ring.fill() > ring.size() / 8 * HURRY_EIGHTHS);
            if !hurried {
                std::thread::sleep(ROUND_PAUSE.min(timeout));
            }
            return Ok(());
        }
        let mut wait: Vec<PollFd<'_>> =
            self.rings.iter().map(|ring| PollFd::from_borrowed_fd(ring.as_fd(), PollFlags::IN)).collect();
        let timeout = rustix::time::Timespec::try_from(timeout).map_err(io::Error::other)?;
        match poll(&mut wait, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// One round: reads every ring and hands on what is due, in order of time.
    pub fn round(&mut self, take: impl FnMut(Item)) {
        let now = boot_clock_ns();
        self.fill(now);
        // A record in the making is not older than what was done when it was first seen.
        let held = self.rings.iter().flat_map(Ring::passed);
        let held = held.filter(|round| now.saturating_sub(round.began_ns) < MAX_HOLD_NS);
        let limit = held.map(|round| round.done_ns).min().unwrap_or(u64::MAX);
        let mut take = take;
        self.merge.release(now, limit, |item, late| take(marked(item, late)));
    }

    /// Reads what is left and hands everything on; the probes are detached.
    pub fn finish(&mut self, mut take: impl FnMut(Item)) {
        for _ in 0..LAST_TRIES {
            self.fill(boot_clock_ns());
            if self.rings.iter().all(|ring| ring.passed().next().is_none()) {
                break;
            }
            std::thread::sleep(LAST_PAUSE);
        }
        self.merge.finish(|item, late| take(marked(item, late)));
    }

    /// Reads every ring up to where its producers are now.
    fn fill(&mut self, now: u64) {
        let round = Round { began_ns: now, done_ns: self.merge.done_ns() };
        // All positions first: a record written while the first ring is read must not overtake
        // an older one in a ring that was read before.
        let until: Vec<u64> = self.rings.iter().map(Ring::producer_position).collect();
        for (index, (ring, until)) in self.rings.iter_mut().zip(until).enumerate() {
            let (merge, context, read, undecodable) =
                (&mut self.merge, &self.context, &mut self.read, &mut self.undecodable);
            let mut taken = 0u64;
            let mut take = |bytes: &[u8]| {
                taken = taken.saturating_add(1);
                match decode(bytes, index, context) {
                    Ok(Decoded::Event(event)) => {
                        if let Some(count) = read.get_mut(event.kind() as usize) {
                            *count = count.saturating_add(1);
                        }
                        merge.push(event.boot_ns, Item::Event(event));
                    }
                    Ok(Decoded::Seed(seed)) => merge.push(boot_time(bytes), Item::Seed(seed)),
                    Err(error) => {
                        *undecodable = undecodable.saturating_add(1);
                        tracing::debug!(%error, "record");
                    }
                }
            };
            ring.drain(until, round, &mut take);
            if let Some(count) = self.taken.get_mut(index) {
                *count = count.saturating_add(taken);
            }
        }
    }

    /// The numbers as they are now.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut all = Counters {
            read_ns: boot_clock_ns(),
            read: self.read,
            undecodable: self.undecodable,
            late: self.merge.late,
            ..Counters::default()
        };
        all.rings = self.rings.iter().map(|ring| (ring.fill(), ring.size())).collect();
        for (ring, taken) in self.taken.iter().enumerate() {
            for number in 0..wire::KINDS {
                let Some(base) = usize::try_from(number).ok().and_then(|number| {
                    ring.checked_mul(wire::KINDS as usize)?.checked_add(number)?.checked_mul(wire::counter::SIZE)
                }) else {
                    continue;
                };
                let word = |offset: usize| {
                    base.checked_add(offset)
                        .and_then(|at| self.counters.word(at))
                        .map_or(0, |word| word.load(Ordering::Relaxed))
                };
                let written = word(wire::counter::WRITTEN);
                if number == 0 {
                    // What is still in the ring or in flight shows here until it is read: only a drained ring must have none.
                    all.missing = all.missing.saturating_add(written.saturating_sub(*taken));
                    continue;
                }
                let kind = Kind::ALL.iter().copied().find(|kind| u32::from(kind.wire()) == number);
                if let Some(count) = kind.and_then(|kind| all.written.get_mut(kind as usize)) {
                    *count = count.saturating_add(written);
                }
                let count = word(wire::counter::LOST);
                if count > 0 {
                    let lost = Lost {
                        kind,
                        count,
                        first_ns: word(wire::counter::FIRST_LOST_NS),
                        last_ns: word(wire::counter::LAST_LOST_NS),
                    };
                    match all.lost.iter_mut().find(|other| other.kind == kind) {
                        Some(other) => {
                            other.count = other.count.saturating_add(count);
                            other.first_ns = other.first_ns.min(lost.first_ns);
                            other.last_ns = other.last_ns.max(lost.last_ns);
                        }
                        None => all.lost.push(lost),
                    }
                }
            }
        }
        all
    }
}

fn boot_time(record: &[u8]) -> u64 {
    let end = wire::header::TIME_NS.saturating_add(8);
    record.get(wire::header::TIME_NS..end).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes)
}

fn marked(mut item: Item, late: bool) -> Item {
    if late && let Item::Event(event) = &mut item {
        event.late = Some(true);
    }
    item
}
