//! Reads rules of every language from files and folders, and reports everything that is wrong.

use std::{
    cell::RefCell,
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use super::{
    correlate,
    diagnostic::{Diagnostic, Diagnostics, Place, Source},
    exception, file,
    loaded::Loaded,
    native, shape, sigma,
    yaml::{self, Node, Value},
};
use crate::event::facts::Names;

/// Reads rules.
#[derive(Debug)]
pub struct Loader {
    sigma: sigma::Setup,
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
        Self { sigma: sigma::Setup { target, placeholders: sigma::Placeholders::default() } }
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
        let mut diagnostics = Diagnostics::default();
        let mut rules: Vec<Loaded> = Vec::new();
        let mut ids: HashMap<String, Place> = HashMap::new();
        let mut broken: HashSet<String> = HashSet::new();
        let mut documents = Vec::new();
        for source in sources {
            let found = yaml::parse(source, &mut diagnostics);
            if found.is_empty() && source.text.trim().is_empty() {
                let warning = Diagnostic::warning("empty-file", Place::whole(source), "this file holds no rule");
                diagnostics.push(warning);
            }
            documents.extend(found.into_iter().filter(|document| !shape::is_null(document)).enumerate());
        }
        let of_sigma = documents.iter().map(|(_, document)| document);
        let of_sigma = of_sigma.filter(|document| matches!(language(document), Language::Sigma));
        let sigma = sigma::Reader::new(&self.sigma, of_sigma, &mut diagnostics);
        for (number, document) in &documents {
            // A broken rule keeps its id: another one of that name is broken too.
            if let Some(place) = self.id_place(document)
                && let Some(id) = document.get("id").and_then(Node::text)
                && let Some(first) = ids.insert(id.to_owned(), place.clone())
            {
                let error = Diagnostic::error("duplicate-id", place, format!("two rules have the id `{id}`"));
                diagnostics.push(error.label("given again here").related(first.clone(), "first given here"));
                ids.insert(id.to_owned(), first);
            }
            let rule = match language(document) {
                Language::Fieldmap => {
                    sigma::Fieldmap::of_document(document, &mut diagnostics);
                    None
                }
                Language::Native => native::read(document, &mut diagnostics),
                Language::Sigma => sigma.read(document, *number, &mut diagnostics),
                Language::Whitelist => {
                    exception::read_whitelist(document, &mut diagnostics);
                    None
                }
            };
            if rule.is_none() {
                broken.extend(["id", "name"].iter().filter_map(|key| document.get(key)?.text().map(str::to_owned)));
            }
            rules.extend(rule);
        }
        sigma.finish(&mut diagnostics);
        let rules = correlate::resolve(rules, &broken, &self.sigma.target, &mut diagnostics);
        (rules, diagnostics)
    }

    fn id_place(&self, document: &Node) -> Option<Place> {
        document.get("id").map(|id| id.place.clone())
    }
}

enum Language {
    Fieldmap,
    Native,
    Sigma,
    Whitelist,
}

/// Told by the keys that only one of them has.
fn language(document: &Node) -> Language {
    if matches!(document.value, Value::Sequence(_)) {
        return Language::Whitelist;
    }
    if document.get("logsources").is_some() {
        return Language::Fieldmap;
    }
    let is_sigma = ["logsource", "detection", "correlation", "filter"].iter().any(|key| document.get(key).is_some());
    if is_sigma && document.get("when").is_none() { Language::Sigma } else { Language::Native }
}

/// Reads whitelist files.
pub(crate) fn whitelists(paths: &[PathBuf], diagnostics: &mut Diagnostics) -> Vec<exception::Entry> {
    let mut entries: Vec<exception::Entry> = Vec::new();
    for path in file::find(paths, diagnostics) {
        let Some(source) = file::load(&path, diagnostics) else { continue };
        for document in yaml::parse(&source, diagnostics) {
            for entry in exception::read_whitelist(&document, diagnostics) {
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
