//! Sigma rules over the events of other products: no kinds, no field map, the names as they are.

use std::{path::PathBuf, sync::Arc};

use super::{
    State,
    matcher::{Builder, Matcher},
};
use crate::{
    alert::RuleFacts,
    event::{Foreign, facts::Names},
    rule::{
        Diagnostics, Loaded, Loader, Program, Purpose, Table,
        expr::Source,
        loaded::State as RuleState,
        sigma::{self, Logsource, Placeholders},
    },
};

/// Rules for the events of one log source.
#[derive(Debug, Default)]
pub struct ForeignRules {
    rules: Vec<Arc<RuleFacts>>,
    /// Rules that can never match, with their state.
    silent: Vec<(Arc<RuleFacts>, RuleState)>,
    matcher: Matcher,
    names: Names,
    others: usize,
}

impl ForeignRules {
    /// Reads the Sigma rules below some paths that are for `logsource`; all of them if it is not said.
    /// The findings beside them are warnings, and errors of rules that were left out.
    #[must_use]
    pub fn load(paths: &[PathBuf], logsource: Option<&Logsource>, placeholders: Placeholders) -> (Self, Diagnostics) {
        Self::read(paths, Loader::foreign().with_placeholders(placeholders), logsource)
    }

    /// The same with a loader of one's own, made by [`Loader::foreign`].
    #[must_use]
    pub fn read(paths: &[PathBuf], loader: Loader, logsource: Option<&Logsource>) -> (Self, Diagnostics) {
        let (loaded, diagnostics) = loader.load(paths);
        (Self::new(loaded, loader.into_names(), logsource), diagnostics)
    }

    /// Compiles rules read by [`Loader::foreign`], whose names are `names`.
    #[must_use]
    pub fn new(loaded: Vec<Loaded>, names: Names, logsource: Option<&Logsource>) -> Self {
        let applies = |rule: &Loaded| match (logsource, &rule.logsource) {
            (Some(events), Some(rule)) => rule.contains(events),
            (None, _) | (Some(_), None) => true,
        };
        let mut rules = Self { names, ..Self::default() };
        let mut table = Table::default();
        let mut programs = Vec::new();
        let (sigma, others): (Vec<_>, Vec<_>) = loaded.into_iter().partition(|rule| rule.ruleset == sigma::RULESET);
        rules.others = others.len();
        for loaded in sigma.into_iter().filter(applies) {
            let facts = Arc::new(super::facts(&loaded));
            match Program::for_source(&loaded.condition, Source::Foreign, Purpose::Alert, &mut table) {
                Program::Const(false) => rules.silent.push((facts, loaded.state)),
                program @ (Program::All(_) | Program::Any(_) | Program::Const(true) | Program::Test { .. }) => {
                    rules.rules.push(facts);
                    programs.push(program);
                }
            }
        }
        rules.matcher = Builder::new(&programs.iter().collect::<Vec<_>>(), &table, &[]).finish();
        rules
    }

    /// The names against which events are to be read.
    #[must_use]
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The number of rules that can match.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether no rule can match.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The rules that can never match, with their state.
    #[must_use]
    pub fn silent(&self) -> &[(Arc<RuleFacts>, RuleState)] {
        &self.silent
    }

    /// How many rules were left out that are not Sigma's: they name fields that only our events have.
    #[must_use]
    pub fn others(&self) -> usize {
        self.others
    }

    /// The rules that match an event, in the order they were read.
    pub fn matches<'r>(&'r self, event: &Foreign, state: &mut State) -> Vec<&'r Arc<RuleFacts>> {
        let mut matching = Vec::new();
        self.matcher.evaluate(event, &mut state.scratch, |rule, _| matching.extend(self.rules.get(rule)));
        matching
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Source as Text;

    fn rules(text: &str, logsource: Option<&Logsource>) -> ForeignRules {
        let loader = Loader::foreign();
        let (loaded, problems) = loader.read(&[Text::new("rules.yml", text)]);
        assert!(!problems.has_errors(), "{problems}");
        ForeignRules::new(loaded, loader.into_names(), logsource)
    }

    /// Whether a search matches an event of another product.
    fn check(search: &str, event: &str, expected: bool) {
        let detection: String = search.lines().map(|line| format!("    {line}\n")).collect();
        let rules = rules(
            &format!("title: T\nlogsource: {{product: zeek}}\ndetection:\n  s:\n{detection}  condition: s\n"),
            None,
        );
        let event = Foreign::read(event.as_bytes(), rules.names()).expect("an event");
        let found = rules.matches(&event, &mut State::default());
        assert_eq!(!found.is_empty(), expected, "{search} on {event:?}");
    }

    #[test]
    fn fields_are_what_they_are_called() {
        check("id.orig_h: 10.0.0.1", r#"{"id":{"orig_h":"10.0.0.1"}}"#, true);
        check("id.orig_h: 10.0.0.1", r#"{"id.orig_h":"10.0.0.1"}"#, true);
        check("Event ID: 1", r#"{"EventID":1}"#, true);
        check("eventid: 1", r#"{"EventID":1}"#, false);
    }

    #[test]
    fn numbers_and_numeric_strings_are_equal() {
        check("a: 5", r#"{"a":"5"}"#, true);
        check("a: '5'", r#"{"a":5}"#, true);
        check("a: 1.5", r#"{"a":"1.5"}"#, true);
        check("a: 5", r#"{"a":5.0}"#, true);
        check("a|gt: 4", r#"{"a":"5"}"#, true);
        check("a|gt: 4.5", r#"{"a":4.6}"#, true);
        check("a|gt: 4.5", r#"{"a":4}"#, false);
        check("a|gt: 4", r#"{"a":"4.5"}"#, true);
        check("a|lt: 4", r#"{"a":"x"}"#, false);
        check("a|lt: 4", r#"{"a":"-inf"}"#, false);
    }

    #[test]
    fn numbers_beyond_64_bits_are_compared_exactly() {
        for number in
            ["9232379236109516800", "18446744073709551615", "123456789012345678901234567890", "-9223372036854775809"]
        {
            for rule in [
                format!("a: {number}"),
                format!("a: '{number}'"),
                format!("a|gte: {number}"),
                format!("a|lte: {number}"),
            ] {
                check(&rule, &format!(r#"{{"a":{number}}}"#), true);
                check(&rule, &format!(r#"{{"a":"{number}"}}"#), true);
            }
            check(&format!("a|gt: {number}"), &format!(r#"{{"a":{number}}}"#), false);
        }
        check("a: 0x8020000000000000", r#"{"a":9232379236109516800}"#, true);
        check("a: 18446744073709551615", r#"{"a":18446744073709551616}"#, false);
        check("a: 123456789012345678901234567890", r#"{"a":123456789012345678901234567891}"#, false);
        check("a|gte: 18446744073709551616", r#"{"a":18446744073709551615}"#, false);
        check("a|gt: 9223372036854775807", r#"{"a":9223372036854775808}"#, true);
        check("a|lt: 9007199254740993", r#"{"a":"9007199254740992.5"}"#, true);
        check("a|gt: 5", r#"{"a":1e400}"#, true);
    }

    #[test]
    fn null_is_there_and_says_nothing() {
        for (event, null, exists) in [
            (r#"{"b":1}"#, true, false),
            (r#"{"a":null}"#, true, true),
            (r#"{"a":[]}"#, true, true),
            (r#"{"a":[null,"x"]}"#, true, true),
            (r#"{"a":""}"#, false, true),
            (r#"{"a":{"b":1}}"#, false, true),
        ] {
            check("a: null", event, null);
            check("a|exists: true", event, exists);
            check("a|exists: false", event, !exists);
            check("a|neq: x", event, !event.contains('x'));
        }
    }

    #[test]
    fn addresses_and_fields_compare_as_text_too() {
        check("a|cidr: 10.0.0.0/8", r#"{"a":"::ffff:10.1.2.3"}"#, true);
        check("a|cidr: 10.0.0.0/8", r#"{"a":"host"}"#, false);
        for (network, four, mapped) in [
            ("::ffff:10.0.0.0/104", true, true),
            ("::ffff:0:0/96", true, true),
            ("::ffff:10.1.2.3", true, true),
            ("::/0", false, true),
            ("::ffff:11.0.0.0/104", false, false),
        ] {
            check(&format!("a|cidr: '{network}'"), r#"{"a":"10.1.2.3"}"#, four);
            check(&format!("a|cidr: '{network}'"), r#"{"a":"::ffff:10.1.2.3"}"#, mapped);
        }
        check("a|fieldref: b", r#"{"a":"X","b":"x"}"#, true);
        check("a|fieldref|endswith: b", r#"{"a":"xy","b":["z","Y"]}"#, true);
        check("a|fieldref: b", r#"{"a":"x"}"#, false);
    }

    #[test]
    fn keywords_are_in_any_value() {
        check("- needle", r#"{"a":{"b":["x","a Needle"]}}"#, true);
        check("- needle", r#"{"needle":1}"#, false);
        check("'|all': [one, two]", r#"{"a":"one","b":"two"}"#, true);
    }

    #[test]
    fn rules_of_other_log_sources_are_left_out() {
        let text = ["{product: windows}", "{product: linux}", "{product: windows, category: dns}"].map(|logsource| {
            format!("title: T\nlogsource: {logsource}\ndetection: {{s: {{a: 1}}, condition: s}}\n---\n")
        });
        let of = |logsource: &str| rules(&text.concat(), Some(&logsource.parse().expect("a log source"))).len();
        assert_eq!(of("product=windows"), 1);
        assert_eq!(of("product=windows,category=dns"), 2);
        assert_eq!(of("category=dns"), 0);
    }
}
