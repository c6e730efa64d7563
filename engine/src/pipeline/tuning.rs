//! Matchers made for what this host does.
//!
//! What rules are looked up by is chosen by what is rare. At the start that is a guess; later, events that were
//! drawn from all that came tell. Now and then a thread makes the matchers anew beside the events, and they are
//! taken between two of them. The verdicts are the same, and so is what rules remember.

use std::{
    io,
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::{
    background,
    detect::{RuleSet, Sample},
    event::Event,
};

/// Time from one making to the next, from when rules came into force; then the last one again and again.
const WAITS: [Duration; 4] = [
    Duration::from_secs(60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(60 * 60),
    Duration::from_secs(6 * 60 * 60),
];
/// Fewer events say little of what is to come.
const MIN_EVENTS: u64 = 1_024;

/// What the thread is given.
enum Work {
    /// Rules whose matchers are to be made for such events.
    Make(Arc<RuleSet>, Box<Sample>),
    /// Rules that are no longer in use: freeing them takes time.
    Free(Arc<RuleSet>),
}

/// Draws events and has matchers made for them.
pub struct Tuner {
    sample: Sample,
    /// The rules that are in force, as far as it knows.
    rules: Weak<RuleSet>,
    /// How often these were tuned.
    done: usize,
    since: Instant,
    waits: [Duration; 4],
    is_busy: bool,
    work: Sender<Work>,
    made: Receiver<(Arc<RuleSet>, RuleSet)>,
}

impl Tuner {
    /// Starts the thread. It ends with this.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start() -> io::Result<Self> {
        Self::with_waits(WAITS)
    }

    fn with_waits(waits: [Duration; 4]) -> io::Result<Self> {
        let (work, wanted) = bounded(2);
        let (sender, made) = bounded(1);
        background::spawn("tuning", move || {
            for work in &wanted {
                match work {
                    Work::Make(rules, sample) => {
                        let tuned = rules.tuned(&sample);
                        if sender.send((rules, tuned)).is_err() {
                            return;
                        }
                    }
                    Work::Free(rules) => drop(rules),
                }
            }
        })?;
        let (sample, rules, since) = (Sample::default(), Weak::new(), Instant::now());
        Ok(Self { sample, rules, done: 0, since, waits, is_busy: false, work, made })
    }

    /// Shows it an event.
    #[inline]
    pub fn offer(&mut self, event: &Arc<Event>) {
        self.sample.offer(event);
    }

    /// Has the matchers of the rules that are in force made if it is time to; gives the rules with them once they are
    /// made. Never waits. What is given has to be put in place of what was in force.
    #[must_use]
    pub fn next(&mut self, rules: &Arc<RuleSet>) -> Option<RuleSet> {
        if self.rules.as_ptr() != Arc::as_ptr(rules) {
            (self.rules, self.done, self.since) = (Arc::downgrade(rules), 0, Instant::now());
        }
        if let Ok((of, tuned)) = self.made.try_recv() {
            self.is_busy = false;
            // Others may have come into force meanwhile.
            return Arc::ptr_eq(&of, rules).then_some(tuned);
        }
        let wait = self.waits.get(self.done).or(self.waits.last()).copied().unwrap_or_default();
        if !self.is_busy && self.since.elapsed() >= wait && self.sample.offered() >= MIN_EVENTS {
            let sample = Box::new(std::mem::take(&mut self.sample));
            self.is_busy = self.work.try_send(Work::Make(Arc::clone(rules), sample)).is_ok();
        }
        None
    }

    /// Hears that rules it gave are in force, and takes those before.
    pub fn replaced(&mut self, before: Arc<RuleSet>, rules: &Arc<RuleSet>) {
        (self.rules, self.since) = (Arc::downgrade(rules), Instant::now());
        self.done = self.done.saturating_add(1);
        // If the thread is busy, they are freed here.
        drop(self.work.try_send(Work::Free(before)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Kind, json, value::Owned};

    fn event(number: usize) -> Arc<Event> {
        let line = format!("/usr/bin/tool --number {number}");
        let fields = [("process.command_line".to_owned(), Owned::Bytes(line.into_bytes().into()))];
        Arc::new(json::build(Kind::Exec, fields).0)
    }

    /// Asks until it gives something, for some seconds.
    fn wait(tuner: &mut Tuner, rules: &Arc<RuleSet>) -> Option<RuleSet> {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            if let Some(tuned) = tuner.next(rules) {
                return Some(tuned);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        None
    }

    #[test]
    fn matchers_are_made_again_and_again_for_the_rules_in_force_and_no_others() {
        let mut tuner = Tuner::with_waits([Duration::ZERO; 4]).expect("a thread");
        let mut rules = Arc::new(RuleSet::default());
        assert!(tuner.next(&rules).is_none(), "nothing is known of the events");
        for _ in 0..3 {
            (0..2_000).for_each(|number| tuner.offer(&event(number)));
            let tuned = Arc::new(wait(&mut tuner, &rules).expect("the rules with other matchers"));
            let before = std::mem::replace(&mut rules, Arc::clone(&tuned));
            tuner.replaced(before, &rules);
        }
        // While they are made, others come into force: what is made is not for them.
        (0..2_000).for_each(|number| tuner.offer(&event(number)));
        assert!(tuner.next(&rules).is_none());
        let others = Arc::new(RuleSet::default());
        let began = Instant::now();
        while tuner.made.is_empty() && began.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        assert!(tuner.next(&others).is_none() && !tuner.is_busy && tuner.done == 0);
    }

    #[test]
    fn few_events_are_not_enough() {
        let mut tuner = Tuner::with_waits([Duration::ZERO; 4]).expect("a thread");
        let rules = Arc::new(RuleSet::default());
        (0..1_000).for_each(|number| tuner.offer(&event(number)));
        assert!(tuner.next(&rules).is_none() && !tuner.is_busy);
    }
}
