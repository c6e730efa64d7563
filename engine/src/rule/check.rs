//! From the tree of a condition to the intermediate form: names resolved, types checked.

use super::{
    ast::{Ast, Name},
    definition::{Definitions, State},
    diagnostic::{Diagnostic, Diagnostics, Place, did_you_mean},
    expr::Expr,
    parse,
};
use crate::event::field;

/// Parts that macros may add to the conditions of one rule.
pub(super) const MAX_SIZE: usize = 100_000;

/// Goes through the tree of one condition; [`super::comparison`] has what it does with a comparison.
pub(super) struct Checker<'d> {
    pub(super) definitions: &'d mut Definitions,
    pub(super) diagnostics: &'d mut Diagnostics,
}

impl Checker<'_> {
    /// Checks all parts, so that every problem is reported.
    pub(super) fn check(&mut self, ast: &Ast) -> Option<Expr> {
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
        let scope = self.definitions.scope_of_macro(&name.text);
        let Some(entry) = scope.and_then(|scope| self.definitions.macro_in(scope, &name.text)) else {
            let error =
                Diagnostic::error("unknown-macro", name.place.clone(), format!("unknown macro `{}`", name.text));
            let hint = if field::find(&name.text).is_some() {
                Some(format!("to ask for a field write `{0} exists`, or compare it: `{0} = ...`", name.text))
            } else {
                self.definitions.near_macro(&name.text)
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
        Some(expr.named(&name.text))
    }

    /// The condition of a macro, checked once, where it is defined.
    pub(super) fn expand(&mut self, name: &str) -> Option<Expr> {
        let scope = self.definitions.scope_of_macro(name)?;
        let entry = self.definitions.macro_in(scope, name)?;
        match &entry.state {
            State::Checked(expr) => {
                let expr = expr.clone();
                self.definitions.note_macro(scope, name);
                return Some(expr);
            }
            State::Broken | State::Open => return None,
            State::New => {}
        }
        entry.state = State::Open;
        let text = entry.text.clone();
        let from = self.definitions.at.replace(scope);
        let before = std::mem::take(&mut self.definitions.uses);
        // The chain of macros inside each other is as long as there are macros at most; what it
        // costs in stack is bounded by the nesting of one condition times that of the file.
        let checked = if self.definitions.open_macros() > parse::MAX_NESTING {
            let message = format!("more than {} macros inside each other", parse::MAX_NESTING);
            self.diagnostics.push(Diagnostic::error("too-deep", text.place(0..1), message));
            None
        } else {
            self.definitions.check(&text, self.diagnostics)
        };
        let uses = std::mem::replace(&mut self.definitions.uses, before);
        self.definitions.at = from;
        let entry = self.definitions.macro_in(scope, name)?;
        entry.uses = uses;
        let expr = checked.map(|(expr, ast)| {
            entry.ast = Some(ast);
            expr
        });
        entry.state = expr.clone().map_or(State::Broken, State::Checked);
        self.definitions.note_macro(scope, name);
        expr
    }
}

/// The finding about a name that is no field.
pub(super) fn unknown_field(name: &str, place: Place) -> Diagnostic {
    let near = did_you_mean(name, field::all().map(|field| field.name))
        .unwrap_or_else(|| "`beewolf list fields` prints the names there are".to_owned());
    Diagnostic::error("unknown-field", place, format!("unknown field `{name}`")).hint(near)
}
