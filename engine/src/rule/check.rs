//! From the tree of a condition to the intermediate form: names resolved, types checked.

use std::collections::BTreeMap;

use super::{
    ast::{Ast, Literal, Name, Text},
    diagnostic::{Diagnostic, Diagnostics, Place, did_you_mean},
    expr::Expr,
    lint, parse,
};
use crate::event::field;

/// Parts that macros may add to the conditions of one rule.
pub(super) const MAX_SIZE: usize = 100_000;

/// A named list of constants.
#[derive(Debug)]
struct List {
    place: Place,
    items: Vec<Literal>,
    used: bool,
}

/// A named condition.
#[derive(Debug)]
struct Macro {
    place: Place,
    text: Text,
    used: bool,
    state: State,
    /// Set once the text has been parsed.
    ast: Option<Ast>,
}

#[derive(Clone, Debug)]
enum State {
    Broken,
    Checked(Expr),
    New,
    Open,
}

/// What conditions of one rule may refer to by name.
#[derive(Debug, Default)]
pub struct Definitions {
    lists: BTreeMap<String, List>,
    macros: BTreeMap<String, Macro>,
    /// Parts that macros have put into conditions so far.
    expanded: usize,
}

impl Definitions {
    /// Adds a list.
    pub(super) fn add_list(&mut self, name: String, place: Place, items: Vec<Literal>) {
        self.lists.insert(name, List { place, items, used: false });
    }

    /// Adds a macro.
    pub(super) fn add_macro(&mut self, name: String, place: Place, text: Text) {
        self.macros.insert(name, Macro { place, text, used: false, state: State::New, ast: None });
    }

    /// Checks the macros no condition has asked for and names what nothing uses.
    pub(super) fn finish(&mut self, diagnostics: &mut Diagnostics) {
        let names: Vec<String> = self.macros.keys().cloned().collect();
        let unused: Vec<(String, Place)> = self
            .macros
            .iter()
            .filter(|(_, entry)| !entry.used)
            .map(|(n, entry)| (n.clone(), entry.place.clone()))
            .collect();
        for name in names {
            Checker { definitions: self, diagnostics }.expand(&name);
        }
        for (name, place) in unused {
            let warning = Diagnostic::warning("unused-macro", place, format!("no condition uses the macro `{name}`"));
            diagnostics.push(warning.hint("remove it"));
        }
        for (name, list) in self.lists.iter().filter(|(_, list)| !list.used) {
            let message = format!("no condition uses the list `{name}`");
            diagnostics.push(Diagnostic::warning("unused-list", list.place.clone(), message).hint("remove it"));
        }
    }

    /// The constants of a list.
    pub(super) fn list(&mut self, name: &str) -> Option<&[Literal]> {
        let list = self.lists.get_mut(name)?;
        list.used = true;
        Some(&list.items)
    }

    /// The list whose name is nearest to one that is none.
    pub(super) fn near_list(&self, name: &str) -> Option<String> {
        did_you_mean(name, self.lists.keys().map(String::as_str))
    }

    /// The tree of a macro that has been looked at.
    pub(super) fn macro_ast(&self, name: &str) -> Option<&Ast> {
        self.macros.get(name).and_then(|entry| entry.ast.as_ref())
    }

    /// Parses and checks a condition. `None` if anything is wrong, which is then reported.
    pub(super) fn condition(&mut self, text: &Text, diagnostics: &mut Diagnostics) -> Option<Expr> {
        let (expr, ast) = self.check(text, diagnostics)?;
        lint::condition(&ast, self, diagnostics);
        Some(expr)
    }

    fn check(&mut self, text: &Text, diagnostics: &mut Diagnostics) -> Option<(Expr, Ast)> {
        let ast = parse::parse(text, diagnostics);
        let expr = Checker { definitions: self, diagnostics }.check(&ast)?;
        Some((expr, ast))
    }
}

/// Goes through the tree of one condition; [`super::comparison`] has what it does with a comparison.
pub(super) struct Checker<'d> {
    pub(super) definitions: &'d mut Definitions,
    pub(super) diagnostics: &'d mut Diagnostics,
}

impl Checker<'_> {
    /// Checks all parts, so that every problem is reported.
    fn check(&mut self, ast: &Ast) -> Option<Expr> {
        match ast {
            Ast::And(parts) => self.check_all(parts).map(Expr::All),
            Ast::Broken => None,
            Ast::Or(parts) => self.check_all(parts).map(Expr::Any),
            Ast::Not(inner) => self.check(inner).map(Expr::negate),
            Ast::Comparison(comparison) => self.comparison(comparison),
            Ast::Macro(name) => self.macro_use(name),
        }
    }

    fn check_all(&mut self, parts: &[Ast]) -> Option<Vec<Expr>> {
        let checked: Vec<Option<Expr>> = parts.iter().map(|part| self.check(part)).collect();
        checked.into_iter().collect()
    }

    fn macro_use(&mut self, name: &Name) -> Option<Expr> {
        let Some(entry) = self.definitions.macros.get_mut(&name.text) else {
            let error =
                Diagnostic::error("unknown-macro", name.place.clone(), format!("unknown macro `{}`", name.text));
            let hint = if field::find(&name.text).is_some() {
                Some(format!("to ask for a field write `{0} exists`, or compare it: `{0} = ...`", name.text))
            } else {
                did_you_mean(&name.text, self.definitions.macros.keys().map(String::as_str))
            };
            self.diagnostics.push(error.hint_if(hint));
            return None;
        };
        entry.used = true;
        if matches!(entry.state, State::Open) {
            let message = format!("the macro `{}` refers to itself", name.text);
            self.diagnostics.push(Diagnostic::error("recursive-macro", name.place.clone(), message));
            return None;
        }
        let expr = self.expand(&name.text)?;
        // Macros of macros grow without end: what they have put in is bounded before it is put in.
        self.definitions.expanded = self.definitions.expanded.saturating_add(expr.size());
        if self.definitions.expanded > MAX_SIZE {
            let message = format!("the macros of this rule add more than {MAX_SIZE} parts to its conditions");
            self.diagnostics.push(Diagnostic::error("too-large", name.place.clone(), message));
            return None;
        }
        Some(expr)
    }

    /// The condition of a macro, checked once.
    fn expand(&mut self, name: &str) -> Option<Expr> {
        let entry = self.definitions.macros.get_mut(name)?;
        match &entry.state {
            State::Checked(expr) => return Some(expr.clone()),
            State::Broken | State::Open => return None,
            State::New => {}
        }
        entry.state = State::Open;
        let text = entry.text.clone();
        // The chain of macros inside each other is as long as there are macros at most; what it
        // costs in stack is bounded by the nesting of one condition times that of the file.
        let open = self.definitions.macros.values().filter(|entry| matches!(entry.state, State::Open)).count();
        let expr = if open > parse::MAX_NESTING {
            let message = format!("more than {} macros inside each other", parse::MAX_NESTING);
            self.diagnostics.push(Diagnostic::error("too-deep", text.place(0..1), message));
            None
        } else {
            self.definitions.check(&text, self.diagnostics).map(|(expr, ast)| {
                if let Some(entry) = self.definitions.macros.get_mut(name) {
                    entry.ast = Some(ast);
                }
                expr
            })
        };
        let entry = self.definitions.macros.get_mut(name)?;
        entry.state = expr.clone().map_or(State::Broken, State::Checked);
        expr
    }
}

/// The finding about a name that is no field.
pub(super) fn unknown_field(name: &str, place: Place) -> Diagnostic {
    let near = did_you_mean(name, field::all().map(|field| field.name))
        .unwrap_or_else(|| "`beewolf list fields` prints the names there are".to_owned());
    Diagnostic::error("unknown-field", place, format!("unknown field `{name}`")).hint(near)
}
