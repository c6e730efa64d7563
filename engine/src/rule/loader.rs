//! Reads rules of every language from files and folders, and reports everything that is wrong.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use super::{
    correlate,
    definition::Definitions,
    diagnostic::{Diagnostic, Diagnostics, Place, Source},
    exception, falco, file,
    loaded::Loaded,
    native,
    overriding::Overrides,
    pattern::Account,
    selection::Selection,
    shape, sigma,
    yaml::{self, Node, Value},
};
use crate::{event::facts::Names, indicator::Lists};

/// Reads rules.
#[derive(Debug)]
pub struct Loader {
    sigma: sigma::Setup,
    indicators: Arc<Lists>,
    selection: Selection,
}

impl Loader {
    /// A loader that maps Sigma's names through `fieldmap`.
    #[must_use]
    pub fn new(fieldmap: Arc<sigma::Fieldmap>) -> Self {
        Self::of(sigma::Target::Ours(fieldmap))
    }

    /// A loader of Sigma rules for the events of other products.
    #[must_use]
    pub fn foreign() -> Self {
        Self::of(sigma::Target::Foreign(RefCell::default()))
    }

    fn of(target: sigma::Target) -> Self {
        Self {
            sigma: sigma::Setup { target, placeholders: sigma::Placeholders::default() },
            indicators: Arc::default(),
            selection: Selection::default(),
        }
    }

    /// Uses only the rules that are wanted.
    #[must_use]
    pub fn with_selection(mut self, selection: Selection) -> Self {
        self.selection = selection;
        self
    }

    /// With the indicator lists that conditions may ask.
    #[must_use]
    pub fn with_indicators(mut self, indicators: Arc<Lists>) -> Self {
        self.indicators = indicators;
        self
    }

    /// With what stands for placeholders in Sigma rules.
    #[must_use]
    pub fn with_placeholders(mut self, placeholders: sigma::Placeholders) -> Self {
        self.sigma.placeholders = placeholders;
        self
    }

    /// The names of fields that the rules read so far refer to; none unless they are for other products.
    #[must_use]
    pub fn into_names(self) -> Names {
        match self.sigma.target {
            sigma::Target::Foreign(names) => names.into_inner(),
            sigma::Target::Ours(_) => Names::default(),
        }
    }

    /// Reads all rules below some paths. Those that are broken are left out and reported.
    #[must_use]
    pub fn load(&self, paths: &[PathBuf]) -> (Vec<Loaded>, Diagnostics) {
        let mut diagnostics = Diagnostics::default();
        let sources: Vec<_> =
            file::find(paths, &mut diagnostics).iter().filter_map(|path| file::load(path, &mut diagnostics)).collect();
        let (rules, problems) = self.read(&sources);
        diagnostics.extend(problems);
        (rules, diagnostics)
    }

    /// Reads all rules of some texts.
    #[must_use]
    pub fn read(&self, sources: &[Arc<Source>]) -> (Vec<Loaded>, Diagnostics) {
        // The memory of this set's regular expressions is bounded by itself.
        let _account = Account::open();
        let mut diagnostics = Diagnostics::default();
        let mut rules: Vec<Loaded> = Vec::new();
        let mut ids: HashMap<String, Place> = HashMap::new();
        let mut broken: HashSet<String> = HashSet::new();
        let files: Vec<Vec<Node>> = sources.iter().map(|source| documents(source, &mut diagnostics)).collect();
        let (mut definitions, mut overrides) = self.shared(&files, &mut diagnostics);
        let sigma = sigma::Reader::new(&self.sigma, written_in(Language::Sigma, &files), &mut diagnostics);
        for (number, document) in files.iter().flat_map(|documents| documents.iter().enumerate()) {
            // A broken rule keeps its id: another one of that name is broken too.
            if let Some(node) = document.get("id")
                && let Some(id) = node.text()
            {
                note_id(&mut ids, id, &node.place, &mut diagnostics);
            }
            let mut rule = match language(document) {
                Language::Fieldmap => {
                    sigma::Fieldmap::of_document(document, &mut diagnostics);
                    None
                }
                Language::Native => {
                    let change = document.get("id").and_then(Node::text).and_then(|id| overrides.of(id));
                    native::read(document, &mut definitions, change, &mut diagnostics)
                }
                Language::Sigma => sigma.read(document, number, &mut diagnostics),
                Language::Whitelist => {
                    exception::read_whitelist(document, &self.indicators, &mut diagnostics);
                    None
                }
                // They have been read before the first rule, or are read together after the last.
                Language::Definitions | Language::Falco | Language::FalcoFieldmap | Language::Overrides => None,
            };
            if let Some(rule) = &mut rule
                && let Some(change) = overrides.of(&rule.id)
            {
                change.apply(rule, &mut diagnostics);
            }
            if rule.is_none() {
                broken.extend(["id", "name"].iter().filter_map(|key| document.get(key)?.text().map(str::to_owned)));
            }
            rules.extend(rule);
        }
        let fields = falco::Fieldmap::with(written_in(Language::FalcoFieldmap, &files), &mut diagnostics);
        for mut rule in falco::read(written_in(Language::Falco, &files), &fields, &mut diagnostics) {
            note_id(&mut ids, &rule.id, &rule.place, &mut diagnostics);
            if let Some(change) = overrides.of(&rule.id) {
                change.apply(&mut rule, &mut diagnostics);
            }
            rules.push(rule);
        }
        sigma.finish(&mut diagnostics);
        definitions.finish_shared(&mut diagnostics);
        overrides.finish(ids.keys().chain(rules.iter().map(|rule| &rule.id)), &mut diagnostics);
        let mut rules = correlate::resolve(rules, &broken, &self.sigma.target, &mut diagnostics);
        self.selection.apply(&mut rules, &mut diagnostics);
        (rules, diagnostics)
    }

    /// What some files say about the rules of others.
    fn shared(&self, files: &[Vec<Node>], diagnostics: &mut Diagnostics) -> (Definitions, Overrides) {
        let of = |wanted| written_in(wanted, files);
        let names = of(Language::Definitions).map(|document| document.place.source.name.as_str());
        let mut definitions = Definitions::for_files(names, &self.indicators);
        for document in of(Language::Definitions) {
            definitions.share(document, diagnostics);
        }
        let overrides = Overrides::read(of(Language::Overrides), &mut definitions, diagnostics);
        (definitions, overrides)
    }
}

/// Notes the id of a rule, and reports it if another one has it.
fn note_id(ids: &mut HashMap<String, Place>, id: &str, place: &Place, diagnostics: &mut Diagnostics) {
    let first = ids.entry(id.to_owned()).or_insert_with(|| place.clone());
    if first != place {
        let error = Diagnostic::error("duplicate-id", place.clone(), format!("two rules have the id `{id}`"));
        diagnostics.push(error.label("given again here").related(first.clone(), "first given here"));
    }
}

/// The documents of a file that say something.
fn documents(source: &Arc<Source>, diagnostics: &mut Diagnostics) -> Vec<Node> {
    let documents = yaml::parse(source, diagnostics);
    if documents.is_empty() && source.text.trim().is_empty() {
        diagnostics.push(Diagnostic::warning("empty-file", Place::whole(source), "this file holds no rule"));
    }
    documents.into_iter().filter(|document| !shape::is_null(document)).collect()
}

/// The documents of one language.
fn written_in(wanted: Language, files: &[Vec<Node>]) -> impl Iterator<Item = &Node> {
    files.iter().flatten().filter(move |document| language(document) == wanted)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Definitions,
    Falco,
    FalcoFieldmap,
    Fieldmap,
    Native,
    Overrides,
    Sigma,
    Whitelist,
}

/// Told by the keys that only one of them has.
fn language(document: &Node) -> Language {
    if matches!(document.value, Value::Sequence(_)) {
        return if falco::is_one(document) { Language::Falco } else { Language::Whitelist };
    }
    if falco::Fieldmap::is_one(document) {
        return Language::FalcoFieldmap;
    }
    if document.get("logsources").is_some() {
        return Language::Fieldmap;
    }
    let has = |key: &&str| document.get(key).is_some();
    if has(&"overrides") {
        return Language::Overrides;
    }
    if ["lists", "macros"].iter().any(has) && !["id", "title", "when"].iter().any(has) {
        return Language::Definitions;
    }
    let is_sigma = ["logsource", "detection", "correlation", "filter"].iter().any(has);
    if is_sigma && document.get("when").is_none() { Language::Sigma } else { Language::Native }
}

/// Reads the entries of whitelists.
pub(crate) fn whitelists(
    sources: &[Arc<Source>],
    indicators: &Arc<Lists>,
    diagnostics: &mut Diagnostics,
) -> Vec<exception::Entry> {
    let mut entries: Vec<exception::Entry> = Vec::new();
    for source in sources {
        for document in yaml::parse(source, diagnostics) {
            for entry in exception::read_whitelist(&document, indicators, diagnostics) {
                if entries.iter().any(|other| other.exception.name == entry.exception.name) {
                    let message = format!("two entries have the name `{}`", entry.exception.name);
                    diagnostics.push(Diagnostic::error("duplicate-name", document.place.clone(), message));
                    continue;
                }
                entries.push(entry);
            }
        }
    }
    entries
}
