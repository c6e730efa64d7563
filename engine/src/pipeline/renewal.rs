//! New rules for a sensor that runs: read and compiled beside it, taken between two events.
//!
//! A thread looks at the files now and then. When they have changed, and are the same twice, or when
//! it is asked to, it reads them; what it made of them waits until the pipeline takes it. What was
//! in force before comes back to be freed, so that the pipeline never waits for memory.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use crate::{
    background,
    detect::{Dropped, RuleSet},
    scan,
    whitelist::Whitelist,
};

/// How often the thread sees whether it is asked or no longer needed.
const PAUSE: Duration = Duration::from_millis(100);

/// Rules to be brought into force.
#[derive(Debug)]
pub struct Renewal {
    /// The rules.
    pub rules: RuleSet,
    /// What suppresses alerts of any of them.
    pub whitelist: Whitelist,
    /// What files are scanned with.
    pub yara: Option<Arc<scan::Rules>>,
}

/// Rules that were in force, and what of their memory is not kept.
#[derive(Debug)]
pub struct Retired {
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// Their whitelist.
    pub whitelist: Whitelist,
    /// What rules over several events remembered.
    pub dropped: Dropped,
}

/// Where new rules come from.
pub struct Origin {
    /// The number of the files before those in force were read.
    pub in_force: u64,
    /// How often the files are looked at; `None` for never.
    pub interval: Option<Duration>,
    /// Set by whoever wants the rules to be read again.
    pub asked: Arc<AtomicBool>,
    /// Gives a number that changes with the files.
    pub look: Box<dyn FnMut() -> u64 + Send>,
    /// Reads them. Nothing if they cannot be used: it has told why, and what is in force stays.
    pub read: Box<dyn FnMut() -> Option<Renewal> + Send>,
}

/// The pipeline's end of the thread.
pub struct Renewals {
    ready: Receiver<Renewal>,
    retired: Sender<Retired>,
    refused: Arc<AtomicU64>,
}

impl Renewals {
    /// Starts the thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(origin: Origin) -> io::Result<Self> {
        let (sender, ready) = bounded(1);
        // The thread takes what comes back before it reads again, so there is always room.
        let (retired, old) = bounded(2);
        let refused = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&refused);
        // It ends when this end of its channels is dropped.
        background::spawn("rules", move || watch(origin, &sender, &old, &count))?;
        Ok(Self { ready, retired, refused })
    }

    /// Rules that are ready to be brought into force.
    #[must_use]
    pub fn next(&self) -> Option<Renewal> {
        self.ready.try_recv().ok()
    }

    /// Takes what was in force before.
    pub fn retire(&self, retired: Retired) {
        // If the thread is gone, the end is near, and it is freed here.
        drop(self.retired.try_send(retired));
    }

    /// How often the files were read and could not be used.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

fn watch(origin: Origin, ready: &Sender<Renewal>, old: &Receiver<Retired>, refused: &AtomicU64) {
    let Origin { mut in_force, interval, asked, mut look, mut read } = origin;
    let (mut seen, mut looked) = (in_force, Instant::now());
    loop {
        match old.recv_timeout(PAUSE) {
            Ok(retired) => drop(retired),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let mut wanted = asked.swap(false, Ordering::AcqRel);
        if wanted {
            seen = look();
        } else if interval.is_some_and(|interval| looked.elapsed() >= interval) {
            looked = Instant::now();
            let now = look();
            // Somebody may be in the middle of writing them.
            wanted = now != in_force && now == seen;
            seen = now;
        }
        if wanted {
            in_force = seen;
            match read() {
                Some(renewal) => {
                    if ready.send(renewal).is_err() {
                        return;
                    }
                }
                None => drop(refused.fetch_add(1, Ordering::Relaxed)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn renewals(interval: Option<Duration>, usable: bool) -> (Renewals, Arc<AtomicU64>, Arc<AtomicBool>) {
        let (files, asked) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let seen = Arc::clone(&files);
        let origin = Origin {
            in_force: 0,
            interval,
            asked: Arc::clone(&asked),
            look: Box::new(move || seen.load(Ordering::Relaxed)),
            read: Box::new(move || {
                usable.then(|| Renewal { rules: RuleSet::default(), whitelist: Whitelist::default(), yara: None })
            }),
        };
        (Renewals::start(origin).expect("a thread"), files, asked)
    }

    /// Waits for something that comes within some seconds.
    fn wait(mut is: impl FnMut() -> bool) {
        let began = Instant::now();
        while !is() {
            assert!(began.elapsed() < Duration::from_secs(20), "it never came");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn files_that_change_are_read_once_they_stay_the_same() {
        let (renewals, files, _) = renewals(Some(Duration::from_millis(1)), true);
        files.store(1, Ordering::Relaxed);
        wait(|| renewals.next().is_some());
        assert!(renewals.next().is_none());
        files.store(2, Ordering::Relaxed);
        wait(|| renewals.next().is_some());
    }

    #[test]
    fn whoever_asks_has_the_files_read_whether_they_changed_or_not() {
        let (renewals, _, asked) = renewals(None, true);
        for _ in 0..2 {
            asked.store(true, Ordering::Release);
            wait(|| renewals.next().is_some());
        }
    }

    #[test]
    fn what_cannot_be_used_is_counted_and_not_read_again_until_it_changes() {
        let (renewals, files, asked) = renewals(Some(Duration::from_millis(1)), false);
        files.store(1, Ordering::Relaxed);
        wait(|| renewals.refused() == 1);
        asked.store(true, Ordering::Release);
        wait(|| renewals.refused() == 2);
        assert!(renewals.next().is_none());
    }

    #[test]
    fn old_rules_are_freed_by_the_thread() {
        let (renewals, _, _) = renewals(None, true);
        let rules = Arc::new(RuleSet::default());
        let watched = Mutex::new(Arc::downgrade(&rules));
        renewals.retire(Retired { rules, whitelist: Whitelist::default(), dropped: Dropped::default() });
        wait(|| watched.lock().expect("a lock").upgrade().is_none());
    }
}
