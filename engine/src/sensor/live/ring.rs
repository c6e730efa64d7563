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
}

/// How far a drain got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drained {
    /// Everything up to the position asked for.
    Reached,
    /// A record before it is still being written.
    Busy,
}

impl Ring {
    /// Of a ring's descriptor and size (a power of two).
    pub(super) fn new(fd: OwnedFd, size: u32) -> io::Result<Self> {
        let page = rustix::param::page_size();
        let bytes = usize::try_from(size).map_err(io::Error::other)?;
        let consumer = Mapping::new(fd.as_fd(), page, 0, true)?;
        let producer = Mapping::new(fd.as_fd(), page + 2 * bytes, page as u64, false)?;
        Ok(Self { fd, consumer, producer, page, mask: u64::from(size) - 1 })
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

    /// Hands every record before `until` to `take` and gives its room back.
    pub(super) fn drain(&mut self, until: u64, mut take: impl FnMut(&[u8])) -> Drained {
        let Some(consumer) = self.consumer.word(0) else { return Drained::Reached };
        let mut position = consumer.load(Ordering::Relaxed);
        while position < until {
            let Ok(offset) = usize::try_from(position & self.mask) else { return Drained::Busy };
            let start = self.page + offset;
            let Some(header) = self.producer.half_word(start) else { return Drained::Busy };
            let length = header.load(Ordering::Acquire);
            if length & BUSY != 0 {
                return Drained::Busy;
            }
            let bytes = length & !DISCARDED;
            if length & DISCARDED == 0
                && let Ok(bytes) = usize::try_from(bytes)
                && let Some(record) = self.producer.bytes(start + 8, bytes)
            {
                take(record);
            }
            position += (u64::from(bytes) + HEADER).next_multiple_of(8);
            consumer.store(position, Ordering::Release);
        }
        Drained::Reached
    }
}
