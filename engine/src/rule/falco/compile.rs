//! From the tree of a Falco condition to the intermediate form: macros and lists put in.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ast::{Node, Right, Word},
    fieldmap::Fieldmap,
    item::Items,
    joined::Joined,
    parse,
};
use crate::rule::{
    ast::{Literal, Name},
    check::MAX_SIZE,
    diagnostic::{Diagnostic, Diagnostics, did_you_mean},
    expr::Expr,
    lack::Lack,
};

/// Constants of all lists of one rule, each counted where it is used.
const MAX_CONSTANTS: usize = 100_000;
/// Macros, or lists, inside each other.
const MAX_DEPTH: usize = 64;

/// A condition of ours with what is said of it.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    pub(super) expr: Expr,
    /// What it asks for and no event carries.
    pub(super) lacks: Vec<Lack>,
    /// The first thing this version cannot do.
    pub(super) rejected: Option<String>,
    /// The macros and lists that it refers to, directly or not.
    pub(super) uses: BTreeSet<String>,
}

impl Compiled {
    /// A condition that lacks nothing.
    pub(super) fn of(expr: Expr) -> Self {
        Self { expr, lacks: Vec::new(), rejected: None, uses: BTreeSet::new() }
    }

    /// Never true, for want of a fact.
    pub(super) fn lacking(lack: Lack) -> Self {
        Self { lacks: vec![lack], ..Self::of(Expr::Const(false)) }
    }

    /// What cannot be done.
    pub(super) fn rejecting(reason: String) -> Self {
        Self { rejected: Some(reason), ..Self::of(Expr::Const(false)) }
    }

    fn negate(self) -> Self {
        Self { expr: self.expr.negate(), ..self }
    }

    /// Whether it is always this, and not for want of something.
    fn is(&self, constant: bool) -> bool {
        matches!(self.expr, Expr::Const(found) if found == constant) && self.lacks.is_empty() && self.rejected.is_none()
    }

    /// All of some parts, or any. Where one part decides, what others lack is never asked for.
    pub(super) fn join(parts: Vec<Self>, join: fn(Vec<Expr>) -> Expr, decided_by: bool) -> Self {
        let mut joined = Self::of(Expr::Const(decided_by));
        for part in &parts {
            joined.uses.extend(part.uses.iter().cloned());
        }
        if parts.iter().any(|part| part.is(decided_by)) {
            return joined;
        }
        let mut exprs = Vec::new();
        for part in parts {
            // One line of those that ask for a fact says enough.
            for lack in part.lacks {
                if !joined.lacks.iter().any(|known| known.field == lack.field && known.value == lack.value) {
                    joined.lacks.push(lack);
                }
            }
            joined.rejected = joined.rejected.or(part.rejected);
            exprs.push(part.expr);
        }
        joined.expr = join(exprs);
        joined
    }
}

/// How far a macro has been compiled.
#[derive(Debug)]
enum State {
    Broken,
    Done(Compiled),
    Open,
}

/// Compiles the conditions of files that are loaded together.
pub(super) struct Compiler<'f> {
    pub(super) fields: &'f Fieldmap,
    items: &'f Items,
    macros: BTreeMap<String, State>,
    /// Lists with the lists inside of them put in; none if they are broken.
    lists: BTreeMap<String, Option<Vec<Literal>>>,
    /// Parts that macros have put into the condition at hand.
    expanded: usize,
    /// Constants that lists have put into it.
    listed: usize,
    pub(super) diagnostics: &'f mut Diagnostics,
}

impl<'f> Compiler<'f> {
    pub(super) fn new(fields: &'f Fieldmap, items: &'f Items, diagnostics: &'f mut Diagnostics) -> Self {
        Self { fields, items, macros: BTreeMap::new(), lists: BTreeMap::new(), expanded: 0, listed: 0, diagnostics }
    }

    /// Compiles the condition of a rule. `None` if anything is wrong, which is then reported.
    pub(super) fn rule(&mut self, text: &Joined, exceptions: Vec<Node>) -> Option<Compiled> {
        (self.expanded, self.listed) = (0, 0);
        let condition = self.text(text);
        let excepted = self.all(&exceptions);
        let excepted = Compiled::join(excepted?, Expr::Any, true).negate();
        Some(Compiled::join(vec![condition?, excepted], Expr::All, false))
    }

    /// Compiles the macros that no rule has asked for, so that their problems are reported too.
    pub(super) fn rest(&mut self) {
        for (name, entry) in &self.items.macros {
            (self.expanded, self.listed) = (0, 0);
            self.macro_use(&Name { text: name.clone(), place: entry.place.clone() });
        }
    }

    fn text(&mut self, text: &Joined) -> Option<Compiled> {
        match parse::parse(text) {
            Ok(node) => self.node(&node),
            Err(error) => {
                self.diagnostics.push(*error);
                None
            }
        }
    }

    fn node(&mut self, node: &Node) -> Option<Compiled> {
        Some(match node {
            Node::And(parts) => Compiled::join(self.all(parts)?, Expr::All, false),
            Node::Or(parts) => Compiled::join(self.all(parts)?, Expr::Any, true),
            Node::Not(inner) => self.node(inner)?.negate(),
            Node::Comparison(comparison) => self.comparison(comparison)?,
            Node::Macro(name) => self.macro_use(name)?,
        })
    }

    /// Compiles all, so that every problem is reported.
    fn all(&mut self, nodes: &[Node]) -> Option<Vec<Compiled>> {
        let compiled: Vec<Option<Compiled>> = nodes.iter().map(|node| self.node(node)).collect();
        compiled.into_iter().collect()
    }

    fn macro_use(&mut self, name: &Name) -> Option<Compiled> {
        let Some(entry) = self.items.macros.get(&name.text) else {
            let error =
                Diagnostic::error("unknown-macro", name.place.clone(), format!("unknown macro `{}`", name.text));
            let near = did_you_mean(&name.text, self.items.macros.keys().map(String::as_str));
            self.diagnostics.push(error.hint_if(near));
            return None;
        };
        let mut compiled = match self.macros.get(&name.text) {
            Some(State::Broken) => return None,
            Some(State::Done(compiled)) => compiled.clone(),
            Some(State::Open) => {
                let message = format!("the macro `{}` refers to itself", name.text);
                self.diagnostics.push(Diagnostic::error("recursive-macro", name.place.clone(), message));
                return None;
            }
            None if self.macros.values().filter(|state| matches!(state, State::Open)).count() >= MAX_DEPTH => {
                let message = format!("more than {MAX_DEPTH} macros inside each other");
                self.diagnostics.push(Diagnostic::error("too-deep", name.place.clone(), message));
                return None;
            }
            None => {
                self.macros.insert(name.text.clone(), State::Open);
                let compiled = self.text(&entry.condition);
                let state = compiled.clone().map_or(State::Broken, State::Done);
                self.macros.insert(name.text.clone(), state);
                compiled?
            }
        };
        // Macros of macros grow without end: what they have put in is bounded before it is put in.
        self.expanded = self.expanded.saturating_add(compiled.expr.size());
        if self.expanded > MAX_SIZE {
            let message = format!("macros add more than {MAX_SIZE} parts to this condition");
            self.diagnostics.push(Diagnostic::error("too-large", name.place.clone(), message));
            return None;
        }
        compiled.uses.insert(format!("macro {}", name.text));
        Some(compiled)
    }

    /// The constants at the right of an operator, lists put in, and the names of these. `None` if one
    /// is broken.
    pub(super) fn constants(&mut self, right: &Right) -> Option<(Vec<Literal>, BTreeSet<String>)> {
        let (mut constants, mut uses) = (Vec::new(), BTreeSet::new());
        let Right::Values(words) = right else { return Some((constants, uses)) };
        for word in words {
            self.put_in(word, &mut Vec::new(), &mut constants, &mut uses)?;
        }
        self.listed += constants.len();
        if let Some(word) = words.first().filter(|_| self.listed > MAX_CONSTANTS) {
            let message = format!("more than {MAX_CONSTANTS} constants in the lists of one rule");
            self.diagnostics.push(Diagnostic::error("too-large", word.place.clone(), message));
            return None;
        }
        Some((constants, uses))
    }

    /// Adds a constant, or those of the list of that name. `open` names the lists around it.
    fn put_in(
        &mut self,
        word: &Word,
        open: &mut Vec<String>,
        constants: &mut Vec<Literal>,
        uses: &mut BTreeSet<String>,
    ) -> Option<()> {
        let mut complain = |code, message: String| {
            self.diagnostics.push(Diagnostic::error(code, word.place.clone(), message));
            None
        };
        if constants.len() >= MAX_CONSTANTS {
            return complain("too-large", format!("more than {MAX_CONSTANTS} constants in a list"));
        }
        let Some(list) = self.items.lists.get(&word.text).filter(|_| word.may_be_list) else {
            constants.push(Literal { bytes: word.text.as_bytes().into(), place: word.place.clone() });
            return Some(());
        };
        uses.insert(format!("list {}", word.text));
        if open.contains(&word.text) {
            return complain("recursive-list", format!("the list `{}` contains itself", word.text));
        }
        if open.len() >= MAX_DEPTH {
            return complain("too-deep", format!("more than {MAX_DEPTH} lists inside each other"));
        }
        match self.lists.get(&word.text) {
            Some(None) => None,
            Some(Some(known)) if constants.len() + known.len() > MAX_CONSTANTS => {
                complain("too-large", format!("more than {MAX_CONSTANTS} constants in a list"))
            }
            Some(Some(known)) => {
                constants.extend(known.iter().cloned());
                uses.extend(self.lists_in(&word.text));
                Some(())
            }
            None => {
                open.push(word.text.clone());
                let mut own = Vec::new();
                let done: Vec<Option<()>> =
                    list.items.iter().map(|item| self.put_in(item, open, &mut own, uses)).collect();
                open.pop();
                let own = done.iter().all(Option::is_some).then_some(own);
                self.lists.insert(word.text.clone(), own.clone());
                constants.extend(own?);
                Some(())
            }
        }
    }

    /// The lists that a list refers to, directly or not; it has been looked at before, so there is no circle.
    fn lists_in(&self, name: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(name) = open.pop() {
            for item in self.items.lists.get(&name).map(|list| list.items.as_slice()).unwrap_or_default() {
                if item.may_be_list
                    && self.items.lists.contains_key(&item.text)
                    && found.insert(format!("list {}", item.text))
                {
                    open.push(item.text.clone());
                }
            }
        }
        found
    }
}
