//! Rules over several events by their definition: everything is kept, every window is looked at anew.
//! The engine must say the same.

use std::{collections::BTreeSet, sync::Arc};

use proptest::prelude::*;

use super::tests::{SECOND, START, run, set};
use crate::{
    detect::{State, StateLimits},
    event::{Event, json, value::Time},
};

/// What is seen: half seconds, group, which of three rules matches, number.
#[derive(Clone, Copy, Debug)]
struct Seen {
    time: i64,
    group: u8,
    rule: u8,
    number: i64,
}

#[derive(Clone, Debug)]
struct Case {
    kind: &'static str,
    condition: &'static str,
    within: i64,
    late: i64,
    seen: Vec<Seen>,
}

const LETTERS: [&str; 3] = ["a", "b", "c"];

fn case() -> impl Strategy<Value = Case> {
    let conditions = prop::sample::select(vec![
        ("event_count", "{gte: 4}"),
        ("event_count", "{eq: 2}"),
        ("event_count", "{lt: 3}"),
        ("event_count", "{gt: 40}"),
        ("value_count", "{field: process.pid, gte: 4}"),
        ("value_count", "{field: process.pid, eq: 3}"),
        ("value_sum", "{field: process.pid, gt: 12}"),
        ("value_avg", "{field: process.pid, gte: 4.5}"),
        ("value_median", "{field: process.pid, eq: 3.5}"),
        ("value_percentile", "{field: process.pid, percentile: 75, gt: 5.2}"),
        ("temporal", "{gte: 3}"),
        ("temporal", "{eq: 2}"),
        ("temporal", "a and (b or c)"),
        ("temporal", "a and not b and c"),
        ("temporal", "a and b or c and not a"),
        ("temporal_ordered", "{gte: 3}"),
        ("temporal_ordered", "{gt: 1}"),
        ("temporal_ordered", "a and (b or c)"),
        ("temporal_ordered", "a and b and not c"),
    ]);
    let seen = (0..4i64, 0..2u8, 0..3u8, 0..8i64, 0..24i64);
    let spread = prop::sample::select(vec![1i64, 2, 8]);
    (
        conditions,
        prop::sample::select(vec![1i64, 5, 30]),
        prop::sample::select(vec![0i64, 4, 10]),
        spread,
        prop::collection::vec(seen, 1..120),
    )
        .prop_map(|((kind, condition), within, late, spread, steps)| {
            let mut now = 0;
            let seen = steps
                .into_iter()
                .map(|(step, group, rule, number, back)| {
                    now += step * spread / 2;
                    // Some come late, a few too late.
                    let back = if back > 18 { back } else { 0 };
                    Seen { time: (now - back).max(0), group, rule, number }
                })
                .collect();
            Case { kind, condition, within, late, seen }
        })
}

fn event(index: usize, seen: Seen) -> Arc<Event> {
    let text = format!(
        r#"{{"event":{{"action":"exec","id":"{index}"}},"user":{{"name":"u{}"}},"process":{{"executable":"/bin/{}","pid":{}}}}}"#,
        seen.group,
        LETTERS[usize::from(seen.rule)],
        seen.number
    );
    let (mut event, errors) = json::read(text.as_bytes()).expect("an event");
    assert_eq!(errors, []);
    event.time = Some(Time(START + seen.time * SECOND / 2));
    Arc::new(event)
}

impl Case {
    fn rules(&self) -> String {
        let mut text = String::new();
        for name in LETTERS {
            text += &format!(
                "title: T\nid: rule-{name}\nname: {name}\nlogsource: {{category: process_creation, product: linux}}\n\
                 detection: {{sel: {{Image|endswith: /{name}}}, condition: sel}}\n---\n"
            );
        }
        text + &format!(
            "title: T\nid: r\ncorrelation:\n  type: {}\n  rules: [a, b, c]\n  group-by: [User]\n  timespan: {}s\n  condition: {}\n",
            self.kind, self.within, self.condition
        )
    }

    /// Whether the window of one group is enough. Times in it are those of the case.
    fn holds(&self, window: &[Seen]) -> bool {
        let there = |rule: u8| window.iter().any(|seen| seen.rule == rule);
        let (a, b, c) = (there(0), there(1), there(2));
        let mut numbers: Vec<i64> = window.iter().map(|seen| seen.number).collect();
        numbers.sort_unstable();
        let different = numbers.iter().collect::<BTreeSet<_>>().len();
        let count = i64::try_from(numbers.len()).expect("small");
        let sum: i64 = numbers.iter().sum();
        let at = |index: i64| numbers[usize::try_from(index).expect("inside")];
        // In quarters of the way from the first number to the last.
        let ranked = |quarters: i64| {
            let position = quarters * (count - 1);
            let (below, part) = (position / 4, position % 4);
            at(below) * (4 - part) + if part == 0 { 0 } else { at(below + 1) * part }
        };
        match (self.kind, self.condition) {
            ("event_count", "{gte: 4}") => count >= 4,
            ("event_count", "{eq: 2}") => count == 2,
            ("event_count", "{lt: 3}") => count < 3,
            ("event_count", "{gt: 40}") => count > 40,
            ("value_count", "{field: process.pid, gte: 4}") => different >= 4,
            ("value_count", "{field: process.pid, eq: 3}") => different == 3,
            ("value_sum", _) => sum > 12,
            ("value_avg", _) => sum * 2 >= count * 9,
            ("value_median", _) => ranked(2) == 14,
            ("value_percentile", _) => ranked(3) * 10 > 208,
            ("temporal", "{gte: 3}") => a && b && c,
            ("temporal", "{eq: 2}") => u8::from(a) + u8::from(b) + u8::from(c) == 2,
            ("temporal", "a and (b or c)") => a && (b || c),
            ("temporal", "a and b or c and not a") => a && b,
            ("temporal_ordered", "{gte: 3}") => in_order(window, &[0, 1, 2]),
            ("temporal_ordered", "{gt: 1}") => {
                in_order(window, &[0, 1]) || in_order(window, &[0, 2]) || in_order(window, &[1, 2])
            }
            ("temporal_ordered", "a and (b or c)") => in_order(window, &[0, 1]) || in_order(window, &[0, 2]),
            _ => false,
        }
    }

    /// The same for a window that is over and begins with an event, which is the first.
    fn holds_without(&self, window: &[Seen], begins_with: &[u8]) -> bool {
        let there = |rule: u8| window.iter().any(|seen| seen.rule == rule);
        let begins = |rules: &[u8]| rules.iter().any(|rule| begins_with.contains(rule));
        match self.condition {
            "a and not b and c" => begins(&[0, 2]) && there(0) && !there(1) && there(2),
            "a and b or c and not a" => begins(&[2]) && !there(0),
            "a and b and not c" => begins(&[0, 1]) && in_order(window, &[0, 1]) && !there(2),
            _ => false,
        }
    }

    /// The numbers of alerts after each event.
    fn expected(&self) -> Vec<usize> {
        let (within, late) = (self.within * 2, self.late * 2);
        let mut kept: Vec<Seen> = Vec::new();
        let mut open: Vec<(i64, u8)> = Vec::new();
        let mut quiet = [i64::MIN; 2];
        let mut now = i64::MIN;
        let mut alerts = Vec::new();
        for seen in &self.seen {
            let mut found = 0;
            let in_time = now == i64::MIN || seen.time >= now - late;
            now = now.max(seen.time);
            let window = |kept: &[Seen], group: u8, from: i64, to: i64| {
                let inside = kept.iter().filter(|it| it.group == group && (from..=to).contains(&it.time));
                let mut window: Vec<Seen> = inside.copied().collect();
                window.sort_by_key(|seen| seen.time);
                window
            };
            open.sort_unstable();
            open.dedup();
            let over: Vec<(i64, u8)> = open.iter().copied().filter(|(from, _)| from + within + late < now).collect();
            open.retain(|(from, _)| from + within + late >= now);
            for (from, group) in over {
                let window = window(&kept, group, from, from + within);
                let first: Vec<u8> = window.iter().filter(|it| it.time == from).map(|it| it.rule).collect();
                if self.holds_without(&window, &first) && from + within > quiet[usize::from(group)] {
                    quiet[usize::from(group)] = from + 2 * within;
                    found += 1;
                }
            }
            if in_time {
                kept.push(*seen);
                open.push((seen.time, seen.group));
                let ends: BTreeSet<i64> = kept
                    .iter()
                    .filter(|it| it.group == seen.group && (seen.time..=seen.time + within).contains(&it.time))
                    .map(|it| it.time)
                    .collect();
                for end in ends {
                    let window = window(&kept, seen.group, end - within, end);
                    if self.holds(&window) && end > quiet[usize::from(seen.group)] {
                        quiet[usize::from(seen.group)] = end + within;
                        found += 1;
                    }
                }
            }
            alerts.push(found);
        }
        alerts
    }
}

/// Whether there are events of these rules, each later than the one before.
fn in_order(window: &[Seen], rules: &[u8]) -> bool {
    let Some((first, rest)) = rules.split_first() else { return true };
    window.iter().enumerate().any(|(index, seen)| {
        let later: Vec<Seen> = window[index..].iter().copied().filter(|it| it.time > seen.time).collect();
        seen.rule == *first && in_order(&later, rest)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_engine_says_what_the_definition_says(case in case()) {
        let set = set(&case.rules());
        let mut state = State::new(StateLimits { lateness_ns: case.late * SECOND, ..StateLimits::default() });
        let found: Vec<usize> = case
            .seen
            .iter()
            .enumerate()
            .map(|(index, seen)| run(&set, &mut state, [event(index, *seen)]).len())
            .collect();
        prop_assert_eq!(found, case.expected());
    }
}
