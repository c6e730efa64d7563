//! What a rule's match becomes: an alert with its evidence and an id that a replay gives again.

mod dedup;
mod evidence;
mod member;

use std::sync::Arc;

pub use dedup::{Counters as DedupCounters, Dedup, Limits as DedupLimits};
pub use evidence::{Evidence, MAX_EVENTS as MAX_EVIDENCE_EVENTS};
pub use member::{MEMBERS, Member};
use sha2::{Digest, Sha256};

use crate::event::{
    Event, Severity,
    json::{self, Form, Leaf},
    text,
    value::{Time, Words},
};

/// What an alert says of the rule behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleFacts {
    /// The rule's id: the native `id`, or Sigma's.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Its description; may be empty.
    pub description: String,
    /// How much a match matters.
    pub severity: Severity,
    /// Tags in Sigma's spelling: `attack.execution`, `attack.t1059.004`, others as they are.
    pub tags: Vec<String>,
    /// Links.
    pub references: Vec<String>,
    /// Authors, as the rule names them; must stay with the alert (Detection Rule License).
    pub author: Option<String>,
    /// Licence of the rule's text.
    pub license: Option<String>,
    /// `native`, `sigma` or `falco`.
    pub ruleset: &'static str,
    /// SHA-256 over the rule's content, lower-case hex.
    pub content_hash: String,
}

/// A rule has matched.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Hash of rule id, rule content and evidence: the same whenever the same event is judged by the same rule.
    pub id: String,
    /// The rule.
    pub rule: Arc<RuleFacts>,
    /// The event that completed the match.
    pub event: Arc<Event>,
    /// The rule's `output` with its fields filled in, or the title.
    pub message: Vec<u8>,
    /// Set if an `unless` or whitelist entry matched: its name. Such an alert goes only to those who ask for it.
    pub suppressed_by: Option<String>,
    /// How often it was found and when.
    pub occurrences: Occurrences,
    /// What a rule over several events has seen; absent for the match of one event.
    pub evidence: Option<Arc<Evidence>>,
    /// The indicator it matched by, if it did.
    pub indicator: Option<Indicator>,
    /// The name of the texts that the rule was read with; absent where they have none.
    pub generation: Option<Arc<str>>,
}

/// An entry of an indicator list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indicator {
    /// The list.
    pub list: String,
    /// The entry.
    pub entry: String,
    /// What the list says of it.
    pub description: Option<String>,
    /// A link.
    pub reference: Option<String>,
}

/// How often a finding was made: once, until [`Dedup`] folds repeats into updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrences {
    /// How often so far; at least 1.
    pub count: u64,
    /// When first; absent if the event has no time.
    pub first: Option<Time>,
    /// When last.
    pub last: Option<Time>,
}

impl Occurrences {
    /// One finding.
    #[must_use]
    pub fn once(time: Option<Time>) -> Self {
        Self { count: 1, first: time, last: time }
    }

    /// Whether this tells of repeats of an alert that was sent before, under the same id.
    #[must_use]
    pub fn is_update(self) -> bool {
        self.count > 1
    }

    fn add(&mut self, time: Option<Time>) {
        self.count = self.count.saturating_add(1);
        // Events may come late: `first` is then not the one that was sent first.
        self.first = [self.first, time].into_iter().flatten().min_by_key(|Time(ns)| *ns);
        self.last = [self.last, time].into_iter().flatten().max_by_key(|Time(ns)| *ns);
    }
}

impl Alert {
    /// The id of an alert.
    #[must_use]
    pub fn id_of(rule: &RuleFacts, event: &Event) -> String {
        id_of_parts([rule.id.as_bytes(), rule.content_hash.as_bytes(), event.id.as_deref().unwrap_or_default()])
    }

    /// The id of an alert of a rule over several events.
    #[must_use]
    pub fn id_of_evidence(rule: &RuleFacts, evidence: &Evidence) -> String {
        let time = |time: Option<Time>| time.map_or(0, |Time(ns)| ns).to_le_bytes();
        let numbers = [evidence.count.to_le_bytes(), time(evidence.first), time(evidence.last)];
        let facts = [rule.id.as_bytes(), rule.content_hash.as_bytes()];
        let numbers = numbers.iter().map(<[u8; 8]>::as_slice);
        id_of_parts(facts.into_iter().chain(numbers).chain(evidence.events.iter().map(AsRef::as_ref)))
    }

    /// Appends the alert as one JSON object: the event's members, `event.kind: alert`, the rule, the message.
    pub fn write(&self, out: &mut Vec<u8>, form: Form) {
        let strings = |items: &[&str]| serde_json::to_string(items).unwrap_or_else(|_| "[]".to_owned());
        let (techniques, subtechniques) = techniques(&self.rule.tags);
        let tactics: Vec<String> = self.rule.tags.iter().filter_map(|tag| tactic(tag)).collect();
        let tags = strings(&self.rule.tags.iter().map(String::as_str).collect::<Vec<_>>());
        let references = strings(&self.rule.references.iter().map(String::as_str).collect::<Vec<_>>());
        let technique_ids = strings(&techniques.iter().map(String::as_str).collect::<Vec<_>>());
        let subtechnique_ids = strings(&subtechniques.iter().map(String::as_str).collect::<Vec<_>>());
        let authors = strings(self.rule.author.as_deref().as_slice());
        let tactic_names = strings(&tactics.iter().map(String::as_str).collect::<Vec<_>>());
        let score = self.rule.severity.score().to_string();
        let ours = |name: &str| match form {
            Form::Ecs => format!("beewolf.{name}"),
            Form::Ours => name.to_owned(),
        };
        let [alert_id, severity, hash, suppressed, generation] =
            ["alert.id", "alert.severity", "rule.content_hash", "alert.suppressed_by", "rule.generation"].map(ours);
        let rule = &self.rule;
        let mut members: Vec<(&str, Leaf<'_>)> = vec![
            ("event.kind", Leaf::Text(b"alert")),
            ("event.severity", Leaf::Json(&score)),
            ("message", Leaf::Text(&self.message)),
            (&alert_id, Leaf::Text(self.id.as_bytes())),
            (&severity, Leaf::Text(rule.severity.word().as_bytes())),
            ("rule.id", Leaf::Text(rule.id.as_bytes())),
            ("rule.name", Leaf::Text(rule.title.as_bytes())),
            ("rule.ruleset", Leaf::Text(rule.ruleset.as_bytes())),
            (&hash, Leaf::Text(rule.content_hash.as_bytes())),
        ];
        let count = self.occurrences.count.to_string();
        let time = |time: Option<Time>| time.map(|Time(ns)| json::rfc3339(ns));
        let (first, last) = (time(self.occurrences.first), time(self.occurrences.last));
        let [count_name, first_name, last_name, update_name] =
            ["alert.count", "alert.first", "alert.last", "alert.update"].map(ours);
        members.push((&count_name, Leaf::Json(&count)));
        for (name, time) in [(&first_name, &first), (&last_name, &last)] {
            if let Some(time) = time {
                members.push((name, Leaf::Text(time.as_bytes())));
            }
        }
        let evidence = self.evidence.as_deref().map(Shown::new);
        let evidence_names = [
            "alert.evidence.count",
            "alert.evidence.events",
            "alert.evidence.first",
            "alert.evidence.last",
            "alert.group",
        ]
        .map(ours);
        for (name, text) in evidence_names.iter().zip(evidence.iter().flat_map(Shown::members)) {
            if let Some(leaf) = text {
                members.push((name, leaf));
            }
        }
        if self.occurrences.is_update() {
            members.push((&update_name, Leaf::Json("true")));
        }
        if !rule.description.is_empty() {
            members.push(("rule.description", Leaf::Text(rule.description.as_bytes())));
        }
        if let Some(license) = &rule.license {
            members.push(("rule.license", Leaf::Text(license.as_bytes())));
        }
        if let Some(indicator) = &self.indicator {
            members.push(("threat.feed.name", Leaf::Text(indicator.list.as_bytes())));
            members.push(("threat.indicator.name", Leaf::Text(indicator.entry.as_bytes())));
            for (name, text) in [
                ("threat.indicator.description", &indicator.description),
                ("threat.indicator.reference", &indicator.reference),
            ] {
                members.extend(text.as_ref().map(|text| (name, Leaf::Text(text.as_bytes()))));
            }
        }
        if form == Form::Ecs {
            members.push(("ecs.version", Leaf::Text(ECS_VERSION.as_bytes())));
        }
        if let Some(name) = &self.suppressed_by {
            members.push((&suppressed, Leaf::Text(name.as_bytes())));
        }
        if let Some(name) = &self.generation {
            members.push((&generation, Leaf::Text(name.as_bytes())));
        }
        for (name, list, empty) in [
            ("tags", &tags, rule.tags.is_empty()),
            ("rule.author", &authors, rule.author.is_none()),
            ("rule.reference", &references, rule.references.is_empty()),
            ("threat.technique.id", &technique_ids, techniques.is_empty()),
            ("threat.technique.subtechnique.id", &subtechnique_ids, subtechniques.is_empty()),
            ("threat.tactic.name", &tactic_names, tactics.is_empty()),
        ] {
            if !empty {
                members.push((name, Leaf::Json(list)));
            }
        }
        // Ours come first, so that of two members with one name the alert's is written.
        members.extend(json::members(&self.event, form).map(|(name, leaf)| -> (&str, Leaf<'_>) { (name, leaf) }));
        members.sort_by(|(a, _), (b, _)| json::order(a, b));
        json::write_object(out, members.into_iter());
    }
}

/// A hash over parts, none of which runs into the next.
fn id_of_parts<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    data_encoding::HEXLOWER.encode(digest.get(..16).unwrap_or(&digest))
}

/// Evidence as JSON has it.
struct Shown {
    count: String,
    events: String,
    first: Option<String>,
    last: Option<String>,
    group: Option<String>,
}

impl Shown {
    fn new(evidence: &Evidence) -> Self {
        let list = |items: &[String]| serde_json::to_string(items).unwrap_or_else(|_| "[]".to_owned());
        let time = |time: Option<Time>| time.map(|Time(ns)| json::rfc3339(ns));
        let events: Vec<String> = evidence.events.iter().map(|id| text::encode(id)).collect();
        Self {
            count: evidence.count.to_string(),
            events: list(&events),
            first: time(evidence.first),
            last: time(evidence.last),
            group: (!evidence.group.is_empty()).then(|| list(&evidence.group)),
        }
    }

    /// Count, events, first, last, group.
    fn members(&self) -> [Option<Leaf<'_>>; 5] {
        [
            Some(Leaf::Json(&self.count)),
            Some(Leaf::Json(&self.events)),
            self.first.as_ref().map(|time| Leaf::Text(time.as_bytes())),
            self.last.as_ref().map(|time| Leaf::Text(time.as_bytes())),
            self.group.as_deref().map(Leaf::Json),
        ]
    }
}

/// Version of the Elastic Common Schema whose names the ECS form uses.
pub const ECS_VERSION: &str = "9.4.0";

/// The techniques that tags name, and among them the sub-techniques: `T1059` and `T1059.004` of `attack.t1059.004`.
fn techniques(tags: &[String]) -> (Vec<String>, Vec<String>) {
    let named: Vec<String> = tags.iter().filter_map(|tag| technique(tag)).collect();
    let mut above: Vec<String> = Vec::new();
    for id in &named {
        let technique = id.split_once('.').map_or(id.as_str(), |(technique, _)| technique);
        if !above.iter().any(|known| known == technique) {
            above.push(technique.to_owned());
        }
    }
    (above, named.into_iter().filter(|id| id.contains('.')).collect())
}

/// `T1059.004` of `attack.t1059.004`.
fn technique(tag: &str) -> Option<String> {
    let id = tag.strip_prefix("attack.t")?;
    id.starts_with(|first: char| first.is_ascii_digit()).then(|| format!("T{id}"))
}

/// `Privilege Escalation` of `attack.privilege-escalation`.
fn tactic(tag: &str) -> Option<String> {
    let name = tag.strip_prefix("attack.")?;
    let is_id =
        name.len() > 1 && name.get(1..).is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()));
    (!is_id).then(|| {
        name.split(['-', '_'])
            .map(|word| {
                let mut letters = word.chars();
                letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
            })
            .collect::<Vec<_>>()
            .join(" ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_become_techniques_and_tactics() {
        assert_eq!(technique("attack.t1059.004").as_deref(), Some("T1059.004"));
        assert_eq!(technique("attack.execution"), None);
        let tags = ["attack.t1059.004", "attack.t1059", "attack.t1059.006", "attack.t1053.003", "cve.2021.4034"];
        let (above, below) = techniques(&tags.map(str::to_owned));
        assert_eq!(above, ["T1059", "T1053"]);
        assert_eq!(below, ["T1059.004", "T1059.006", "T1053.003"]);
        assert_eq!(tactic("attack.privilege-escalation").as_deref(), Some("Privilege Escalation"));
        assert_eq!(tactic("attack.t1059"), None);
        assert_eq!(tactic("attack.s0002"), None);
        assert_eq!(tactic("cve.2021.4034"), None);
    }
}
