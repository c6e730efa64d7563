//! Changes to rules from a second file, so that the files of the rules stay as they came: [`EXAMPLE`].

use sha2::{Digest, Sha256};

use super::{
    ast::Literal,
    definition::{self, Definitions},
    diagnostic::{Diagnostic, Diagnostics, Place, did_you_mean},
    exception::{self, Exception},
    expr::Expr,
    loaded::{Loaded, State},
    native,
    shape::{Shape, wrong_type},
    yaml::{Node, Plain, Value},
};
use crate::event::Severity;

/// A file of overrides, for the reference.
pub const EXAMPLE: &str = "\
overrides:
  - rule: web-server-starts-shell
    disable: true
    reason: our deployment does this at every release
    owner: platform-team
  - rule: shadow-read
    severity: low
    lists: { readers: [/opt/backup/agent] }
    unless:
      - { name: audit, when: user.name = audit, reason: yearly audit, owner: security }
    reason: the backup agent reads everything
    owner: platform-team
  - list: package_managers
    items: [/opt/pkg/bin/pkgin]
    reason: pkgsrc is used here
    owner: platform-team
";

/// Keys of a change to a rule.
pub const RULE_KEYS: &[&str] = &["rule", "disable", "severity", "lists", "unless", "reason", "owner"];
/// Keys of a change to a shared list.
pub const LIST_KEYS: &[&str] = &["list", "items", "reason", "owner"];

/// What is changed of one rule.
#[derive(Debug)]
pub(super) struct Override {
    rule: String,
    /// Where the rule's id stands.
    place: Place,
    reason: String,
    owner: String,
    disable: bool,
    severity: Option<Severity>,
    unless: Vec<Exception>,
    lists: Vec<(String, Place, Vec<Literal>)>,
    /// What it says, for the content hash of the rule.
    canonical: Vec<u8>,
    used: bool,
}

/// All changes.
#[derive(Debug, Default)]
pub(super) struct Overrides(Vec<Override>);

impl Overrides {
    /// Reads files of overrides. Changes to shared lists go into `definitions`, before any condition is read.
    pub(super) fn read<'n>(
        files: impl Iterator<Item = &'n Node>,
        definitions: &mut Definitions,
        diagnostics: &mut Diagnostics,
    ) -> Self {
        let mut items = Vec::new();
        for node in files {
            let Some(shape) = Shape::new(node, "a file of overrides", &["overrides"], diagnostics) else { continue };
            items.extend(shape.items("overrides", diagnostics));
        }
        let (lists, rules): (Vec<&Node>, Vec<&Node>) = items.into_iter().partition(|item| item.get("list").is_some());
        for item in lists {
            of_list(item, definitions, diagnostics);
        }
        let mut all = Self::default();
        for item in rules {
            all.add(item, definitions, diagnostics);
        }
        all
    }

    fn add(&mut self, item: &Node, definitions: &mut Definitions, diagnostics: &mut Diagnostics) {
        definitions.enter(&item.place.source.name);
        let change = Override::read(item, definitions, diagnostics);
        definitions.leave(diagnostics);
        let Some(change) = change else { return };
        if let Some(first) = self.0.iter().find(|other| other.rule == change.rule) {
            let message = format!("two overrides of the rule `{}`", change.rule);
            let error = Diagnostic::error("duplicate-override", change.place, message);
            diagnostics.push(error.related(first.place.clone(), "first given here").hint("put both into one entry"));
            return;
        }
        self.0.push(change);
    }

    /// The change of a rule.
    pub(super) fn of(&mut self, rule: &str) -> Option<&Override> {
        let change = self.0.iter_mut().find(|change| change.rule == rule)?;
        change.used = true;
        Some(change)
    }

    /// Reports changes to rules that are not there.
    pub(super) fn finish<'r>(self, ids: impl Iterator<Item = &'r String> + Clone, diagnostics: &mut Diagnostics) {
        for change in self.0.into_iter().filter(|change| !change.used) {
            let message = format!("no rule has the id `{}`", change.rule);
            let near = did_you_mean(&change.rule, ids.clone().map(String::as_str))
                .unwrap_or_else(|| "`beewolf rules list` prints the ids there are".to_owned());
            diagnostics.push(Diagnostic::error("unknown-rule", change.place, message).hint(near));
        }
    }
}

impl Override {
    fn read(node: &Node, definitions: &mut Definitions, diagnostics: &mut Diagnostics) -> Option<Self> {
        let shape = Shape::new(node, "an override", RULE_KEYS, diagnostics)?;
        let rule = shape.required_text("rule", diagnostics);
        let place = shape.get("rule").map(|node| node.place.clone());
        let reason = shape.required_text("reason", diagnostics);
        let owner = shape.required_text("owner", diagnostics);
        let disable = shape.get("disable").is_some_and(|node| flag(node, diagnostics));
        let severity = shape.get("severity").and_then(|_| shape.word("severity", diagnostics));
        let unless = exception::read_all(&shape, definitions, diagnostics);
        let mut constants = 0;
        let lists: Vec<_> = shape
            .entries("lists", diagnostics)
            .filter_map(|(key, value)| {
                let (name, items) = definition::list(key, value, &mut constants, diagnostics)?;
                Some((name, key.place.clone(), items))
            })
            .collect();
        if !["disable", "severity", "unless", "lists"].iter().any(|key| shape.get(key).is_some()) {
            let error = Diagnostic::error("missing-key", node.place.clone(), "this override changes nothing");
            diagnostics.push(error.hint("it needs `disable`, `severity`, `lists` or `unless`"));
            return None;
        }
        let mut canonical = Vec::new();
        node.write_canonical(&mut canonical);
        definitions.write_used(&mut canonical);
        Some(Self {
            rule: rule?,
            place: place?,
            reason: reason?,
            owner: owner?,
            disable,
            severity,
            unless,
            lists,
            canonical,
            used: false,
        })
    }

    /// Adds the constants to the lists that the rule sees.
    pub(super) fn extend_lists(&self, definitions: &mut Definitions, diagnostics: &mut Diagnostics) {
        for (name, place, items) in &self.lists {
            if let Err(near) = definitions.extend_list(name, items) {
                let message = format!("the rule `{}` sees no list `{name}`", self.rule);
                diagnostics.push(Diagnostic::error("unknown-list", place.clone(), message).hint_if(near));
            }
        }
    }

    /// Changes a rule that has been read.
    pub(super) fn apply(&self, rule: &mut Loaded, diagnostics: &mut Diagnostics) {
        if let Some((_, place, _)) = self.lists.first()
            && rule.ruleset != native::RULESET
        {
            let message = format!("`{}` is no rule of ours, and its lists are not changed here", self.rule);
            let hint = "add an exception to `unless`; lists of Falco rules are changed by `override` in a Falco file";
            diagnostics.push(Diagnostic::error("unknown-list", place.clone(), message).hint(hint));
        }
        rule.severity = self.severity.unwrap_or(rule.severity);
        for exception in &self.unless {
            if rule.unless.iter().any(|other| other.name == exception.name) {
                let message = format!("the rule `{}` has an exception `{}` already", self.rule, exception.name);
                diagnostics.push(Diagnostic::error("duplicate-name", self.place.clone(), message));
            }
            rule.unless.push(exception.clone());
        }
        if self.disable {
            rule.condition = Expr::Const(false);
            rule.state = State::Disabled(format!("{} ({})", self.reason, self.owner));
        }
        let mut hash = Sha256::new();
        hash.update(rule.content_hash.as_bytes());
        hash.update(&self.canonical);
        rule.content_hash = data_encoding::HEXLOWER.encode(&hash.finalize());
    }
}

/// Adds constants to a shared list.
fn of_list(node: &Node, definitions: &mut Definitions, diagnostics: &mut Diagnostics) {
    let Some(shape) = Shape::new(node, "an override of a list", LIST_KEYS, diagnostics) else { return };
    let given = [shape.required_text("reason", diagnostics), shape.required_text("owner", diagnostics)];
    let name = shape.required_text("list", diagnostics);
    let items = shape.required("items", diagnostics);
    let (Some(name), Some(items), true) = (name, items, given.iter().all(Option::is_some)) else { return };
    let Some(items) = definition::constants_of(&name, items, &mut 0, diagnostics) else { return };
    if let Err(near) = definitions.extend_shared(&name, &items) {
        let place = shape.get("list").map_or(&node.place, |node| &node.place);
        let error = Diagnostic::error("unknown-list", place.clone(), format!("no shared list has the name `{name}`"));
        let hint = near.unwrap_or_else(|| "a list of one rule is changed below `rule` and `lists`".to_owned());
        diagnostics.push(error.hint(hint));
    }
}

fn flag(node: &Node, diagnostics: &mut Diagnostics) -> bool {
    if let Value::Scalar(scalar) = &node.value
        && let Plain::Bool(flag) = scalar.plain()
    {
        return flag;
    }
    diagnostics.push(wrong_type(node, "`disable` is `true` or `false`", None));
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::json,
        rule::{Filter, Loader, Purpose, Source, sigma::Fieldmap},
    };

    #[test]
    fn the_example_of_the_reference_works() {
        let rule = |id: &str, list: &str| {
            format!(
                "id: {id}\ntitle: T\nseverity: high\nlists: {{ {list}: [/bin/x] }}\nwhen: event.action = exec and process.executable in (${list})\n"
            )
        };
        let uses = "id: c\ntitle: T\nseverity: high\nwhen: event.action = exec and process.executable in ($package_managers)\n";
        let sources = [
            Source::new("rules/a.yml", rule("web-server-starts-shell", "x")),
            Source::new("rules/b.yml", rule("shadow-read", "readers")),
            Source::new("rules/c.yml", uses),
            Source::new("rules/lists.yml", "lists: { package_managers: [/usr/bin/apt] }\n"),
            Source::new("site/overrides.yml", EXAMPLE),
        ];
        let (rules, problems) = Loader::new(Fieldmap::builtin()).read(&sources);
        assert!(!problems.has_errors(), "{problems}");
        let [disabled, changed, shared] = rules.as_slice() else { panic!("three rules") };
        assert_eq!(
            disabled.state.reason().as_deref(),
            Some("our deployment does this at every release (platform-team)")
        );
        assert!(matches!(disabled.condition, Expr::Const(false)));
        assert_eq!((changed.severity, changed.unless.len()), (Severity::Low, 1));
        let runs = |rule: &Loaded, program: &str| {
            let event = format!(r#"{{"event":{{"action":"exec"}},"process":{{"executable":"{program}"}}}}"#);
            let (event, _) = json::read(event.as_bytes()).expect("an event");
            Filter::new(&rule.condition, Purpose::Alert).matches(&event)
        };
        assert!(runs(changed, "/opt/backup/agent") && runs(changed, "/bin/x") && !runs(changed, "/usr/bin/apt"));
        assert!(runs(shared, "/opt/pkg/bin/pkgin") && runs(shared, "/usr/bin/apt") && !runs(shared, "/bin/x"));
        // What an override or a shared list says is part of what the rule says.
        let (plain, _) = Loader::new(Fieldmap::builtin()).read(&sources[..4]);
        assert!(rules.iter().zip(&plain).all(|(a, b)| a.content_hash != b.content_hash));
    }
}
