//! From the tree of a condition to the intermediate form: names resolved, types checked.

use std::collections::BTreeMap;

use super::{
    ast::{Ast, Comparison, Item, Literal, Name, Text},
    diagnostic::{Diagnostic, Diagnostics, Place, did_you_mean},
    expr::{Expr, Predicate, Quantifier, Subject},
    lint,
    op::{Fault, Takes, type_words},
    parse,
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

    /// Whether there is a macro of that name.
    pub(super) fn has_macro(&self, name: &str) -> bool {
        self.macros.contains_key(name)
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

struct Checker<'d> {
    definitions: &'d mut Definitions,
    diagnostics: &'d mut Diagnostics,
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

    fn comparison(&mut self, comparison: &Comparison) -> Option<Expr> {
        let word = comparison.operator.word();
        let constants = self.constants(comparison);
        let Some(field) = field::find(&comparison.field.text) else {
            self.diagnostics.push(unknown_field(&comparison.field.text, comparison.field.place.clone()));
            return None;
        };
        let row = field.any();
        let mut refused = false;
        if comparison.all && !row.array {
            let message = format!("`{}` is no array", field.name);
            let error = Diagnostic::error("wrong-type", comparison.field.place.clone(), message);
            self.diagnostics.push(error.hint("leave out `all( )`"));
            refused = true;
        }
        let constants = constants?;
        let mut complain = |code, message: String, hint: Option<String>| {
            self.diagnostics.push(Diagnostic::error(code, comparison.operator_place.clone(), message).hint_if(hint));
            refused = true;
        };
        match comparison.operator.takes() {
            Takes::List if !comparison.is_list => {
                let hint = comparison.items.first().map(|item| match item {
                    Item::Literal(literal) => format!("write `{word} ({})`", literal.shown()),
                    Item::List(list) => format!("write `{word} (${})`", list.text),
                });
                complain("wrong-operand", format!("`{word}` takes a list"), hint);
            }
            Takes::One if comparison.is_list || constants.len() != 1 => {
                let hint = (word == "=").then(|| "use `in` for several".to_owned());
                complain("wrong-operand", format!("`{word}` takes one value"), hint);
            }
            Takes::List | Takes::OneOrList if constants.is_empty() => {
                complain(
                    "wrong-operand",
                    "this list is empty".to_owned(),
                    Some("nothing could ever match it".to_owned()),
                );
            }
            Takes::List | Takes::Nothing | Takes::One | Takes::OneOrList => {}
        }
        if refused {
            return None;
        }
        match comparison.operator.test(row, &constants) {
            Ok(test) => Some(Expr::test(Predicate {
                subject: Subject::Field(field),
                quantifier: if comparison.all { Quantifier::All } else { Quantifier::Any },
                differs: comparison.operator.differs(),
                test,
            })),
            Err(faults) => {
                for fault in faults {
                    self.diagnostics.push(match fault {
                        Fault::Constant(error) => (*error).related(
                            comparison.field.place.clone(),
                            format!("`{}` is {}", field.name, type_words(row.ty)),
                        ),
                        Fault::Operator(hint) => {
                            let message =
                                format!("`{word}` does not fit `{}`, which is {}", field.name, type_words(row.ty));
                            Diagnostic::error("wrong-type", comparison.operator_place.clone(), message).hint_if(hint)
                        }
                    });
                }
                None
            }
        }
    }

    /// The constants, lists put in. A list alone is as good as a list in parentheses.
    fn constants(&mut self, comparison: &Comparison) -> Option<Vec<Literal>> {
        let mut constants = Vec::new();
        let mut known = true;
        for item in &comparison.items {
            match item {
                Item::Literal(literal) => constants.push(literal.clone()),
                Item::List(name) => match self.definitions.lists.get_mut(&name.text) {
                    Some(list) => {
                        list.used = true;
                        constants.extend(list.items.iter().cloned());
                    }
                    None => {
                        let message = format!("unknown list `${}`", name.text);
                        let near = did_you_mean(&name.text, self.definitions.lists.keys().map(String::as_str));
                        let error = Diagnostic::error("unknown-list", name.place.clone(), message);
                        self.diagnostics.push(error.hint_if(near));
                        known = false;
                    }
                },
            }
        }
        known.then_some(constants)
    }
}

/// The finding about a name that is no field.
pub(super) fn unknown_field(name: &str, place: Place) -> Diagnostic {
    let near = did_you_mean(name, field::all().map(|field| field.name))
        .unwrap_or_else(|| "`beewolf list fields` prints the names there are".to_owned());
    Diagnostic::error("unknown-field", place, format!("unknown field `{name}`")).hint(near)
}
