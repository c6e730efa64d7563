//! Exchanges thousands of rules under load: nothing may go unjudged, and nothing may wait.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use beewolf::{
    alert::{Dedup, DedupLimits},
    detect::{RuleSet, State},
    enrich::{Enricher, Host, Limits, Users},
    event::{Kind, id},
    pipeline::{
        Stages, Tally,
        renewal::{Origin, Renewal, Renewals},
        tuning::Tuner,
    },
    rule::sigma::Fieldmap,
    sink::Sinks,
    whitelist::Whitelist,
};

use crate::{
    corpus, engine,
    table::{Row, Target},
};

/// Events per second.
const RATE: u64 = 200_000;
/// How often the rules are exchanged.
const EXCHANGES: u32 = 5;
/// Different events, used again and again.
const EVENTS: usize = 1_000;

fn load(rules: &Path, fieldmap: &Arc<Fieldmap>) -> RuleSet {
    let (set, _) =
        RuleSet::load(&[rules.to_owned()], Arc::clone(fieldmap)).unwrap_or_else(|problems| panic!("{problems}"));
    set
}

/// The stages of a sensor, without one and without destinations.
fn stages(rules: RuleSet) -> Stages {
    let host = Host { name: Box::default(), boot_id: Box::default(), boot_to_wall_ns: 0 };
    Stages {
        scanner: None,
        tuner: Some(Tuner::start().expect("a thread")),
        enricher: Enricher::new(Limits::default(), id::Origin::new("", ""), host, Users::fixed([])),
        rules: Arc::new(rules),
        whitelist: Whitelist::default(),
        state: State::default(),
        forgotten: 0,
        dedup: Dedup::new(DedupLimits { window_ns: 0, ..DedupLimits::default() }),
        sinks: Sinks::start(&[]).expect("no destinations"),
        recorder: None,
        tally: Tally::default(),
        filter: None,
        patience: None,
    }
}

/// Exchanges rules for the same rules while events come at a steady rate.
pub(super) fn measure(rules: PathBuf, fieldmap: Arc<Fieldmap>) -> Vec<Row> {
    let first = load(&rules, &fieldmap);
    // As in the sensor, events have a thread and thus a heap of their own.
    let events = std::thread::spawn(move || follow(first, rules, fieldmap));
    events.join().expect("no panic")
}

fn follow(first: RuleSet, rules: PathBuf, fieldmap: Arc<Fieldmap>) -> Vec<Row> {
    let events: Vec<_> = corpus::linux(EVENTS).iter().map(engine::typed).collect();
    let mut stages = stages(first);
    let name = format!("{} rules exchanged {EXCHANGES} times under {RATE} events/s", stages.rules.rules().len());
    // What one round of the events gives, by the rules that stay the same.
    events.iter().for_each(|event| stages.event(Box::new(event.clone())));
    let each = stages.tally.alerts;
    stages.tally = Tally::default();

    let asked = Arc::new(AtomicBool::new(false));
    let origin = Origin {
        in_force: 0,
        interval: None,
        asked: Arc::clone(&asked),
        look: Box::new(|| 0),
        read: Box::new(move || {
            Some(Renewal { rules: load(&rules, &fieldmap), whitelist: Whitelist::default(), yara: None })
        }),
    };
    let renewals = Renewals::start(origin).expect("a thread");
    let gap = Duration::from_secs(1) / u32::try_from(RATE).expect("a rate");
    let (mut longest, mut swap, mut done) = (Duration::ZERO, Duration::ZERO, 0);
    let mut number = 0_u32;
    let began = Instant::now();
    asked.store(true, Ordering::Release);
    // To the end of a round, so that the alerts can be counted.
    while done < EXCHANGES || !number.is_multiple_of(u32::try_from(EVENTS).expect("few")) {
        let due = gap * number;
        while began.elapsed() < due {
            std::hint::spin_loop();
        }
        let event = &events[number as usize % EVENTS];
        stages.event(Box::new(event.clone()));
        longest = longest.max(began.elapsed().saturating_sub(due));
        number += 1;
        stages.tune();
        if let Some(renewal) = renewals.next() {
            let before = Instant::now();
            renewals.retire(stages.renew(renewal));
            swap = swap.max(before.elapsed());
            done += 1;
            asked.store(done < EXCHANGES, Ordering::Release);
        }
    }
    let rate = f64::from(number) / began.elapsed().as_secs_f64();
    let judged = stages.tally.events[Kind::Exec as usize];
    let expected = each * u64::from(number) / EVENTS as u64;
    let milliseconds = |time: Duration| time.as_secs_f64() * 1e3;
    let lost = u64::from(number).abs_diff(judged) + expected.abs_diff(stages.tally.alerts);
    eprintln!("{name}: {number} events, {judged} judged, {} alerts of {expected}", stages.tally.alerts);
    vec![
        Row::new(&format!("{name}: had"), rate, "events/s", Target::AtLeast(0.99 * RATE as f64)),
        Row::new(&format!("{name}: unjudged, or alerts missing"), lost as f64, "", Target::AtMost(0.0)),
        Row::new(&format!("{name}: longest wait of an event"), milliseconds(longest), "ms", Target::AtMost(20.0)),
        Row::new(&format!("{name}: longest exchange"), milliseconds(swap), "ms", Target::AtMost(20.0)),
    ]
}
