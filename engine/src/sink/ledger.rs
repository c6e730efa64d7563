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
    /// Records that wait.
    pub queued: usize,
    /// When the first record was lost, on the wall clock.
    pub first_loss: Option<Time>,
    /// When the last record was lost, on the wall clock.
    pub last_loss: Option<Time>,
    /// The last error of the receiver.
    pub last_error: Option<String>,
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

    pub(super) fn delivered(&self) {
        self.delivered.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn lost(&self, record: &Record) {
        self.lose(record.sort());
    }

    /// The record before, taken for delivered, was not. Its sort is not known any more.
    pub(super) fn previous_lost(&self) {
        // Only the sink's own thread writes it. Never below zero, whatever a network reports.
        let delivered = self.delivered.load(Ordering::Relaxed);
        self.delivered.store(delivered.saturating_sub(1), Ordering::Relaxed);
        self.lose((Lost::Notice, None));
    }

    fn lose(&self, sort: (Lost, Option<Kind>)) {
        let now = now();
        let mut book = self.book();
        book.lost += 1;
        book.first = book.first.or(Some(now));
        book.last = Some(now);
        match book.fresh.iter_mut().find(|tally| tally.sort == sort) {
            Some(tally) => {
                tally.count += 1;
                tally.last = now;
            }
            None => book.fresh.push(Tally { sort, count: 1, first: now, last: now }),
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

    pub(super) fn counters(&self, name: &str, queued: usize) -> Counters {
        let book = self.book();
        Counters {
            name: name.to_owned(),
            delivered: self.delivered.load(Ordering::Relaxed),
            lost: book.lost,
            queued,
            first_loss: book.first,
            last_loss: book.last,
            last_error: book.last_error.clone(),
        }
    }
}
