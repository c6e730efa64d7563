//! Order, threads, queue sizes and shutdown: the one place where the stages meet.
//!
//! ```text
//! reader thread            events thread                     one thread per sink
//! rings ─> decode ─> merge ══ queue ══> enrich ─> detect ─> whitelist ─> dedup ═ queue ═> sink
//!                                  └──> recorder  ↑  ↑
//! rules thread: files ─> rules, whitelist ═════════╝  ║
//! scan thread: programs, files written ─> YARA ═══════╝
//! ```
//! In a replay the thread that called is that of the events.
//!
//! Nothing between the rings and the sinks drops anything: the queue makes the reader wait, the
//! rings fill up, and the kernel counts what finds no room. Sinks have queues of their own and
//! count for themselves. One thread enriches and matches, because both need the order that the
//! merge has made; spreading the matching over workers by process is for the indexed matcher.

#[cfg(feature = "bpf")]
pub mod live;
pub mod renewal;
pub mod replay;
pub mod tuning;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use renewal::{Renewal, Retired};
use tuning::Tuner;

use crate::{
    alert::{Alert, Dedup},
    detect::{RuleSet, State},
    enrich::Enricher,
    event::{
        Event, Kind, Loss, Seed, Status,
        loss::{LossSource, Lost},
        value::{Bytes, Time},
    },
    rule::Filter,
    scan::Worker,
    sink::{Record, Sinks},
    store::recording::Writer,
    whitelist::Whitelist,
};

/// What has gone through, since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events, by place of the kind in [`Kind::ALL`].
    pub events: [u64; Kind::ALL.len()],
    /// Alerts that were handed to the sinks, updates of earlier ones not counted.
    pub alerts: u64,
    /// Alerts that an `unless` or a whitelist entry suppressed.
    pub suppressed: u64,
    /// What was lost before the sinks, in records.
    pub lost: u64,
    /// How often matchers were made for the events that came.
    pub tunings: u64,
    /// Time the rules took, nanoseconds, by place of the kind in [`Kind::ALL`].
    pub rule_time_ns: [u64; Kind::ALL.len()],
}

impl Tally {
    /// All events.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.events.iter().sum()
    }
}

/// Everything behind the sensor.
pub struct Stages {
    /// Adds facts; absent in a replay, whose events have them.
    pub enricher: Enricher,
    /// The rules.
    pub rules: Arc<RuleSet>,
    /// What suppresses alerts of any rule.
    pub whitelist: Whitelist,
    /// What the rules remember.
    pub state: State,
    /// What of that had been lost when it was last reported.
    pub forgotten: u64,
    /// What makes repeats of an alert updates of it.
    pub dedup: Dedup,
    /// Where alerts and events go.
    pub sinks: Sinks,
    /// What scans files, if anything does.
    pub scanner: Option<Worker>,
    /// What makes matchers for the events that come, if anything does: in a replay it would come too late.
    pub tuner: Option<Tuner>,
    /// Where events are recorded, if they are.
    pub recorder: Option<Writer>,
    /// What has gone through.
    pub tally: Tally,
    /// Which events are shown and recorded; all if absent.
    pub filter: Option<Filter>,
    /// How long a full sink is waited for: in a replay, where nothing new piles up meanwhile. Live, no time at all.
    pub patience: Option<Duration>,
}

impl Stages {
    /// Rules that can match.
    #[must_use]
    pub fn active_rules(&self) -> usize {
        self.rules.rules().iter().filter(|rule| !rule.kinds.is_empty()).count()
    }

    /// Ids of the rules that were blind while events of a kind were lost.
    #[must_use]
    pub fn blind_to(&self, kind: Kind) -> Vec<String> {
        self.rules.rules().iter().filter(|rule| rule.kinds.contains(&kind)).map(|rule| rule.facts.id.clone()).collect()
    }

    /// Brings other rules into force, from the next event on. What they share with those before is kept: what
    /// unchanged rules over several events remember, what unchanged exceptions and whitelist entries have counted.
    #[must_use]
    pub fn renew(&mut self, Renewal { rules, mut whitelist, yara }: Renewal) -> Retired {
        if let Some(scanner) = &mut self.scanner {
            scanner.renew(yara);
        }
        rules.inherit(&self.rules);
        whitelist.inherit(&self.whitelist);
        let dropped = self.state.move_to(&rules);
        let rules = std::mem::replace(&mut self.rules, Arc::new(rules));
        let whitelist = std::mem::replace(&mut self.whitelist, whitelist);
        Retired { rules, whitelist, dropped }
    }

    /// Takes matchers made for the events that came lately, if there are any.
    pub fn tune(&mut self) {
        if let Some(tuner) = &mut self.tuner
            && let Some(rules) = tuner.next(&self.rules)
        {
            let before = std::mem::replace(&mut self.rules, Arc::new(rules));
            tuner.replaced(before, &self.rules);
            self.tally.tunings = self.tally.tunings.saturating_add(1);
        }
    }

    /// Takes a process that was there already.
    pub fn seed(&mut self, seed: Seed) {
        self.enricher.seed(seed);
    }

    /// Takes an event through all stages.
    pub fn event(&mut self, mut event: Box<Event>) {
        self.enricher.apply(&mut event);
        let event: Arc<Event> = Arc::from(event);
        if let Some(scanner) = &self.scanner {
            scanner.consider(&event);
        }
        self.judge(event);
    }

    /// Takes what was found in a file. It says of its process what the event did that led to it.
    pub fn found(&mut self, event: Box<Event>) {
        self.judge(Arc::from(event));
    }

    /// Records, shows and judges an event.
    fn judge(&mut self, event: Arc<Event>) {
        if let Some(count) = self.tally.events.get_mut(event.kind() as usize) {
            *count += 1;
        }
        let shown = self.filter.as_ref().is_none_or(|filter| filter.matches(&event));
        if shown {
            if let Some(recorder) = &mut self.recorder {
                recorder.event(&event);
            }
            if self.sinks.wants_events() {
                self.sinks.offer(&Record::Event(Arc::clone(&event)));
            }
        }
        if let Some(tuner) = &mut self.tuner {
            tuner.offer(&event);
        }
        let Self { rules, whitelist, state, dedup, sinks, tally, patience, .. } = self;
        let mut deliver = |alert| hand_on(alert, sinks, tally, *patience);
        if let Some(Time(ns)) = event.time {
            dedup.tick(ns, &mut deliver);
        }
        let began = Instant::now();
        rules.evaluate(&event, state, &mut |mut alert: Alert| {
            whitelist.judge(&mut alert);
            dedup.take(alert, &mut deliver);
        });
        let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        if let Some(time) = tally.rule_time_ns.get_mut(event.kind() as usize) {
            *time = time.saturating_add(took);
        }
    }

    /// Moves time on where no event does: `now` is the wall clock, less what an event may be late.
    pub fn tick(&mut self, now: Time) {
        let Self { rules, whitelist, state, dedup, sinks, tally, patience, .. } = self;
        let mut deliver = |alert| hand_on(alert, sinks, tally, *patience);
        rules.tick(now, state, &mut |mut alert: Alert| {
            whitelist.judge(&mut alert);
            dedup.take(alert, &mut deliver);
        });
        dedup.tick(now.0, &mut deliver);
    }

    /// Reports what rules over several events have lost since the last report: they may be blind to it.
    pub fn report_forgotten(&mut self, host_name: Option<Bytes>) {
        let lost = self.state.counters().lost();
        let before = std::mem::replace(&mut self.forgotten, lost);
        if lost > before {
            let name = Some("rules over several events".to_owned());
            self.own_loss(Loss { name, host_name, ..Loss::new(LossSource::Detect, Lost::Event, lost - before) });
        }
    }

    /// Hands on what is still held back: no event will come any more.
    pub fn flush(&mut self) {
        self.report_forgotten(None);
        let Self { dedup, sinks, tally, patience, .. } = self;
        dedup.finish(&mut |alert| hand_on(alert, sinks, tally, *patience));
    }

    /// Reports a loss of an earlier stage.
    pub fn loss(&mut self, loss: Loss) {
        self.tally.lost = self.tally.lost.saturating_add(loss.count);
        if let Some(recorder) = &mut self.recorder {
            recorder.loss(&loss);
        }
        self.sinks.offer(&Record::Loss(Arc::new(loss)));
    }

    /// Reports a loss that is in the counters of its stage already.
    pub fn own_loss(&mut self, loss: Loss) {
        self.sinks.offer(&Record::Loss(Arc::new(loss)));
    }

    /// Reports how the sensor is doing.
    pub fn status(&self, status: Status) {
        self.sinks.offer(&Record::Status(Arc::new(status)));
    }
}

/// Counts an alert and gives it to the sinks.
fn hand_on(alert: Alert, sinks: &Sinks, tally: &mut Tally, patience: Option<Duration>) {
    if !alert.occurrences.is_update() {
        if alert.suppressed_by.is_some() {
            tally.suppressed += 1;
        } else {
            tally.alerts += 1;
        }
    }
    let record = Record::Alert(Arc::new(alert));
    match patience {
        Some(patience) => sinks.wait_for(&record, patience),
        None => sinks.offer(&record),
    }
}
