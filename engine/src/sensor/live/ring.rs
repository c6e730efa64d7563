//! The reading side of a BPF ring buffer, on a descriptor and without bpf(2).
//!
//! The kernel maps a ring as one page with the consumer's position (ours to write), one with the
//! producer's position, and the data twice in a row, so that no record is split. A record is an
//! 8-byte header (length with two flag bits, page offset) and its bytes, rounded up to 8
//! (kernel/bpf/ringbuf.c, `struct bpf_ringbuf_hdr`).
#![expect(unsafe_code, reason = "memory shared with the kernel has no safe form")]

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    ptr::NonNull,
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
};

use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};

const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;
const HEADER: u64 = 8;

/// Pages shared with the kernel, unmapped on drop.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

// SAFETY: the mapping belongs to this value alone, and what other threads and the kernel write is
// read through atomics or after an acquire load.
unsafe impl Send for Mapping {}

impl Mapping {
    /// Maps `length` bytes of a map's descriptor from `offset`.
    pub(super) fn new(fd: BorrowedFd<'_>, length: usize, offset: u64, writable: bool) -> io::Result<Self> {
        let access = if writable { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: a new mapping at an address the kernel chooses touches no memory of ours.
        let start = unsafe { mmap(std::ptr::null_mut(), length, access, MapFlags::SHARED, fd, offset) }?;
        let start = NonNull::new(start.cast::<u8>()).ok_or_else(|| io::Error::other("mapped at address zero"))?;
        Ok(Self { start, length })
    }

    /// A 64-bit word at `offset`, which must be a multiple of 8.
    pub(super) fn word(&self, offset: usize) -> Option<&AtomicU64> {
        let end = offset.checked_add(8)?;
        if end > self.length || !offset.is_multiple_of(8) {
            return None;
        }
        // SAFETY: `offset` lies inside the mapping (checked above), which lives as long as `self`.
        let place = unsafe { self.start.add(offset) };
        // SAFETY: the mapping begins on a page and `offset` is a multiple of 8, so the word is aligned;
        // it is only ever accessed atomically.
        Some(unsafe { place.cast::<AtomicU64>().as_ref() })
    }

    fn half_word(&self, offset: usize) -> Option<&AtomicU32> {
        let end = offset.checked_add(4)?;
        if end > self.length || !offset.is_multiple_of(4) {
            return None;
        }
        // SAFETY: `offset` lies inside the mapping (checked above), which lives as long as `self`.
        let place = unsafe { self.start.add(offset) };
        // SAFETY: aligned as in `word`, and only accessed atomically.
        Some(unsafe { place.cast::<AtomicU32>().as_ref() })
    }

    /// Bytes the other side no longer writes.
    fn bytes(&self, offset: usize, length: usize) -> Option<&[u8]> {
        let end = offset.checked_add(length)?;
        if end > self.length {
            return None;
        }
        // SAFETY: `offset` lies inside the mapping (checked above), which lives as long as `self`.
        let place = unsafe { self.start.add(offset) };
        // SAFETY: the range lies inside the mapping; the caller has seen the record committed (acquire)
        // and has not yet given it back, so the kernel does not write it.
        Some(unsafe { std::slice::from_raw_parts(place.as_ptr(), length) })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: start and length are those of one mmap call, and no reference outlives `self`.
        let result = unsafe { munmap(self.start.as_ptr().cast(), self.length) };
        if let Err(error) = result {
            tracing::debug!(%error, "munmap");
        }
    }
}

/// One ring.
#[derive(Debug)]
pub(super) struct Ring {
    fd: OwnedFd,
    consumer: Mapping,
    producer: Mapping,
    page: usize,
    mask: u64,
    /// Where reading has got to.
    next: u64,
    /// What was passed over on the way, by position.
    passed: Vec<Passed>,
}

/// A record in the making that was passed over.
#[derive(Clone, Copy, Debug)]
struct Passed {
    position: u64,
    /// The round in which it was first seen so.
    round: Round,
}

/// A round of reading, as a ring has to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Round {
    /// When it began, on the boot clock.
    pub(super) began_ns: u64,
    /// What is not younger than this had been handed on before.
    pub(super) done_ns: u64,
}

/// Most records in the making that are passed over; each belongs to a task that was interrupted in a probe.
const MAX_PASSED: usize = 4096;

impl Ring {
    /// Of a ring's descriptor and size (a power of two).
    pub(super) fn new(fd: OwnedFd, size: u32) -> io::Result<Self> {
        let page = rustix::param::page_size();
        let bytes = usize::try_from(size).map_err(io::Error::other)?;
        let consumer = Mapping::new(fd.as_fd(), page, 0, true)?;
        let producer = Mapping::new(fd.as_fd(), page + 2 * bytes, page as u64, false)?;
        let next = consumer.word(0).map_or(0, |word| word.load(Ordering::Relaxed));
        Ok(Self { fd, consumer, producer, page, mask: u64::from(size) - 1, next, passed: Vec::new() })
    }

    /// For poll: readable when a record came after the consumer had caught up.
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Where producers have got to; grows forever.
    pub(super) fn producer_position(&self) -> u64 {
        self.producer.word(0).map_or(0, |word| word.load(Ordering::Acquire))
    }

    /// Bytes of the ring.
    pub(super) fn size(&self) -> u64 {
        self.mask + 1
    }

    /// Bytes reserved and not yet given back.
    pub(super) fn fill(&self) -> u64 {
        let consumed = self.consumer.word(0).map_or(0, |word| word.load(Ordering::Relaxed));
        self.producer_position().saturating_sub(consumed)
    }

    /// Hands every record before `until` to `take` and gives room back.
    ///
    /// A record in the making is passed over and looked at again in the next round: its task may have
    /// been interrupted in the middle of the probe and not run again for long, and what comes after it
    /// must not wait for that. Room is given back only up to the first such record.
    pub(super) fn drain(&mut self, until: u64, round: Round, mut take: impl FnMut(&[u8])) {
        let mut passed = std::mem::take(&mut self.passed);
        passed.retain(|one| self.record(one.position, &mut take).is_none());
        while self.next < until && passed.len() < MAX_PASSED {
            let position = self.next;
            match self.record(position, &mut take) {
                Some(after) => self.next = after,
                None => {
                    let Some(after) = self.after(position) else { break };
                    passed.push(Passed { position, round });
                    self.next = after;
                }
            }
            self.give_back(&passed);
        }
        self.give_back(&passed);
        self.passed = passed;
    }

    /// The rounds in which records were first passed over that are still in the making.
    pub(super) fn passed(&self) -> impl Iterator<Item = Round> {
        self.passed.iter().map(|one| one.round)
    }

    fn give_back(&self, passed: &[Passed]) {
        if let Some(consumer) = self.consumer.word(0) {
            consumer.store(passed.first().map_or(self.next, |first| first.position), Ordering::Release);
        }
    }

    /// Takes the record at a position; where the next one begins, or `None` if it is still in the making.
    fn record(&self, position: u64, take: &mut impl FnMut(&[u8])) -> Option<u64> {
        let (length, start) = self.header(position)?;
        if length & BUSY != 0 {
            return None;
        }
        if length & DISCARDED == 0
            && let Ok(bytes) = usize::try_from(length)
            && let Some(record) = self.producer.bytes(start + 8, bytes)
        {
            take(record);
        }
        Some(after(position, length))
    }

    /// Where the record after the one at a position begins: the kernel writes the length of a record
    /// before it moves the producer's position beyond it.
    fn after(&self, position: u64) -> Option<u64> {
        self.header(position).map(|(length, _)| after(position, length))
    }

    fn header(&self, position: u64) -> Option<(u32, usize)> {
        let start = self.page + usize::try_from(position & self.mask).ok()?;
        Some((self.producer.half_word(start)?.load(Ordering::Acquire), start))
    }
}

fn after(position: u64, length: u32) -> u64 {
    position + (u64::from(length & !(BUSY | DISCARDED)) + HEADER).next_multiple_of(8)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, os::unix::fs::FileExt};

    use super::*;

    const SIZE: u32 = 1 << 16;
    const FIRST: Round = Round { began_ns: 1, done_ns: 0 };
    const SECOND: Round = Round { began_ns: 2, done_ns: 1 };

    /// A ring in memory of ours, written as the kernel writes it; the data's second mapping is not needed
    /// while nothing wraps.
    struct Kernel {
        memory: File,
        page: u64,
        position: u64,
    }

    impl Kernel {
        fn new() -> (Self, Ring) {
            let fd = rustix::fs::memfd_create("ring", rustix::fs::MemfdFlags::CLOEXEC).expect("memory");
            let memory = File::from(fd.try_clone().expect("a descriptor"));
            let page = rustix::param::page_size() as u64;
            memory.set_len(2 * page + 2 * u64::from(SIZE)).expect("memory");
            let ring = Ring::new(fd, SIZE).expect("mapped");
            (Self { memory, page, position: 0 }, ring)
        }

        /// Reserves a record of 8 bytes; gives its position.
        fn reserve(&mut self, word: u64) -> u64 {
            let position = self.position;
            self.memory.write_all_at(&word.to_ne_bytes(), 2 * self.page + position + 8).expect("written");
            self.set_length(position, 8 | BUSY);
            self.position += 16;
            self.memory.write_all_at(&self.position.to_ne_bytes(), self.page).expect("written");
            position
        }

        fn set_length(&self, position: u64, length: u32) {
            self.memory.write_all_at(&length.to_ne_bytes(), 2 * self.page + position).expect("written");
        }

        fn consumed(&self) -> u64 {
            let mut bytes = [0; 8];
            self.memory.read_exact_at(&mut bytes, 0).expect("read");
            u64::from_ne_bytes(bytes)
        }
    }

    fn drain(ring: &mut Ring, round: Round) -> Vec<u64> {
        let mut words = Vec::new();
        let until = ring.producer_position();
        ring.drain(until, round, |bytes| words.push(u64::from_ne_bytes(bytes.try_into().expect("8 bytes"))));
        words
    }

    #[test]
    fn a_record_in_the_making_holds_up_nothing_but_its_room() {
        let (mut kernel, mut ring) = Kernel::new();
        let positions: Vec<u64> = (0..5).map(|word| kernel.reserve(word)).collect();
        for index in [0, 2] {
            kernel.set_length(positions[index], 8);
        }
        assert_eq!(drain(&mut ring, FIRST), [0, 2]);
        assert_eq!((kernel.consumed(), ring.fill()), (positions[1], 64));
        assert_eq!(ring.passed().collect::<Vec<_>>(), [FIRST; 3]);
        // The fourth is thrown away by its probe; the second stays in the making.
        kernel.set_length(positions[3], 8 | DISCARDED);
        kernel.set_length(positions[4], 8);
        let last = kernel.reserve(5);
        assert_eq!(drain(&mut ring, SECOND), [4]);
        assert_eq!(ring.passed().collect::<Vec<_>>(), [FIRST, SECOND]);
        assert_eq!(kernel.consumed(), positions[1]);
        kernel.set_length(positions[1], 8);
        kernel.set_length(last, 8);
        assert_eq!(drain(&mut ring, SECOND), [1, 5]);
        assert_eq!((ring.passed().count(), ring.fill()), (0, 0));
        assert_eq!(drain(&mut ring, SECOND), [0; 0]);
    }
}
