//! What Falco files hold: rules, macros and lists, in load order, each as later items have left it.
//!
//! An item with the name of an earlier one takes its place, unless it says what it changes: `override`
//! names the keys it appends to or replaces, `append: true` is the older word for it, and a rule with
//! nothing but `enabled` switches the rule of that name on or off.

use std::collections::BTreeMap;

use super::{
    ast::Word,
    exceptions::{self, Exception},
    joined::Joined,
    parse,
};
use crate::rule::{
    ast::Text,
    diagnostic::{Diagnostic, Diagnostics, Place},
    shape::{Shape, text, wrong_type},
    yaml::{Node, Value},
};

/// Keys of a rule.
const RULE_KEYS: &[&str] = &[
    "rule",
    "desc",
    "condition",
    "output",
    "priority",
    "source",
    "enabled",
    "tags",
    "exceptions",
    "append",
    "override",
    "warn_evttypes",
    "skip-if-unknown-filter",
    "capture",
    "capture_duration",
];
/// Keys of a macro.
const MACRO_KEYS: &[&str] = &["macro", "condition", "append", "override"];
/// Keys of a list.
const LIST_KEYS: &[&str] = &["list", "items", "append", "override"];
/// Keys that stand beside `override` without being named in it. What `append` says there is looked at by itself.
const BESIDE: &[&str] = &["rule", "macro", "list", "override", "append"];
/// Items about the versions of Falco and of its plugins.
const VERSIONS: &[&str] = &["required_engine_version", "required_plugin_versions"];

/// Whether a list of YAML is a Falco file: told by the first key of any of its items.
pub(super) fn is_one(node: &Node) -> bool {
    let Value::Sequence(items) = &node.value else { return false };
    let is_item = |item: &Node| ["rule", "macro", "list"].iter().chain(VERSIONS).any(|key| item.get(key).is_some());
    items.iter().any(is_item)
}

/// A named condition.
#[derive(Debug)]
pub(super) struct Macro {
    pub(super) place: Place,
    pub(super) condition: Joined,
    /// What its items say, for the content hash of rules.
    pub(super) canonical: Vec<u8>,
}

/// A named list of constants and of other lists.
#[derive(Debug)]
pub(super) struct List {
    pub(super) items: Vec<Word>,
    pub(super) canonical: Vec<u8>,
}

/// A rule, as it is after all items about it.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) place: Place,
    /// Absent, as are the keys below, where an item is broken.
    pub(super) condition: Option<Joined>,
    pub(super) description: String,
    pub(super) output: Option<Joined>,
    pub(super) priority: Option<Node>,
    pub(super) source: Option<String>,
    pub(super) enabled: bool,
    pub(super) tags: Vec<String>,
    pub(super) exceptions: Vec<Exception>,
    pub(super) warns_of_kinds: bool,
    /// Whether an item about it is broken: it is only read on so that all its problems are reported.
    pub(super) is_broken: bool,
    pub(super) canonical: Vec<u8>,
}

/// All items of the files that are loaded together.
#[derive(Debug, Default)]
pub(super) struct Items {
    /// In the order of their first appearance.
    pub(super) rules: Vec<Rule>,
    pub(super) macros: BTreeMap<String, Macro>,
    pub(super) lists: BTreeMap<String, List>,
}

/// What an item does to the one of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Append,
    Keep,
    Replace,
}

/// What an item does, key by key.
struct Changes<'n> {
    /// Whether there has to be an earlier item.
    to_earlier: bool,
    /// Every key there is in an item that replaces all.
    named: Option<Vec<(&'n str, Change)>>,
}

impl Changes<'_> {
    fn of(&self, key: &str) -> Change {
        match &self.named {
            None => Change::Replace,
            Some(named) => named.iter().find(|(name, _)| *name == key).map_or(Change::Keep, |(_, change)| *change),
        }
    }
}

impl Items {
    /// Reads a file after those before it.
    pub(super) fn read(&mut self, file: &Node, diagnostics: &mut Diagnostics) {
        let Value::Sequence(items) = &file.value else { return };
        for item in items {
            let has = |key: &&str| item.get(key).is_some();
            if has(&"rule") {
                self.read_rule(item, diagnostics);
            } else if has(&"macro") {
                self.read_macro(item, diagnostics);
            } else if has(&"list") {
                self.read_list(item, diagnostics);
            } else if !VERSIONS.iter().any(has) {
                let message = "this is no `rule`, `macro`, `list` and no version";
                let error = Diagnostic::error("unknown-item", item.place.clone(), message);
                diagnostics.push(error.hint("an item of a Falco file begins with one of these words"));
            }
        }
    }

    fn read_list(&mut self, item: &Node, diagnostics: &mut Diagnostics) {
        let Some(shape) = Shape::new(item, "a Falco list", LIST_KEYS, diagnostics) else { return };
        let Some(name) = shape.required_text("list", diagnostics) else { return };
        let Some(changes) = changes(&shape, item, &["items"], &["items"], diagnostics) else { return };
        // An empty list says something, none is forgotten.
        if shape.required("items", diagnostics).is_none() {
            return;
        }
        let items: Vec<Word> =
            shape.items("items", diagnostics).filter_map(|node| constant(node, diagnostics)).collect();
        match self.lists.get_mut(&name) {
            Some(list) => {
                if changes.of("items") == Change::Replace {
                    list.items.clear();
                    list.canonical.clear();
                }
                list.items.extend(items);
                item.write_canonical(&mut list.canonical);
            }
            None if changes.to_earlier => {
                let place = item.get("list").map_or(&item.place, |node| &node.place);
                diagnostics.push(no_earlier("list", &name, place.clone()));
            }
            None => {
                let mut canonical = Vec::new();
                item.write_canonical(&mut canonical);
                self.lists.insert(name, List { items, canonical });
            }
        }
    }

    fn read_macro(&mut self, item: &Node, diagnostics: &mut Diagnostics) {
        let Some(shape) = Shape::new(item, "a Falco macro", MACRO_KEYS, diagnostics) else { return };
        let Some(name) = shape.required_text("macro", diagnostics) else { return };
        let Some(changes) = changes(&shape, item, &["condition"], &["condition"], diagnostics) else { return };
        let Some(condition) = shape.condition("condition", diagnostics) else { return };
        let place = item.get("macro").map_or_else(|| item.place.clone(), |node| node.place.clone());
        match self.macros.get_mut(&name) {
            Some(found) if changes.of("condition") == Change::Append => {
                found.condition.append(condition);
                item.write_canonical(&mut found.canonical);
            }
            None if changes.to_earlier => diagnostics.push(no_earlier("macro", &name, place)),
            Some(_) | None => {
                let mut canonical = Vec::new();
                item.write_canonical(&mut canonical);
                self.macros.insert(name, Macro { place, condition: Joined::new(condition), canonical });
            }
        }
    }

    fn read_rule(&mut self, item: &Node, diagnostics: &mut Diagnostics) {
        let before = diagnostics.errors();
        let Some(shape) = Shape::new(item, "a Falco rule", RULE_KEYS, diagnostics) else { return };
        let Some(name) = shape.required_text("rule", diagnostics) else { return };
        let place = item.get("rule").map_or_else(|| item.place.clone(), |node| node.place.clone());
        let Some(changes) = rule_changes(&shape, item, diagnostics) else { return };
        let earlier = self.rules.iter_mut().find(|rule| rule.name == name);
        let rule = match (earlier, changes.to_earlier) {
            (None, true) => {
                diagnostics.push(no_earlier("rule", &name, place));
                return;
            }
            (Some(rule), true) => {
                rule.change(&shape, &changes, diagnostics);
                item.write_canonical(&mut rule.canonical);
                rule
            }
            (Some(rule), false) => {
                *rule = Rule::read(&shape, item, name, place, diagnostics);
                rule
            }
            (None, false) => self.rules.push_mut(Rule::read(&shape, item, name, place, diagnostics)),
        };
        rule.is_broken |= diagnostics.errors() > before;
    }
}

impl Rule {
    fn read(shape: &Shape<'_>, item: &Node, name: String, place: Place, diagnostics: &mut Diagnostics) -> Self {
        let mut canonical = Vec::new();
        item.write_canonical(&mut canonical);
        Self {
            name,
            place,
            condition: shape.condition("condition", diagnostics).map(Joined::new),
            output: shape.condition("output", diagnostics).map(Joined::new),
            description: shape.required_text("desc", diagnostics).unwrap_or_default().trim_end().to_owned(),
            priority: shape.required("priority", diagnostics).cloned(),
            source: shape.text("source", diagnostics),
            enabled: flag(shape, "enabled", diagnostics).unwrap_or(true),
            tags: shape.texts("tags", diagnostics),
            exceptions: exceptions::read(shape, diagnostics),
            warns_of_kinds: flag(shape, "warn_evttypes", diagnostics).unwrap_or(true),
            is_broken: false,
            canonical,
        }
    }

    /// Does what a later item says.
    fn change(&mut self, shape: &Shape<'_>, changes: &Changes<'_>, diagnostics: &mut Diagnostics) {
        let joined = |key: &str, old: &mut Option<Joined>, diagnostics: &mut Diagnostics| {
            let change = changes.of(key);
            if change == Change::Keep {
                return;
            }
            match (shape.condition(key, diagnostics), old, change) {
                (Some(text), Some(old), Change::Append) => old.append(text),
                (Some(text), old, Change::Keep | Change::Replace) => *old = Some(Joined::new(text)),
                // An end without its beginning says nothing.
                (Some(_), None, Change::Append) | (None, ..) => {}
            }
        };
        joined("condition", &mut self.condition, diagnostics);
        joined("output", &mut self.output, diagnostics);
        match (changes.of("desc"), shape.text("desc", diagnostics)) {
            (Change::Append, Some(more)) => self.description = format!("{} {}", self.description, more.trim_end()),
            (Change::Replace, Some(text)) => text.trim_end().clone_into(&mut self.description),
            (Change::Append | Change::Keep | Change::Replace, _) => {}
        }
        match changes.of("tags") {
            Change::Append => self.tags.extend(shape.texts("tags", diagnostics)),
            Change::Keep => {}
            Change::Replace => self.tags = shape.texts("tags", diagnostics),
        }
        match changes.of("exceptions") {
            Change::Append => exceptions::append(&mut self.exceptions, shape, diagnostics),
            Change::Keep => {}
            Change::Replace => self.exceptions = exceptions::read(shape, diagnostics),
        }
        if let (Change::Replace, Some(priority)) = (changes.of("priority"), shape.get("priority")) {
            self.priority = Some(priority.clone());
        }
        if changes.of("enabled") == Change::Replace {
            self.enabled = flag(shape, "enabled", diagnostics).unwrap_or(self.enabled);
        }
        if changes.of("warn_evttypes") == Change::Replace {
            self.warns_of_kinds = flag(shape, "warn_evttypes", diagnostics).unwrap_or(self.warns_of_kinds);
        }
    }
}

/// What an item about a rule does. `None` if that is broken.
fn rule_changes<'n>(shape: &Shape<'n>, item: &Node, diagnostics: &mut Diagnostics) -> Option<Changes<'n>> {
    let Value::Mapping(entries) = &item.value else { return None };
    if entries.len() == 2 && shape.get("enabled").is_some() {
        return Some(Changes { to_earlier: true, named: Some(vec![("enabled", Change::Replace)]) });
    }
    let may_append = ["condition", "output", "desc", "tags", "exceptions"];
    let may_replace = ["priority", "enabled", "warn_evttypes", "skip-if-unknown-filter"];
    let all = [may_append.as_slice(), may_replace.as_slice()].concat();
    changes(shape, item, &may_append, &all, diagnostics)
}

/// What an item does to the one before it, which keys may be appended to, and which replaced. `None`
/// if that is broken.
fn changes<'n>(
    shape: &Shape<'n>,
    item: &Node,
    may_append: &[&'static str],
    may_replace: &[&'static str],
    diagnostics: &mut Diagnostics,
) -> Option<Changes<'n>> {
    if shape.get("override").is_none() {
        let appends = flag(shape, "append", diagnostics).unwrap_or(false);
        // The older word appends what can be: of a rule only these.
        let keys = may_append.iter().filter(|key| ["condition", "exceptions", "items"].contains(key));
        let named = appends.then(|| keys.filter(|key| shape.get(key).is_some()).map(|key| (*key, Change::Append)));
        return Some(Changes { to_earlier: appends, named: named.map(Iterator::collect) });
    }
    let before = diagnostics.errors();
    if flag(shape, "append", diagnostics) == Some(true)
        && let Some(append) = shape.get("append")
    {
        let error = Diagnostic::error("wrong-key", append.place.clone(), "`append: true` stands beside `override`");
        diagnostics
            .push(error.hint("`override` says key by key what is appended and what replaced: leave `append` out"));
    }
    let mut named = Vec::new();
    for (key, value) in shape.entries("override", diagnostics) {
        let Some(name) = text(key, "the name of a key", diagnostics) else { continue };
        let (change, allowed) = match value.text() {
            Some("append") => (Change::Append, may_append),
            Some("replace") => (Change::Replace, may_replace),
            Some(_) | None => {
                let error =
                    Diagnostic::error("wrong-word", value.place.clone(), "an override says `append` or `replace`");
                diagnostics.push(error);
                continue;
            }
        };
        let Some(known) = allowed.iter().find(|known| **known == name) else {
            let message = format!("`{name}` cannot be overridden so");
            let error = Diagnostic::error("wrong-word", key.place.clone(), message);
            diagnostics.push(error.hint(format!("the keys are {}", allowed.join(", "))));
            continue;
        };
        if shape.get(known).is_none() {
            let message = format!("there is no `{name}` beside `override`");
            diagnostics.push(Diagnostic::error("missing-key", key.place.clone(), message));
        }
        named.push((*known, change));
    }
    // Those that it gets wrong are reported already.
    let asked = shape.entries("override", &mut Diagnostics::default()).filter_map(|(key, _)| key.text());
    let known: Vec<&str> = asked.chain(BESIDE.iter().copied()).collect();
    let Value::Mapping(entries) = &item.value else { return None };
    for (key, _) in entries {
        if let Some(name) = key.text().filter(|name| !known.contains(name)) {
            let error = Diagnostic::error("wrong-key", key.place.clone(), format!("`override` does not name `{name}`"));
            diagnostics.push(error.hint("say there whether it is to `append` or to `replace`, or leave it out"));
        }
    }
    (diagnostics.errors() == before).then_some(Changes { to_earlier: true, named: Some(named) })
}

fn no_earlier(what: &str, name: &str, place: Place) -> Diagnostic {
    let error = Diagnostic::error("unknown-item", place, format!("there is no {what} `{name}` before this to change"));
    error.hint("files are read in the order they are given, those of a folder in order of their names")
}

/// One item of a list; quotes inside of it are Falco's own.
pub(super) fn constant(node: &Node, diagnostics: &mut Diagnostics) -> Option<Word> {
    text(node, "an item of a list", diagnostics)?;
    match parse::word(&Joined::new(Text::of_node(node)), true) {
        Ok(word) => Some(word),
        Err(error) => {
            diagnostics.push(*error);
            None
        }
    }
}

/// A boolean, as YAML 1.1 has them: quoted too, since Falco's reader takes those.
fn flag(shape: &Shape<'_>, key: &str, diagnostics: &mut Diagnostics) -> Option<bool> {
    /// The words for false and true. Each may be in small letters, in capitals or begin with one.
    const WORDS: &[(&str, bool)] = &[
        ("n", false),
        ("no", false),
        ("false", false),
        ("off", false),
        ("y", true),
        ("yes", true),
        ("true", true),
        ("on", true),
    ];
    let node = shape.get(key)?;
    let written = node.text().unwrap_or_default();
    let later = written.get(1..).unwrap_or_default();
    let is_cased = later == later.to_ascii_lowercase() || written == written.to_ascii_uppercase();
    let found = WORDS.iter().find(|(word, _)| is_cased && written.eq_ignore_ascii_case(word)).map(|(_, flag)| *flag);
    if found.is_none() {
        diagnostics.push(wrong_type(node, &format!("`{key}` is true or false"), None));
    }
    found
}
