//! A Sigma rule, read for our events and for those of other products.
#![no_main]

use std::sync::{Arc, LazyLock};

use beewolf::{
    detect::{ForeignRules, RuleSet, State},
    event::{Event, Foreign, json},
    rule::{Colour, Loader, Source, sigma::Fieldmap},
};

static FIELDMAP: LazyLock<Arc<Fieldmap>> = LazyLock::new(Fieldmap::builtin);
static EVENT: LazyLock<Arc<Event>> = LazyLock::new(|| {
    let line = r#"{"event":{"action":"exec"},"process":{"executable":"/bin/sh","command_line":"sh -c id","args":["sh","-c","id"]}}"#;
    Arc::new(json::read(line.as_bytes()).expect("an event").0)
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let source = Source::new("sigma/rule.yml", text);
    let (rules, findings) = Loader::new(Arc::clone(&FIELDMAP)).read(&[Arc::clone(&source)]);
    findings.render(Colour::Plain);
    RuleSet::new(rules).evaluate(&EVENT, &mut State::default(), &mut drop);
    let loader = Loader::foreign();
    let (rules, findings) = loader.read(&[source]);
    findings.render(Colour::Plain);
    let rules = ForeignRules::new(rules, loader.into_names(), None);
    let line = br#"{"Image":"/bin/sh","CommandLine":"sh -c id","a":{"b":[1,"2",null]}}"#;
    let event = Foreign::read(line, rules.names()).expect("an event");
    rules.matches(&event, &mut State::default());
});
