//! Which rules can fire on one host: conditions against what its sensors give.
//!
//! A condition is followed down with the set of kinds whose events it may be true of. Where the set
//! runs empty nothing can make that part true; in a whole condition this means that the rule can
//! never fire, in one of several alternatives that it fires in fewer ways than its author meant.
//! Loading has judged what no host has ([`State`]); here its verdict is completed, not repeated.

use std::collections::{BTreeSet, HashMap};

use super::{
    contradiction,
    correlate::{Correlation, Slot, Source as SlotSource},
    expr::{Derived, Expr, Predicate, Source, Subject},
    loaded::{Loaded, State},
    reason::{Code, Reason},
    sensors::{Kinds, Sensors, giving},
};
use crate::event::{
    Kind,
    facts::Reference,
    field::{DECIDED_BY_KIND, Field},
};

/// Whether a rule can fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// As its author meant it.
    CanFire,
    /// Some alternative in it can never be true, another can.
    Degraded,
    /// Nothing can make it fire.
    Never,
}

impl Verdict {
    /// All, from best to worst.
    pub const ALL: [Self; 3] = [Self::CanFire, Self::Degraded, Self::Never];

    /// The words in reports.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::CanFire => "can fire",
            Self::Degraded => "degraded",
            Self::Never => "can never fire",
        }
    }

    /// The word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::CanFire => "can_fire",
            Self::Degraded => "degraded",
            Self::Never => "never",
        }
    }
}

/// What is known of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Whether it can fire.
    pub verdict: Verdict,
    /// Kinds of which an event can make it fire, or count for it.
    pub kinds: Kinds,
    /// Why it cannot, or not in every way; each once.
    pub reasons: Vec<Reason>,
    /// Fields it asks for that another thread can change while they are read.
    pub racy: BTreeSet<&'static str>,
}

impl Reach {
    /// Whether nothing but an override keeps it from firing.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.reasons.iter().any(|reason| reason.code == Code::Disabled)
    }

    fn never(reason: Reason) -> Self {
        Self { verdict: Verdict::Never, kinds: Kinds::default(), reasons: vec![reason], racy: BTreeSet::new() }
    }
}

/// Judges rules that were loaded together, in their order.
#[must_use]
pub fn reach(rules: &[Loaded], sensors: &Sensors) -> Vec<Reach> {
    let by_id = rules.iter().enumerate().map(|(index, rule)| (rule.id.as_str(), index)).collect();
    let mut judge = Judge { rules, by_id, sensors, done: vec![None; rules.len()] };
    (0..rules.len()).map(|index| judge.rule(index)).collect()
}

struct Judge<'r> {
    rules: &'r [Loaded],
    by_id: HashMap<&'r str, usize>,
    sensors: &'r Sensors,
    done: Vec<Option<Reach>>,
}

impl Judge<'_> {
    /// Rules do not refer to themselves and their chains are short: the loader has seen to it.
    fn rule(&mut self, index: usize) -> Reach {
        if let Some(Some(known)) = self.done.get(index) {
            return known.clone();
        }
        let Some(rule) = self.rules.get(index) else { return Reach::never(Reason::contradiction()) };
        let found = match &rule.state {
            State::Disabled(reason) => Reach::never(Reason::new(Code::Disabled, "", reason)),
            State::Rejected(reason) => Reach::never(Reason::new(Code::NotSupported, "", reason)),
            State::Dormant(reasons) => Reach {
                verdict: Verdict::Never,
                kinds: Kinds::default(),
                reasons: reasons.clone(),
                racy: BTreeSet::new(),
            },
            State::Active | State::Degraded(_) => {
                let mut found = match &rule.correlation {
                    Some(correlation) => self.correlation(rule, correlation),
                    None => of_condition(&rule.condition, self.sensors),
                };
                if let State::Degraded(reasons) = &rule.state {
                    found.verdict = found.verdict.max(Verdict::Degraded);
                    // What the members lack was told as theirs.
                    reasons.iter().for_each(|reason| add(&mut found.reasons, reason.clone()));
                }
                found
            }
        };
        if let Some(done) = self.done.get_mut(index) {
            *done = Some(found.clone());
        }
        found
    }

    fn correlation(&mut self, rule: &Loaded, correlation: &Correlation) -> Reach {
        let slots: Vec<Reach> = correlation.slots.iter().map(|slot| self.slot(rule, slot)).collect();
        let can_fill = |slot: usize| slots.get(slot).is_some_and(|slot| slot.verdict != Verdict::Never);
        let can_hold = correlation.measure.can_hold(slots.len(), can_fill);
        let mut found = Reach {
            verdict: if can_hold { Verdict::CanFire } else { Verdict::Never },
            kinds: Kinds::default(),
            reasons: Vec::new(),
            racy: BTreeSet::new(),
        };
        for slot in slots {
            if can_hold {
                found.verdict = found.verdict.max(slot.verdict.min(Verdict::Degraded));
            }
            found.kinds = found.kinds.or(slot.kinds);
            found.racy.extend(slot.racy);
            slot.reasons.into_iter().for_each(|reason| add(&mut found.reasons, reason));
        }
        if !can_hold && found.reasons.is_empty() {
            found.reasons.push(Reason::contradiction());
        }
        found
    }

    /// Whether anything can count for a slot.
    fn slot(&mut self, rule: &Loaded, slot: &Slot) -> Reach {
        let mut found = match &slot.source {
            SlotSource::Condition(condition) => of_condition(condition, self.sensors),
            SlotSource::Own => of_condition(&rule.condition, self.sensors),
            SlotSource::Rule(id) => self.member(id),
        };
        for fields in slot.by.iter().chain(&slot.of) {
            let is_there = |field: &&'static Field| found.kinds.iter().any(|kind| self.sensors.has(kind, field));
            if found.verdict != Verdict::Never
                && !fields.iter().any(is_there)
                && let Some(field) = fields.first()
            {
                found.reasons = absences(field, found.kinds, self.sensors);
                found.verdict = Verdict::Never;
                found.kinds = Kinds::default();
            }
        }
        found
    }

    fn member(&mut self, id: &str) -> Reach {
        let found = self.by_id.get(id).copied().map(|index| self.rule(index));
        let Some(mut found) = found else { return Reach::never(Reason::contradiction()) };
        if !found.reasons.is_empty() {
            let what = if found.verdict == Verdict::Never { "cannot match" } else { "is degraded" };
            let text = format!("the rule `{id}` {what}: {}", Reason::join(&found.reasons));
            found.reasons = vec![Reason::new(Code::MemberCannotFire, id, text)];
        }
        found
    }
}

/// Judges one condition.
fn of_condition(condition: &Expr, sensors: &Sensors) -> Reach {
    let best = Sensors::best();
    let meant = possible(condition, Kinds::all(), &best);
    let kinds = possible(condition, Kinds::all(), sensors);
    let mut reasons = Vec::new();
    if meant.is_empty() {
        blame(condition, Kinds::all(), &best, &mut reasons);
    }
    // A rule on files is not less than its author meant where nothing is scanned, unless it is about nothing else.
    let of_files = !meant.iter().any(Kind::is_from_kernel);
    let missing = |kind: &Kind| kind.is_from_kernel() || of_files;
    for kind in meant.without(kinds).iter().filter(missing) {
        blame(condition, [kind].into_iter().collect(), sensors, &mut reasons);
    }
    dead_branches(condition, kinds, sensors, &mut reasons);
    let verdict = match (kinds.is_empty(), reasons.is_empty()) {
        (true, _) => Verdict::Never,
        (false, true) => Verdict::CanFire,
        (false, false) => Verdict::Degraded,
    };
    if kinds.is_empty() && reasons.is_empty() {
        reasons.push(Reason::contradiction());
    }
    let mut racy = BTreeSet::new();
    each_reference(condition, &mut |field| {
        if kinds.iter().any(|kind| sensors.is_racy(kind, field)) {
            racy.insert(field.name);
        }
    });
    Reach { verdict, kinds, reasons, racy }
}

/// The kinds among some whose events a condition may be true of.
fn possible(expr: &Expr, among: Kinds, sensors: &Sensors) -> Kinds {
    match expr {
        Expr::All(parts) if contradiction::excluded(parts).is_some() => Kinds::default(),
        Expr::All(parts) => parts.iter().fold(among, |kinds, part| possible(part, kinds, sensors)),
        Expr::Any(parts) => parts.iter().map(|part| possible(part, among, sensors)).fold(Kinds::default(), Kinds::or),
        Expr::Const(constant) => {
            let sensed = among.iter().filter(|kind| sensors.of(*kind).is_some());
            if *constant { sensed.collect() } else { Kinds::default() }
        }
        Expr::Named { inner, .. } => possible(inner, among, sensors),
        Expr::Test { predicate, negated } => {
            among.iter().filter(|kind| may_be(predicate, *negated, *kind, sensors)).collect()
        }
    }
}

/// Whether a test may come out as it has to.
fn may_be(predicate: &Predicate, negated: bool, kind: Kind, sensors: &Sensors) -> bool {
    if sensors.of(kind).is_none() {
        return false;
    }
    let lacks = references(predicate).any(|field| !sensors.has(kind, field));
    match predicate.decided(Source::Kind(kind)) {
        Some(holds) => holds != negated,
        None => !lacks || negated,
    }
}

/// The fields of ours that a predicate looks at.
fn references(predicate: &Predicate) -> impl Iterator<Item = &'static Field> {
    let subject = match &predicate.subject {
        Subject::Derived(Derived { field, .. }) | Subject::Field(field) => Some(*field),
        Subject::Anywhere | Subject::Named(_) => None,
    };
    let other = predicate.test.related().and_then(|related| match &related.other {
        Reference::Field(field) => Some(*field),
        Reference::Named(_) => None,
    });
    subject.into_iter().chain(other)
}

fn each_reference(expr: &Expr, with: &mut impl FnMut(&'static Field)) {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().for_each(|part| each_reference(part, with)),
        Expr::Const(_) => {}
        Expr::Named { inner, .. } => each_reference(inner, with),
        Expr::Test { predicate, .. } => references(predicate).for_each(with),
    }
}

/// Tells of alternatives that can never be true in a condition that can.
fn dead_branches(expr: &Expr, among: Kinds, sensors: &Sensors, reasons: &mut Vec<Reason>) {
    if among.is_empty() {
        return;
    }
    match expr {
        Expr::All(parts) => parts.iter().for_each(|part| dead_branches(part, among, sensors, reasons)),
        Expr::Any(parts) => {
            for part in parts {
                let kinds = possible(part, among, sensors);
                if kinds.is_empty() {
                    blame(part, among, sensors, reasons);
                } else {
                    dead_branches(part, kinds, sensors, reasons);
                }
            }
        }
        Expr::Named { inner, .. } => dead_branches(inner, among, sensors, reasons),
        Expr::Const(_) | Expr::Test { .. } => {}
    }
}

/// Finds the facts for lack of which a condition is true of no event of some kinds.
fn blame(expr: &Expr, among: Kinds, sensors: &Sensors, reasons: &mut Vec<Reason>) {
    match expr {
        Expr::All(parts) => {
            // What the kind decides says which kinds are meant; the rest is judged for these.
            let (about_kind, others): (Vec<&Expr>, Vec<&Expr>) = parts.iter().partition(|part| is_about_kind(part));
            let mut kinds = among;
            for part in about_kind.into_iter().chain(others) {
                let rest = possible(part, kinds, sensors);
                if rest.is_empty() {
                    blame(part, kinds, sensors, reasons);
                    return;
                }
                kinds = rest;
            }
            if let Some(parts) = contradiction::excluded(parts) {
                add(reasons, Reason::excluded(&parts));
            }
        }
        Expr::Any(parts) => parts.iter().for_each(|part| blame(part, among, sensors, reasons)),
        // A constant stands for what loading has told of.
        Expr::Const(_) => {}
        Expr::Named { inner, .. } => blame(inner, among, sensors, reasons),
        Expr::Test { predicate, .. } => {
            let unsensed = among.iter().filter(|kind| sensors.of(*kind).is_none());
            let before = reasons.len();
            unsensed.for_each(|kind| add(reasons, not_sensed(kind)));
            if reasons.len() == before {
                let found = references(predicate).flat_map(|field| absences(field, among, sensors));
                found.for_each(|reason| add(reasons, reason));
            }
        }
    }
}

/// Whether a part asks for nothing but the kind.
fn is_about_kind(expr: &Expr) -> bool {
    match expr {
        Expr::All(parts) | Expr::Any(parts) => parts.iter().all(is_about_kind),
        Expr::Const(_) => false,
        Expr::Named { inner, .. } => is_about_kind(inner),
        Expr::Test { predicate, .. } => {
            matches!(&predicate.subject, Subject::Field(field) if DECIDED_BY_KIND.contains(&field.name))
        }
    }
}

/// Why events of some kinds do not have a field here; nothing if some do.
fn absences(field: &'static Field, among: Kinds, sensors: &Sensors) -> Vec<Reason> {
    if among.iter().any(|kind| sensors.has(kind, field)) {
        return Vec::new();
    }
    let mut reasons = Vec::new();
    let carrying: Kinds = among.iter().filter(|kind| field.row(*kind).is_some()).collect();
    if carrying.is_empty() {
        let (those, have) = (among.words(), field.kinds().collect::<Kinds>().words());
        let text = format!("{those} events have no `{}`; {have} events do", field.name);
        reasons.push(Reason::new(Code::FieldOfOtherKind, field.name, text));
    }
    for kind in carrying.iter() {
        let Some(source) = sensors.of(kind) else {
            reasons.push(not_sensed(kind));
            continue;
        };
        let (name, others) = (source.name, giving(kind, field).join(" or "));
        let where_else = if others.is_empty() { String::new() } else { format!("; {others} would give it") };
        let text = format!("{} events from {name} have no `{}`{where_else}", kind.name(), field.name);
        reasons.push(Reason::new(Code::FieldAbsentHere, field.name, text));
    }
    reasons
}

fn not_sensed(kind: Kind) -> Reason {
    let tried: Vec<&str> = kind.sources().iter().map(|source| source.name).collect();
    let text = format!("{} events cannot be had here: {} cannot be attached", kind.name(), tried.join(" or "));
    Reason::new(Code::KindNotSensed, kind.name(), text)
}

fn add(reasons: &mut Vec<Reason>, reason: Reason) {
    if !reasons.contains(&reason) {
        reasons.push(reason);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event,
        rule::{Loader, Source as Text, sigma::Fieldmap},
    };

    /// Another host: connections are seen as attempts only, without the peer's port; no file is seen opened.
    const BLIND: event::Source = event::Source {
        name: "blind",
        hooks: &[],
        misses: "",
        racy: &["destination.ip"],
        absent: &["destination.port"],
        outcome: false,
    };

    fn other_host() -> Sensors {
        Sensors::new(|kind| match kind {
            Kind::Connect => Some(&BLIND),
            Kind::FileOpen | Kind::YaraMatch => None,
            Kind::Accept | Kind::Bind | Kind::Exec | Kind::Exit | Kind::Fork | Kind::Listen => kind.sources().first(),
        })
    }

    fn judged(text: &str, sensors: &Sensors) -> Vec<String> {
        let (rules, problems) = Loader::new(Fieldmap::builtin()).read(&[Text::new("rules.yml", text)]);
        assert!(!problems.has_errors(), "{problems}");
        let found = reach(&rules, sensors);
        let reasons = |reach: &Reach| {
            reach.reasons.iter().map(|reason| format!(" {}:{}", reason.code.word(), reason.fact)).collect::<String>()
        };
        found.iter().map(|reach| format!("{}{}", reach.verdict.word(), reasons(reach))).collect()
    }

    #[test]
    fn parts_that_exclude_each_other_are_never_true_together() {
        let check = |when: &str, expected: &str| {
            let rule = format!("id: r\ntitle: T\nseverity: low\nwhen: |\n  event.action = exec and {when}\n");
            assert_eq!(judged(&rule, &Sensors::best()), [expected], "{when}");
        };
        check("process.name = bash and process.name = ls", "never contradiction:");
        check("process.name = bash and (user.id = 1 or user.id = 2 and user.id = 3)", "degraded contradiction:");
        check("process.name = bash and (process.pid = 1 or process.pid = 2)", "can_fire");
        check("process.pid = 1 and not process.pid = 1", "never contradiction:");
        // A text that was cut is both.
        check("process.name = bash and not process.name = bash", "can_fire");
    }

    /// What becomes of a condition where everything can be had, and on the other host.
    fn check(when: &str, best: &str, other: &str) {
        let rule = format!("id: r\ntitle: T\nseverity: low\nwhen: |\n  {when}\n");
        assert_eq!(judged(&rule, &Sensors::best()), [best], "{when}");
        assert_eq!(judged(&rule, &other_host()), [other], "{when} elsewhere");
    }

    #[test]
    fn a_condition_is_judged_by_what_the_running_alternatives_give() {
        check("event.action = exec and process.name = sh", "can_fire", "can_fire");
        check("event.action = file_open and file.path = /x", "can_fire", "never kind-not-sensed:file_open");
        check("file.path = /x", "can_fire", "never kind-not-sensed:file_open");
        check("event.action in (exec, file_open) and user.id = 0", "can_fire", "degraded kind-not-sensed:file_open");
        check(
            "destination.port = 22 and event.action = connect",
            "can_fire",
            "never field-absent-here:destination.port",
        );
        check(
            "event.action = connect and (destination.port = 22 or destination.ip in (10.0.0.0/8))",
            "can_fire",
            "degraded field-absent-here:destination.port",
        );
        check("event.action = connect and not destination.port = 22", "can_fire", "can_fire");
        check(
            "event.action = connect and event.outcome = success",
            "can_fire",
            "never field-absent-here:event.outcome",
        );
        check(
            "event.action = exec and file.path = /x",
            "never field-of-other-kind:file.path",
            "never field-of-other-kind:file.path",
        );
        check(
            "event.action = exec and (file.path = /x or process.name = sh)",
            "degraded field-of-other-kind:file.path",
            "degraded field-of-other-kind:file.path",
        );
        check("event.action = exec and event.action = fork", "never contradiction:", "never contradiction:");
        check(
            "event.action = exec and file.path = process.executable",
            "never field-of-other-kind:file.path",
            "never field-of-other-kind:file.path",
        );
    }

    #[test]
    fn fields_that_may_change_while_they_are_read_are_named() {
        let rule = "id: r\ntitle: T\nseverity: low\nwhen: event.action = connect and destination.ip = 10.0.0.1\n";
        let (rules, _) = Loader::new(Fieldmap::builtin()).read(&[Text::new("rules.yml", rule)]);
        assert_eq!(reach(&rules, &Sensors::preferring("trampoline"))[0].racy, BTreeSet::new());
        assert_eq!(reach(&rules, &Sensors::preferring("tracepoint"))[0].racy, BTreeSet::from(["destination.ip"]));
    }

    #[test]
    fn rules_over_several_events_are_judged_by_their_members() {
        let head = |id: &str| format!("---\nid: {id}\ntitle: T\nseverity: low\n");
        let rules = [
            head("open") + "when: file.path = /x\n",
            head("run") + "when: event.action = exec and process.name = sh\n",
            head("both") + "sequence: { within: 1m, by: [process.entity_id], steps: [run, open] }\n",
            head("ports")
                + "when: event.action = connect\ncount: { distinct: destination.port, at_least: 3, within: 1m }\n",
        ];
        let text = rules.concat();
        assert_eq!(judged(&text, &Sensors::best()), ["can_fire"; 4]);
        assert_eq!(
            judged(&text, &other_host()),
            [
                "never kind-not-sensed:file_open",
                "can_fire",
                "never member-cannot-fire:open",
                "never field-absent-here:destination.port",
            ]
        );
    }

    #[test]
    fn what_loading_has_found_stays_said() {
        let rule = |logsource: &str, search: &str| {
            format!(
                "---\ntitle: T\nid: r{}\nlogsource: {logsource}\ndetection: {{s: {search}, condition: s}}\n",
                search.len()
            )
        };
        let exec = "{category: process_creation, product: linux}";
        let text = rule(exec, "{Image: /x}")
            + &rule(exec, "{Hashes: abcd}")
            + &rule(exec, "[{Hashes: abcd}, {Image: /x}]")
            + &rule("{product: windows, service: security}", "{EventID: 1234567}");
        assert_eq!(
            judged(&text, &Sensors::best()),
            [
                "can_fire",
                "never field-not-carried:Hashes",
                "degraded field-not-carried:Hashes",
                "never no-log-source:product `windows`, service `security`",
            ]
        );
    }
}
