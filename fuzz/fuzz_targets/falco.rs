//! A Falco file: read, judged by, and written as native rules.
#![no_main]

use std::sync::{Arc, LazyLock};

use beewolf::{
    detect::{RuleSet, State},
    event::{Event, json},
    rule::{Colour, Loader, Source, convert, sigma::Fieldmap},
};

static FIELDMAP: LazyLock<Arc<Fieldmap>> = LazyLock::new(|| Arc::new(Fieldmap::default()));
static EVENT: LazyLock<Arc<Event>> = LazyLock::new(|| {
    let line = r#"{"event":{"action":"exec"},"process":{"requested_executable":"/bin/sh","command_line":"sh -c id","args":["sh","-c","id"]}}"#;
    Arc::new(json::read(line.as_bytes()).expect("an event").0)
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let (rules, findings) = Loader::new(Arc::clone(&FIELDMAP)).read(&[Source::new("rules.yaml", text)]);
    findings.render(Colour::Plain);
    // What is written is read again in there.
    rules.iter().take(4).for_each(|rule| drop(convert::native(rule)));
    RuleSet::new(rules).evaluate(&EVENT, &mut State::default(), &mut drop);
});
