//! The engines that are compared, behind one face: rules in, events in, matches out.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use beewolf::{
    detect::{RuleSet, Sample, State},
    event::{
        Event, Kind,
        field::find,
        json,
        value::{Owned, Value},
    },
    rule::sigma::Fieldmap,
};
use rsigma_eval::{Engine, EventValue};
use rsigma_parser::LogSource;

use crate::corpus::Record;

/// Rule ids that matched, by the event's number.
pub(super) type Matches = BTreeSet<(usize, String)>;

/// An engine with rules and events, ready to run.
pub(super) trait Matcher {
    /// Judges every event once and returns the number of matches.
    fn run(&mut self) -> usize;
    /// Which rules match which events.
    fn matches(&mut self) -> Matches;
    /// How many events one run judges.
    fn events(&self) -> usize;
}

/// Fields of a record and where they are in our event. Those of Windows that no event of ours has
/// are put into other fields that hold text, so that every field a rule asks for is there.
const PLACES: &[(&str, &str)] = &[
    ("Image", "process.executable"),
    ("CommandLine", "process.command_line"),
    ("ParentImage", "process.parent.executable"),
    ("ParentCommandLine", "process.parent.command_line"),
    ("CurrentDirectory", "process.working_directory"),
    ("User", "user.name"),
    ("OriginalFileName", "process.requested_executable"),
    ("IntegrityLevel", "error.code"),
    ("Hashes", "process.exec_id"),
    ("Product", "process.interpreter"),
    ("Description", "process.previous.executable"),
    ("Company", "container.id"),
    ("ParentUser", "process.parent.user.name"),
    ("TargetFilename", "process.cgroup.path"),
    ("FileVersion", "host.boot.id"),
    ("LogonId", "process.entity_id"),
    ("ImageLoaded", "event.id"),
];

/// A field map for [`PLACES`] in which process creations of every product are ours.
pub(super) fn wide_fieldmap(folder: &Path) -> Arc<Fieldmap> {
    let fields: String = PLACES.iter().map(|(name, field)| format!("      {name}: {field}\n")).collect();
    let logsources: String = ["windows", "linux", "macos"]
        .iter()
        .map(|product| format!("  - category: process_creation\n    product: {product}\n    when: event.action = exec\n    fields:\n{fields}"))
        .collect();
    let path = folder.join("fieldmap.yml");
    std::fs::write(&path, format!("logsources:\n{logsources}")).expect("the file");
    Fieldmap::load(&path).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A record as an event of ours.
pub(super) fn typed(record: &Record) -> Event {
    let place = |name: &str| PLACES.iter().find(|(field, _)| *field == name).map(|(_, place)| (*place).to_owned());
    let fields = record.fields.iter().map(|(name, value)| {
        let place = place(name).unwrap_or_else(|| panic!("{name} has a place"));
        (place, Owned::Bytes(value.clone().into_bytes().into()))
    });
    // What every event has besides: so that fields of other types are there, too.
    let more =
        [("process.pid", 4_711), ("process.parent.pid", 4_700), ("user.id", 1_000), ("process.thread.id", 4_711)];
    let more = more.into_iter().map(|(name, number)| (name.to_owned(), Owned::Int(number)));
    let (event, errors) = json::build(Kind::Exec, fields.chain(more));
    assert_eq!(errors, [], "{:?}", record.fields);
    event
}

/// Beewolf: typed events, alerts made of every match.
pub(super) struct Ours {
    pub(super) set: RuleSet,
    state: State,
    events: Vec<Arc<Event>>,
}

impl Ours {
    pub(super) fn new(rules: &Path, fieldmap: Arc<Fieldmap>, records: &[Record]) -> Self {
        let (set, _) = RuleSet::load(&[rules.to_owned()], fieldmap).unwrap_or_else(|problems| panic!("{problems}"));
        let events = records.iter().map(|record| Arc::new(typed(record))).collect();
        Self { set, state: State::default(), events }
    }

    /// As a sensor is after its first minute: with matchers made for a sample of what came, here of other events.
    pub(super) fn tuned(&self, others: &[Record]) -> Self {
        let mut sample = Sample::default();
        others.iter().for_each(|record| sample.offer(&Arc::new(typed(record))));
        Self { set: self.set.tuned(&sample), state: State::default(), events: self.events.clone() }
    }
}

impl Matcher for Ours {
    fn run(&mut self) -> usize {
        let mut count = 0;
        for event in &self.events {
            self.set.evaluate(event, &mut self.state, &mut |alert| {
                std::hint::black_box(alert);
                count += 1;
            });
        }
        count
    }

    fn matches(&mut self) -> Matches {
        let mut matches = Matches::new();
        for (number, event) in self.events.iter().enumerate() {
            self.set.evaluate(event, &mut self.state, &mut |alert| {
                matches.insert((number, alert.rule.id.clone()));
            });
        }
        matches
    }

    fn events(&self) -> usize {
        self.events.len()
    }
}

/// Our typed event as rsigma sees it: a getter per name, texts checked beforehand, no JSON.
pub(super) struct Typed {
    texts: Vec<(&'static str, String)>,
    numbers: Vec<(&'static str, i64)>,
}

impl Typed {
    pub(super) fn new(event: &Event, record: &Record) -> Self {
        let names = PLACES.iter().filter(|(name, _)| record.fields.iter().any(|(field, _)| field == name));
        let texts = names.map(|(name, place)| {
            let value = find(place).and_then(|field| field.row(event.kind())).map(|row| (row.get)(event));
            let Some(Value::Bytes(text)) = value else { panic!("{place} is a text") };
            (*name, String::from_utf8(text.to_vec()).expect("text"))
        });
        Self {
            texts: texts.collect(),
            numbers: vec![("ProcessId", 4_711), ("ParentProcessId", 4_700), ("UserId", 1_000)],
        }
    }
}

impl rsigma_eval::Event for Typed {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        let text = self.texts.iter().find(|(name, _)| *name == path);
        text.map(|(_, text)| EventValue::Str(text.as_str().into()))
            .or_else(|| self.numbers.iter().find(|(name, _)| *name == path).map(|(_, number)| EventValue::Int(*number)))
    }

    fn any_string_value(&self, predicate: &dyn Fn(&str) -> bool) -> bool {
        self.texts.iter().any(|(_, text)| predicate(text))
    }

    fn all_string_values(&self) -> Vec<std::borrow::Cow<'_, str>> {
        self.texts.iter().map(|(_, text)| text.as_str().into()).collect()
    }

    fn visit_string_values(&self, visit: &mut dyn FnMut(&str)) {
        self.texts.iter().for_each(|(_, text)| visit(text));
    }

    fn to_json(&self) -> serde_json::Value {
        self.texts.iter().map(|(name, text)| ((*name).to_owned(), serde_json::Value::from(text.as_str()))).collect()
    }

    fn top_level_keys(&self) -> Option<Vec<std::borrow::Cow<'_, str>>> {
        Some(self.texts.iter().map(|(name, _)| (*name).into()).collect())
    }

    fn visit_top_level_keys(&self, visit: &mut dyn FnMut(&str)) -> bool {
        self.texts.iter().for_each(|(name, _)| visit(name));
        true
    }
}

/// How rsigma chooses rules by log source.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Routing {
    /// Rules whose log source contradicts the event's are left out: what it calls pruning.
    Conflict,
    /// Only rules all of whose log source the event has.
    Strict,
}

/// Reads the rules of a folder into rsigma.
pub(super) fn rsigma_engine(rules: &Path) -> Engine {
    let texts = crate::rules::texts(rules);
    let collections = texts.iter().filter_map(|text| rsigma_parser::parse_sigma_yaml(text).ok());
    let rules: Vec<_> = collections.flat_map(|collection| collection.rules).collect();
    let mut engine = Engine::new();
    // All at once: it builds its index anew at each call.
    engine.add_rules(&rules);
    engine
}

/// rsigma-eval over typed events.
pub(super) struct Rsigma {
    engine: Engine,
    routing: Routing,
    logsource: LogSource,
    events: Vec<Typed>,
}

impl Rsigma {
    pub(super) fn new(rules: &Path, product: Option<&str>, routing: Routing, records: &[Record]) -> Self {
        let logsource = logsource(product);
        let events = records.iter().map(|record| Typed::new(&typed(record), record)).collect();
        Self { engine: rsigma_engine(rules), routing, logsource, events }
    }
}

/// The log source of process creations.
pub(super) fn logsource(product: Option<&str>) -> LogSource {
    LogSource {
        category: Some("process_creation".to_owned()),
        product: product.map(str::to_owned),
        service: None,
        definition: None,
        custom: Default::default(),
    }
}

/// What rsigma finds in one event.
pub(super) fn rsigma_evaluate<E: rsigma_eval::Event>(
    engine: &Engine,
    routing: Routing,
    logsource: &LogSource,
    event: &E,
) -> Vec<rsigma_eval::EvaluationResult> {
    match routing {
        Routing::Conflict => engine.evaluate_pruned(event, logsource),
        Routing::Strict => engine.evaluate_with_logsource(event, logsource),
    }
}

impl Matcher for Rsigma {
    fn run(&mut self) -> usize {
        let found = self.events.iter().map(|event| {
            let found = rsigma_evaluate(&self.engine, self.routing, &self.logsource, event);
            std::hint::black_box(found).len()
        });
        found.sum()
    }

    fn matches(&mut self) -> Matches {
        let found = self.events.iter().enumerate().flat_map(|(number, event)| {
            let found = rsigma_evaluate(&self.engine, self.routing, &self.logsource, event);
            found.into_iter().map(move |result| (number, result.header.rule_id.unwrap_or_default()))
        });
        found.collect()
    }

    fn events(&self) -> usize {
        self.events.len()
    }
}

/// sigma-rust, which takes its own events made of JSON; rules of other log sources are left out for it.
pub(super) struct SigmaRust {
    rules: Vec<sigma_rust::Rule>,
    events: Vec<sigma_rust::Event>,
}

impl SigmaRust {
    pub(super) fn new(rules: &Path, product: Option<&str>, records: &[Record]) -> Self {
        let texts = crate::rules::texts(rules);
        let rules = texts.iter().filter_map(|text| sigma_rust::rule_from_yaml(text).ok()).filter(|rule| {
            let source = &rule.logsource;
            let is_product = product.is_none() || source.product.is_none() || source.product.as_deref() == product;
            source.category.as_deref() == Some("process_creation") && is_product
        });
        let events = records.iter().map(|record| sigma_rust::event_from_json(&record.json()).expect("JSON"));
        Self { rules: rules.collect(), events: events.collect() }
    }
}

impl Matcher for SigmaRust {
    fn run(&mut self) -> usize {
        self.events.iter().map(|event| self.rules.iter().filter(|rule| rule.is_match(event)).count()).sum()
    }

    fn matches(&mut self) -> Matches {
        let found = self.events.iter().enumerate().flat_map(|(number, event)| {
            let found = self.rules.iter().filter(|rule| rule.is_match(event));
            found.map(move |rule| (number, rule.id.clone().unwrap_or_default()))
        });
        found.collect()
    }

    fn events(&self) -> usize {
        self.events.len()
    }
}

/// How often each rule matched in one result and not in the other.
pub(super) fn differences(ours: &Matches, theirs: &Matches) -> BTreeMap<String, (usize, usize)> {
    let mut differences: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for (_, rule) in ours.difference(theirs) {
        differences.entry(rule.clone()).or_default().0 += 1;
    }
    for (_, rule) in theirs.difference(ours) {
        differences.entry(rule.clone()).or_default().1 += 1;
    }
    differences
}
