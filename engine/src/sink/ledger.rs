//! What one sink has delivered and lost.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use super::Record;
use crate::event::{
    Kind, Loss,
    loss::{LossSource, Lost},
    value::Time,
};

/// The counters of one sink, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Name of the sink.
    pub name: String,
    /// Records handed to the receiver.
    pub delivered: u64,
    /// Records lost: queue full, receiver away at the end, record impossible to deliver.
    pub lost: u64,
    /// Records that wait, in memory and in the spool.
    pub queued: u64,
    /// The spool, if the sink has one.
    pub spool: Option<SpoolCounters>,
    /// When the first record was lost, on the wall clock.
    pub first_loss: Option<Time>,
    /// When the last record was lost, on the wall clock.
    pub last_loss: Option<Time>,
    /// The last error of the receiver.
    pub last_error: Option<String>,
}

/// The spool of one sink, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoolCounters {
    /// Records that the receiver has not confirmed; at the end they stay for the next start.
    pub records: u64,
    /// Those of them that are in memory only, because the disk takes none.
    pub in_memory: u64,
    /// Its size on disk.
    pub bytes: u64,
    /// Its largest size.
    pub max_bytes: u64,
    /// Records found damaged or missing; they are among the lost.
    pub damaged: u64,
    /// Records sent again because a connection broke before they were sure to have arrived.
    pub resent: u64,
}

#[derive(Clone, Copy, Debug)]
struct Tally {
    sort: (Lost, Option<Kind>),
    count: u64,
    first: Time,
    last: Time,
}

#[derive(Debug, Default)]
struct Book {
    lost: u64,
    first: Option<Time>,
    last: Option<Time>,
    last_error: Option<String>,
    /// By sort, since the last [`Ledger::take`]; no more entries than sorts.
    fresh: Vec<Tally>,
}

/// Counts, from the pipeline's threads and the sink's own.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    offered: AtomicU64,
    /// Those that were lost before they were taken or delivered.
    refused: AtomicU64,
    /// Those that went into the spool.
    taken: AtomicU64,
    delivered: AtomicU64,
    book: Mutex<Book>,
}

fn now() -> Time {
    Time(i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap_or(i64::MAX))
}

impl Ledger {
    fn book(&self) -> MutexGuard<'_, Book> {
        // Counters stay usable whatever happened to the thread that held them.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn offered(&self) {
        self.offered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn taken(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn delivered(&self, count: u64) {
        self.delivered.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, record: &Record) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.lose(record.sort(), 1);
    }

    /// Records lost after they were taken, of which only this is known.
    pub(super) fn lost_many(&self, lost: Lost, count: u64) {
        self.lose((lost, None), count);
    }

    /// Records that were offered and have neither been taken nor counted as lost.
    pub(super) fn not_taken(&self) -> u64 {
        let handled = self.taken.load(Ordering::Relaxed) + self.refused.load(Ordering::Relaxed);
        self.offered.load(Ordering::Relaxed).saturating_sub(handled)
    }

    /// The record before, taken for delivered, was not. Its sort is not known any more.
    pub(super) fn previous_lost(&self) {
        // Only the sink's own thread writes it. Never below zero, whatever a network reports.
        let delivered = self.delivered.load(Ordering::Relaxed);
        self.delivered.store(delivered.saturating_sub(1), Ordering::Relaxed);
        self.lose((Lost::Notice, None), 1);
    }

    fn lose(&self, sort: (Lost, Option<Kind>), count: u64) {
        if count == 0 {
            return;
        }
        let now = now();
        let mut book = self.book();
        book.lost += count;
        book.first = book.first.or(Some(now));
        book.last = Some(now);
        match book.fresh.iter_mut().find(|tally| tally.sort == sort) {
            Some(tally) => {
                tally.count += count;
                tally.last = now;
            }
            None => book.fresh.push(Tally { sort, count, first: now, last: now }),
        }
    }

    pub(super) fn note(&self, error: &std::io::Error) {
        let text = error.to_string();
        let mut book = self.book();
        if book.last_error.as_ref() != Some(&text) {
            book.last_error = Some(text);
        }
    }

    /// What was lost since the last call, by sort.
    pub(super) fn take(&self, name: &str) -> Vec<Loss> {
        std::mem::take(&mut self.book().fresh)
            .into_iter()
            .map(|tally| Loss {
                name: Some(name.to_owned()),
                kind: tally.sort.1,
                first: Some(tally.first),
                last: Some(tally.last),
                ..Loss::new(LossSource::Sink, tally.sort.0, tally.count)
            })
            .collect()
    }

    /// The last counters of a sink whose thread does not come back: all that was not delivered is lost.
    pub(super) fn written_off(&self, name: &str) -> Counters {
        let counters = self.counters(name, 0);
        let delivered = counters.delivered;
        Counters { lost: self.offered.load(Ordering::Relaxed).saturating_sub(delivered), ..counters }
    }

    pub(super) fn counters(&self, name: &str, queued: u64) -> Counters {
        let book = self.book();
        Counters {
            name: name.to_owned(),
            delivered: self.delivered.load(Ordering::Relaxed),
            lost: book.lost,
            queued,
            spool: None,
            first_loss: book.first,
            last_loss: book.last,
            last_error: book.last_error.clone(),
        }
    }
}
