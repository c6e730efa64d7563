//! Global whitelists: what the owner of a host does not want to be alerted on, whichever rule says it.
//!
//! Files of the same language as rules. An entry names who answers for it and may have a last day.
//! What it suppresses stays countable: the alert carries the entry's name, the entry counts.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::{
    alert::Alert,
    event::value::Time,
    indicator::Lists,
    rule::{Diagnostics, Filter, Purpose, Source, Until, loader},
};

/// An entry.
#[derive(Debug)]
pub struct Entry {
    /// Its name: what `alert.suppressed_by` says.
    pub name: String,
    /// Why it is right.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// Its last day.
    pub until: Option<Until>,
    /// Ids of the rules it is for; every rule if there are none.
    pub rules: Vec<String>,
    filter: Filter,
    /// All of the above, in words: an entry that says the same is the same entry.
    wording: String,
    hits: AtomicU64,
}

impl Entry {
    /// Alerts it has suppressed.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Whether its last day is over at a time.
    #[must_use]
    pub fn is_expired(&self, now: Time) -> bool {
        self.until.is_some_and(|until| until.is_over(Some(now)))
    }

    fn applies(&self, alert: &Alert) -> bool {
        (self.rules.is_empty() || self.rules.contains(&alert.rule.id))
            && !self.until.is_some_and(|until| until.is_over(alert.event.time))
            && self.filter.matches(&alert.event)
    }
}

/// All entries of all files.
#[derive(Debug, Default)]
pub struct Whitelist {
    entries: Vec<Entry>,
}

impl Whitelist {
    /// Reads whitelists. What is wrong with them is reported; if there are errors, no entry may be used.
    #[must_use]
    pub fn read(sources: &[Arc<Source>], indicators: &Arc<Lists>, diagnostics: &mut Diagnostics) -> Self {
        let entries = loader::whitelists(sources, indicators, diagnostics)
            .into_iter()
            .map(|entry| Entry {
                wording: format!("{entry:?}"),
                filter: Filter::new(&entry.exception.condition, Purpose::Suppress),
                name: entry.exception.name,
                reason: entry.exception.reason,
                owner: entry.exception.owner,
                until: entry.exception.until,
                rules: entry.rules,
                hits: AtomicU64::new(0),
            })
            .collect();
        Self { entries }
    }

    /// Goes on counting where the same entries of another whitelist have ended.
    pub fn inherit(&mut self, other: &Self) {
        let counts: HashMap<&str, u64> =
            other.entries.iter().map(|entry| (entry.wording.as_str(), entry.hits())).collect();
        for entry in &mut self.entries {
            *entry.hits.get_mut() += counts.get(entry.wording.as_str()).copied().unwrap_or(0);
        }
    }

    /// Marks an alert as suppressed by the first entry that applies; one that is marked already stays as it is.
    pub fn judge(&self, alert: &mut Alert) {
        if alert.suppressed_by.is_some() {
            return;
        }
        if let Some(entry) = self.entries.iter().find(|entry| entry.applies(alert)) {
            entry.hits.fetch_add(1, Ordering::Relaxed);
            alert.suppressed_by = Some(entry.name.clone());
        }
    }

    /// The entries in the order of the files.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        alert::{Occurrences, RuleFacts},
        event::{Severity, json},
    };

    fn facts(id: &str) -> Arc<RuleFacts> {
        Arc::new(RuleFacts {
            id: id.to_owned(),
            title: "T".to_owned(),
            description: String::new(),
            severity: Severity::Low,
            tags: Vec::new(),
            references: Vec::new(),
            author: None,
            license: None,
            ruleset: "native",
            content_hash: String::new(),
        })
    }

    /// By what the alerts of rules `a` and `b` on an exec at a time are suppressed.
    fn check(whitelist: &Whitelist, executable: &str, time: &str, expected: [Option<&str>; 2]) {
        let event = format!(
            r#"{{"@timestamp":"{time}","event":{{"action":"exec"}},"process":{{"executable":"{executable}"}}}}"#
        );
        let (event, errors) = json::read(event.as_bytes()).expect("an event");
        assert_eq!(errors, []);
        let event = Arc::new(event);
        let suppressed = ["a", "b"].map(|id| {
            let rule = facts(id);
            let id = Alert::id_of(&rule, &event);
            let mut alert = Alert {
                id,
                rule,
                event: Arc::clone(&event),
                message: Vec::new(),
                suppressed_by: None,
                occurrences: Occurrences::once(event.time),
                evidence: None,
                indicator: None,
                generation: None,
            };
            whitelist.judge(&mut alert);
            alert.suppressed_by
        });
        assert_eq!(suppressed, expected.map(|name| name.map(str::to_owned)), "{executable} at {time}");
    }

    fn read(text: &str) -> (Whitelist, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let whitelist = Whitelist::read(&[Source::new("whitelist.yml", text)], &Arc::default(), &mut diagnostics);
        (whitelist, diagnostics)
    }

    #[test]
    fn an_entry_suppresses_its_rules_up_to_its_last_day_and_counts() {
        let (whitelist, diagnostics) = read(
            "- name: backup\n  when: process.executable = /usr/bin/backup\n  reason: it does that\n  owner: ops\n  until: 2026-06-30\n\
             - name: only a\n  when: process.executable startswith /opt/\n  reason: vendor\n  owner: ops\n  rules: [a]\n\
             - name: never\n  when: process.executable = /never\n  reason: none\n  owner: ops\n",
        );
        assert!(!diagnostics.has_errors(), "{diagnostics}");
        let (before, after) = ("2026-06-30T23:59:59Z", "2026-07-01T00:00:00Z");
        check(&whitelist, "/usr/bin/backup", before, [Some("backup"), Some("backup")]);
        check(&whitelist, "/usr/bin/backup", after, [None, None]);
        check(&whitelist, "/opt/x", after, [Some("only a"), None]);
        check(&whitelist, "/bin/sh", after, [None, None]);
        let hits: Vec<_> = whitelist.entries().iter().map(|entry| (entry.name.as_str(), entry.hits())).collect();
        assert_eq!(hits, [("backup", 2), ("only a", 1), ("never", 0)]);
        let now = Time(1_800_000_000_000_000_000);
        assert!(whitelist.entries()[0].is_expired(now) && !whitelist.entries()[1].is_expired(now));
    }

    #[test]
    fn counts_go_on_where_the_same_entry_ended() {
        let entry =
            |name: &str, when: &str| format!("- name: {name}\n  when: {when}\n  reason: it does\n  owner: ops\n");
        let (first, _) = read(&(entry("kept", "user.id = 0") + &entry("changed", "user.id = 1")));
        first.entries.iter().for_each(|entry| entry.hits.store(7, Ordering::Relaxed));
        let (mut second, _) = read(&(entry("changed", "user.id = 2") + &entry("kept", "user.id = 0")));
        second.inherit(&first);
        let hits: Vec<_> = second.entries().iter().map(|entry| (entry.name.as_str(), entry.hits())).collect();
        assert_eq!(hits, [("changed", 0), ("kept", 7)]);
    }

    #[test]
    fn every_problem_of_a_whitelist_is_reported() {
        let (_, problems) = read("- name: a\n  when: process.nmae = x\n- whne: 1\n");
        let messages: Vec<_> = problems.sorted().iter().map(|problem| problem.message.as_str()).collect();
        for message in [
            "unknown field `process.nmae`",
            "unknown key `whne` in a whitelist entry",
            "a whitelist entry needs `owner`",
        ] {
            assert!(messages.contains(&message), "{message} in {messages:?}");
        }
    }
}
