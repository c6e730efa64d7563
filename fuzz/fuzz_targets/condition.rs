//! A condition: any text compiles or is refused with a place; one that compiles judges events, and
//! says of its own negation the opposite.
#![no_main]

use std::sync::LazyLock;

use beewolf::{
    event::{Event, Kind, json},
    rule::Filter,
};

static EVENTS: LazyLock<Vec<Event>> = LazyLock::new(|| {
    let line = r#"{"event":{"action":"exec"},"user":{"id":"0"},"process":{"executable":"/usr/bin/Bash","name":"bash","args":["bash","-c","L2V0Yw=="],"ancestors":{"name":["sh",null]}}}"#;
    vec![json::read(line.as_bytes()).expect("an event").0, Event::new(Kind::FileOpen)]
});

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(filter) = Filter::parse(text) else { return };
    // A comment or an open quote cannot reach out of the parentheses: there is neither.
    let Ok(opposite) = Filter::parse(&format!("not ({text})")) else { return };
    for event in EVENTS.iter() {
        assert_ne!(filter.matches(event), opposite.matches(event), "{text}");
    }
});
