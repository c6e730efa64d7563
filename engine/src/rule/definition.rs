//! Named lists and macros: those of one rule, and those that files of their own define for many.
//!
//! A file with nothing but `lists` and `macros` is seen by the rules of its folder and of the folders
//! below; one in a folder named `common` by those of the folder above, too. The nearest definition of
//! a name counts; what hides another is warned about. A macro sees what stands where it is defined,
//! not what stands where it is used.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use super::{
    ast::{Ast, Literal, Text},
    check::Checker,
    diagnostic::{Diagnostic, Diagnostics, Place, did_you_mean},
    expr::Expr,
    lint, parse,
    shape::{Shape, text, wrong_type},
    transform,
    yaml::{Node, Value},
};
use crate::{event::text as bytes_text, indicator::Lists};

/// Keys of a file of definitions.
pub const KEYS: &[&str] = &["lists", "macros", "description"];

/// The folder whose definitions are for the folder above.
const COMMON: &str = "common";

/// Constants of all lists of one rule or file.
const MAX_CONSTANTS: usize = 100_000;

/// A named list of constants.
#[derive(Clone, Debug)]
struct List {
    place: Place,
    items: Vec<Literal>,
    used: bool,
}

/// A named condition.
#[derive(Debug)]
pub(super) struct Macro {
    place: Place,
    pub(super) text: Text,
    pub(super) used: bool,
    pub(super) state: State,
    /// Set once the text has been parsed.
    pub(super) ast: Option<Ast>,
    /// The shared definitions it refers to, directly or not.
    pub(super) uses: BTreeSet<Use>,
}

#[derive(Clone, Debug)]
pub(super) enum State {
    Broken,
    Checked(Expr),
    New,
    Open,
}

/// A shared definition that some condition refers to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    scope: usize,
    is_list: bool,
    name: String,
}

/// The definitions that are seen from the same place.
#[derive(Debug, Default)]
struct Scope {
    /// The folder they are for; of a rule's own none.
    folder: Option<PathBuf>,
    parent: Option<usize>,
    lists: BTreeMap<String, List>,
    macros: BTreeMap<String, Macro>,
}

/// What conditions may refer to by name.
#[derive(Debug, Default)]
pub struct Definitions {
    scopes: Vec<Scope>,
    /// The scope that names are looked up from.
    pub(super) at: Option<usize>,
    /// Parts that macros have put into the conditions of this rule so far.
    pub(super) expanded: usize,
    /// The shared definitions that the conditions of this rule refer to.
    pub(super) uses: BTreeSet<Use>,
    /// The indicator lists there are.
    pub(super) indicators: Arc<Lists>,
}

/// The folder of a file, the same however it is written: `./rules` is `rules`.
fn folder_of(name: &str) -> PathBuf {
    let folder = Path::new(name).parent().unwrap_or(Path::new(""));
    folder.components().filter(|part| !matches!(part, Component::CurDir)).collect()
}

impl Definitions {
    /// Nothing but indicator lists.
    pub(super) fn with_indicators(indicators: &Arc<Lists>) -> Self {
        Self { indicators: Arc::clone(indicators), ..Self::default() }
    }

    /// Makes room for the definitions of some files, which [`Self::share`] then reads.
    pub(super) fn for_files<'n>(files: impl IntoIterator<Item = &'n str>, indicators: &Arc<Lists>) -> Self {
        let folders: BTreeSet<PathBuf> = files.into_iter().map(seen_in).collect();
        let mut shared = Self::with_indicators(indicators);
        // In order of their names, so that a folder comes before those below it.
        for folder in folders {
            let parent = shared.nearest(&folder);
            shared.scopes.push(Scope { folder: Some(folder), parent, ..Scope::default() });
        }
        shared
    }

    /// Reads a file of definitions.
    pub(super) fn share(&mut self, node: &Node, diagnostics: &mut Diagnostics) {
        let Some(shape) = Shape::new(node, "a file of definitions", KEYS, diagnostics) else { return };
        self.at = self.nearest(&seen_in(&node.place.source.name));
        self.read(&shape, diagnostics);
        self.at = None;
    }

    /// The shared scope nearest to a folder.
    fn nearest(&self, folder: &Path) -> Option<usize> {
        self.scopes.iter().rposition(|scope| scope.folder.as_deref().is_some_and(|above| folder.starts_with(above)))
    }

    /// Begins with the definitions of a rule or an entry that stands in a file.
    pub(super) fn enter(&mut self, file: &str) {
        let parent = self.nearest(&folder_of(file));
        self.at = Some(self.scopes.len());
        self.scopes.push(Scope { parent, ..Scope::default() });
        self.expanded = 0;
        self.uses.clear();
    }

    /// Ends with them: checks the macros no condition has asked for and names what nothing uses.
    pub(super) fn leave(&mut self, diagnostics: &mut Diagnostics) {
        self.finish(diagnostics);
        self.scopes.pop_if(|scope| scope.folder.is_none());
        self.at = None;
    }

    /// The same for what is shared, after the last rule.
    pub(super) fn finish_shared(&mut self, diagnostics: &mut Diagnostics) {
        for scope in 0..self.scopes.len() {
            self.at = Some(scope);
            self.expanded = 0;
            self.finish(diagnostics);
        }
        self.at = None;
    }

    fn finish(&mut self, diagnostics: &mut Diagnostics) {
        let Some(scope) = self.at.and_then(|at| self.scopes.get(at)) else { return };
        let names: Vec<String> = scope.macros.keys().cloned().collect();
        let of = |used: bool, name: &String, place: &Place| (!used).then(|| (name.clone(), place.clone()));
        let macros: Vec<_> = scope.macros.iter().filter_map(|(name, it)| of(it.used, name, &it.place)).collect();
        for name in names {
            Checker { definitions: self, diagnostics }.expand(&name);
        }
        for (name, place) in macros {
            let warning = Diagnostic::warning("unused-macro", place, format!("no condition uses the macro `{name}`"));
            diagnostics.push(warning.hint("remove it"));
        }
        let Some(scope) = self.at.and_then(|at| self.scopes.get(at)) else { return };
        for (name, place) in scope.lists.iter().filter_map(|(name, it)| of(it.used, name, &it.place)) {
            let message = format!("no condition uses the list `{name}`");
            diagnostics.push(Diagnostic::warning("unused-list", place, message).hint("remove it"));
        }
    }

    /// Reads `lists` and `macros` of a rule or a file of definitions.
    pub(super) fn read(&mut self, shape: &Shape<'_>, diagnostics: &mut Diagnostics) {
        let mut constants = 0;
        for (key, value) in shape.entries("lists", diagnostics) {
            let Some((name, items)) = list(key, value, &mut constants, diagnostics) else { continue };
            let hidden = self.place_of(&name, true);
            self.report_twice(&name, key, "list", hidden, diagnostics);
            if let Some(scope) = self.here() {
                scope.lists.insert(name, List { place: key.place.clone(), items, used: false });
            }
        }
        for (key, value) in shape.entries("macros", diagnostics) {
            let Some(name) = definition_name(key, diagnostics) else { continue };
            if text(value, &name, diagnostics).is_none() {
                continue;
            }
            let hidden = self.place_of(&name, false);
            self.report_twice(&name, key, "macro", hidden, diagnostics);
            let entry = Macro {
                place: key.place.clone(),
                text: Text::of_node(value),
                used: false,
                state: State::New,
                ast: None,
                uses: BTreeSet::new(),
            };
            if let Some(scope) = self.here() {
                scope.macros.insert(name, entry);
            }
        }
    }

    fn here(&mut self) -> Option<&mut Scope> {
        self.at.and_then(|at| self.scopes.get_mut(at))
    }

    /// The scopes that are seen from here, nearest first.
    fn seen(&self) -> impl Iterator<Item = (usize, &Scope)> {
        let next = |at: &usize| self.scopes.get(*at).and_then(|scope| scope.parent);
        std::iter::successors(self.at, next).filter_map(|at| self.scopes.get(at).map(|scope| (at, scope)))
    }

    /// Where a name is defined that is seen from here, and whether that is here.
    fn place_of(&self, name: &str, is_list: bool) -> Option<(Place, bool)> {
        self.seen().find_map(|(at, scope)| {
            let place = if is_list {
                scope.lists.get(name).map(|list| &list.place)
            } else {
                scope.macros.get(name).map(|entry| &entry.place)
            };
            place.map(|place| (place.clone(), self.at == Some(at)))
        })
    }

    fn report_twice(
        &self,
        name: &str,
        key: &Node,
        what: &str,
        first: Option<(Place, bool)>,
        diagnostics: &mut Diagnostics,
    ) {
        let Some((first, is_here)) = first else { return };
        let place = key.place.clone();
        // Keys of one mapping are unique: here means in another file for the same folder.
        let finding = if is_here {
            Diagnostic::error("duplicate-name", place, format!("two {what}s of one folder have the name `{name}`"))
        } else {
            let message = format!("this {what} hides the shared {what} `{name}`");
            Diagnostic::warning("hides-shared", place, message).hint("give it another name, or remove it")
        };
        diagnostics.push(finding.label("defined again here").related(first, "first defined here"));
    }

    /// Adds constants to a list that is seen from here; a shared one is copied, for this rule alone.
    pub(super) fn extend_list(&mut self, name: &str, more: &[Literal]) -> Result<(), Option<String>> {
        let Some((at, mut list)) = self.seen().find_map(|(at, scope)| Some((at, scope.lists.get(name)?.clone())))
        else {
            return Err(self.near_list(name));
        };
        if self.at != Some(at) {
            self.uses.insert(Use { scope: at, is_list: true, name: name.to_owned() });
        }
        if let Some(shared) = self.scopes.get_mut(at).and_then(|scope| scope.lists.get_mut(name)) {
            shared.used |= self.at != Some(at);
        }
        list.items.extend(more.iter().cloned());
        if let Some(scope) = self.here() {
            scope.lists.insert(name.to_owned(), list);
        }
        Ok(())
    }

    /// Adds constants to every shared list of a name, for all rules.
    pub(super) fn extend_shared(&mut self, name: &str, more: &[Literal]) -> Result<(), Option<String>> {
        let mut found = false;
        for list in self.scopes.iter_mut().filter_map(|scope| scope.lists.get_mut(name)) {
            list.items.extend(more.iter().cloned());
            found = true;
        }
        let names = self.scopes.iter().flat_map(|scope| scope.lists.keys()).map(String::as_str);
        if found { Ok(()) } else { Err(did_you_mean(name, names)) }
    }

    /// The constants of a list.
    pub(super) fn list(&mut self, name: &str) -> Option<&[Literal]> {
        let at = self.seen().find(|(_, scope)| scope.lists.contains_key(name)).map(|(at, _)| at)?;
        if self.scopes.get(at)?.folder.is_some() {
            self.uses.insert(Use { scope: at, is_list: true, name: name.to_owned() });
        }
        let list = self.scopes.get_mut(at)?.lists.get_mut(name)?;
        list.used = true;
        Some(&list.items)
    }

    /// Advice on a list that is not seen from here: where it is, or the one whose name is nearest.
    pub(super) fn near_list(&self, name: &str) -> Option<String> {
        if let Some(place) = self.scopes.iter().find_map(|scope| scope.lists.get(name)).map(|list| &list.place) {
            return Some(format!("`{}` has one, for the rules of its folder", place.source.name));
        }
        did_you_mean(name, self.seen().flat_map(|(_, scope)| scope.lists.keys()).map(String::as_str))
    }

    /// The scope of a macro.
    pub(super) fn scope_of_macro(&self, name: &str) -> Option<usize> {
        self.seen().find(|(_, scope)| scope.macros.contains_key(name)).map(|(at, _)| at)
    }

    /// A macro of a scope.
    pub(super) fn macro_in(&mut self, scope: usize, name: &str) -> Option<&mut Macro> {
        self.scopes.get_mut(scope)?.macros.get_mut(name)
    }

    /// Notes that a condition refers to a macro, and so to what that refers to.
    pub(super) fn note_macro(&mut self, scope: usize, name: &str) {
        let Some(found) = self.scopes.get(scope) else { return };
        let inner = found.macros.get(name).map(|entry| entry.uses.clone()).unwrap_or_default();
        if found.folder.is_some() {
            self.uses.insert(Use { scope, is_list: false, name: name.to_owned() });
        }
        self.uses.extend(inner);
    }

    /// Macros that are being looked at, inside each other.
    pub(super) fn open_macros(&self) -> usize {
        let all = self.scopes.iter().flat_map(|scope| scope.macros.values());
        all.filter(|entry| matches!(entry.state, State::Open)).count()
    }

    /// The macro whose name is nearest to one that is none.
    pub(super) fn near_macro(&self, name: &str) -> Option<String> {
        did_you_mean(name, self.seen().flat_map(|(_, scope)| scope.macros.keys()).map(String::as_str))
    }

    /// The tree of a macro that has been looked at.
    pub(super) fn macro_ast(&self, name: &str) -> Option<&Ast> {
        let (_, scope) = self.seen().find(|(_, scope)| scope.macros.contains_key(name))?;
        scope.macros.get(name).and_then(|entry| entry.ast.as_ref())
    }

    /// Parses and checks a condition. `None` if anything is wrong, which is then reported.
    pub(super) fn condition(&mut self, text: &Text, diagnostics: &mut Diagnostics) -> Option<Expr> {
        let (expr, ast) = self.check(text, diagnostics)?;
        lint::condition(&ast, self, diagnostics);
        Some(expr)
    }

    pub(super) fn check(&mut self, text: &Text, diagnostics: &mut Diagnostics) -> Option<(Expr, Ast)> {
        let ast = parse::parse(text, diagnostics);
        let expr = Checker { definitions: self, diagnostics }.check(&ast)?;
        Some((expr, ast))
    }

    /// Appends the shared definitions that this rule refers to: they are part of its content.
    pub(super) fn write_used(&self, out: &mut Vec<u8>) {
        let mut part = |bytes: &[u8]| {
            out.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
            out.extend_from_slice(bytes);
        };
        for used in &self.uses {
            let Some(scope) = self.scopes.get(used.scope) else { continue };
            part(used.name.as_bytes());
            if used.is_list {
                let items = scope.lists.get(&used.name).map(|list| list.items.as_slice()).unwrap_or_default();
                items.iter().for_each(|item| part(&item.bytes));
            } else if let Some(entry) = scope.macros.get(&used.name) {
                part(entry.text.value().as_bytes());
            }
        }
    }
}

/// The folder whose rules see the definitions of a file.
fn seen_in(file: &str) -> PathBuf {
    let folder = folder_of(file);
    match folder.parent() {
        Some(above) if folder.ends_with(COMMON) => above.to_owned(),
        Some(_) | None => folder,
    }
}

/// Reads one list: its name and its constants.
pub(super) fn list(
    key: &Node,
    value: &Node,
    constants: &mut usize,
    diagnostics: &mut Diagnostics,
) -> Option<(String, Vec<Literal>)> {
    let name = definition_name(key, diagnostics)?;
    let items = constants_of(&name, value, constants, diagnostics)?;
    Some((name, items))
}

/// Reads the constants of a list; `count` is how many have been read with it.
pub(super) fn constants_of(
    name: &str,
    value: &Node,
    count: &mut usize,
    diagnostics: &mut Diagnostics,
) -> Option<Vec<Literal>> {
    let Value::Sequence(items) = &value.value else {
        diagnostics.push(wrong_type(value, &format!("the list `{name}` is a list of constants"), None));
        return None;
    };
    *count += items.len();
    if *count > MAX_CONSTANTS {
        let message = format!("more than {MAX_CONSTANTS} constants in the lists of one rule");
        diagnostics.push(Diagnostic::error("too-large", value.place.clone(), message));
        return None;
    }
    let constant = |item: &Node| {
        let text = text(item, name, diagnostics)?;
        Some(Literal { bytes: bytes_text::decode(&text), place: item.place.clone() })
    };
    Some(items.iter().filter_map(constant).collect())
}

fn definition_name(key: &Node, diagnostics: &mut Diagnostics) -> Option<String> {
    let name = text(key, "name", diagnostics)?;
    let fits = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let taken = ["all", "and", "any", "not", "or"].contains(&name.as_str()) || transform::find(&name).is_some();
    if !fits || taken {
        let error = Diagnostic::error("wrong-name", key.place.clone(), format!("`{name}` cannot be a name"));
        let hint = if taken {
            "it is a word of the language"
        } else {
            "a name has letters, digits, `-` and `_`, and does not start with a digit"
        };
        diagnostics.push(error.hint(hint));
        return None;
    }
    Some(name)
}
