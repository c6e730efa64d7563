//! Types of one comparison: what stands at the left, what the operator takes, what stands at the right.

use std::sync::Arc;

use super::{
    ast::{Comparison, Item, Literal, Term},
    check::{Checker, unknown_field},
    diagnostic::{Diagnostic, did_you_mean},
    expr::{Derived, Expr, Predicate, Quantifier, Subject},
    op::{self, Fault, Takes},
    test::{Related, Test},
    transform::Chain,
    typed::Typed,
};
use crate::{
    event::{
        facts::Reference,
        field::{self, Field},
        value::Type,
    },
    indicator::List,
};

/// What a term stands for.
pub(super) struct Resolved {
    pub(super) field: &'static Field,
    chain: Chain,
    pub(super) typed: Typed,
}

impl Resolved {
    pub(super) fn subject(self) -> Subject {
        let Self { field, chain, .. } = self;
        if chain.is_empty() { Subject::Field(field) } else { Subject::Derived(Derived { field, chain }) }
    }
}

/// What stands to the right.
enum Right {
    Constants(Vec<Literal>),
    Field(Resolved),
    Indicators(Vec<Arc<List>>),
}

impl Checker<'_> {
    /// Checks a comparison; every problem is reported.
    pub(super) fn comparison(&mut self, comparison: &Comparison) -> Option<Expr> {
        let right = self.right(comparison);
        let left = self.term(&comparison.term)?;
        let mut fits = true;
        if comparison.quantifier == Quantifier::All && !left.typed.array {
            let message = format!("`{}` is no array", comparison.term.text());
            let error = Diagnostic::error("wrong-type", comparison.term.place.clone(), message);
            self.diagnostics.push(error.hint("leave out `all( )`"));
            fits = false;
        }
        let tests = match right? {
            Right::Constants(constants) => vec![self.with_constants(comparison, left.typed, &constants)?],
            Right::Field(other) => vec![self.with_field(comparison, left.typed, other)?],
            Right::Indicators(lists) => self.with_indicators(comparison, left.typed, lists)?,
        };
        let subject = left.subject();
        let (quantifier, differs) = (comparison.quantifier, comparison.operator.differs());
        let expr = |test| Expr::test(Predicate { subject: subject.clone(), quantifier, differs, test });
        let mut exprs: Vec<Expr> = tests.into_iter().map(expr).collect();
        let last = exprs.pop().filter(|_| fits)?;
        Some(if exprs.is_empty() { last } else { Expr::Any([exprs, vec![last]].concat()) })
    }

    /// The field of a term and what its transforms make of it.
    pub(super) fn term(&mut self, term: &Term) -> Option<Resolved> {
        let Some(field) = field::find(&term.field.text) else {
            self.diagnostics.push(unknown_field(&term.field.text, term.field.place.clone()));
            return None;
        };
        let mut typed = Typed::of(field.any());
        if term.at.is_some() && !typed.array {
            let error = Diagnostic::error("wrong-type", term.place.clone(), format!("`{}` is no array", field.name));
            self.diagnostics.push(error.hint("leave out the place in brackets"));
            return None;
        }
        for (index, (transform, place)) in term.transforms.iter().enumerate().rev() {
            if !matches!(typed.ty, Type::Keyword) {
                let inner = term.text_below(index + 1);
                let message = format!("`{}` takes a string, and `{inner}` is {}", transform.name(), typed.words());
                self.diagnostics.push(Diagnostic::error("wrong-type", place.clone(), message));
                return None;
            }
            typed = Typed { array: typed.array, ..transform.gives() };
        }
        let chain = Chain::new(term.transforms.iter().rev().map(|(transform, _)| *transform));
        Some(Resolved { field, chain, typed })
    }

    /// The operands, lists put in. A list alone is as good as a list in parentheses.
    fn right(&mut self, comparison: &Comparison) -> Option<Right> {
        let mut constants = Vec::new();
        let mut fields = Vec::new();
        let mut lists = Vec::new();
        let mut known = true;
        for item in &comparison.items {
            match item {
                Item::Field(term) if term.at.is_some() => {
                    let message = "one element of a list stands at the left only";
                    self.diagnostics.push(Diagnostic::error("wrong-operand", term.place.clone(), message));
                    return None;
                }
                Item::Field(term) => fields.push(self.term(term)?),
                Item::Indicators(name) => match self.definitions.indicators.get(&name.text) {
                    Some(list) => lists.push(Arc::clone(list)),
                    None => {
                        let message = format!("unknown indicator list `{}`", name.text);
                        let error = Diagnostic::error("unknown-list", name.place.clone(), message);
                        let near = did_you_mean(&name.text, self.definitions.indicators.names());
                        let hint = "name it below `ioc` in the configuration, and give that with `--config`";
                        self.diagnostics.push(error.hint(near.unwrap_or_else(|| hint.to_owned())));
                        known = false;
                    }
                },
                Item::Literal(literal) => constants.push(literal.clone()),
                Item::List(name) => match self.definitions.list(&name.text) {
                    Some(items) => constants.extend(items.iter().cloned()),
                    None => {
                        let message = format!("unknown list `${}`", name.text);
                        let error = Diagnostic::error("unknown-list", name.place.clone(), message);
                        self.diagnostics.push(error.hint_if(self.definitions.near_list(&name.text)));
                        known = false;
                    }
                },
            }
        }
        let has_indicators = comparison.items.iter().any(|item| matches!(item, Item::Indicators(_)));
        if has_indicators && known && lists.len() == comparison.items.len() {
            return Some(Right::Indicators(lists));
        }
        match fields.pop() {
            None if has_indicators && known => {
                let place = comparison.operator_place.clone();
                let error = Diagnostic::error("wrong-operand", place, "indicator lists and constants in one list");
                self.diagnostics.push(error.hint("write two comparisons and join them with `or`"));
                None
            }
            None => known.then_some(Right::Constants(constants)),
            Some(field) if comparison.items.len() == 1 && !comparison.is_list => Some(Right::Field(field)),
            Some(_) => {
                let place = comparison.items.iter().find_map(|item| match item {
                    Item::Field(term) => Some(term.place.clone()),
                    Item::Indicators(_) | Item::List(_) | Item::Literal(_) => None,
                });
                let place = place.unwrap_or_else(|| comparison.operator_place.clone());
                let error = Diagnostic::error("wrong-operand", place, "a list has constants only");
                let hint = "compare with one field at a time and join the comparisons with `or`; a text goes in quotes";
                self.diagnostics.push(error.hint(hint));
                None
            }
        }
    }

    /// The test against constants.
    fn with_constants(&mut self, comparison: &Comparison, of: Typed, constants: &[Literal]) -> Option<Test> {
        let word = comparison.operator.word();
        let left = comparison.term.text();
        if let Some((message, hint)) = wrong_number(comparison, constants.len()) {
            let error = Diagnostic::error("wrong-operand", comparison.operator_place.clone(), message);
            self.diagnostics.push(error.hint_if(hint));
            return None;
        }
        let faults = match comparison.operator.test(of, constants) {
            Ok(test) => return Some(test),
            Err(faults) => faults,
        };
        for fault in faults {
            self.diagnostics.push(match fault {
                Fault::Constant(error) => {
                    (*error).related(comparison.term.place.clone(), format!("`{left}` is {}", of.words()))
                }
                Fault::Operator(hint) => {
                    let message = format!("`{word}` does not fit `{left}`, which is {}", of.words());
                    Diagnostic::error("wrong-type", comparison.operator_place.clone(), message).hint_if(hint)
                }
            });
        }
        None
    }

    /// The tests against indicator lists, one for each.
    fn with_indicators(&mut self, comparison: &Comparison, of: Typed, lists: Vec<Arc<List>>) -> Option<Vec<Test>> {
        let (word, left) = (comparison.operator.word(), comparison.term.text());
        let mut complain = |message: String, hint: &str| {
            let error = Diagnostic::error("wrong-operand", comparison.operator_place.clone(), message);
            self.diagnostics.push(error.hint(hint));
            None
        };
        if word != "in" {
            return complain(format!("`{word}` takes no indicator list"), "write `in ioc:NAME`");
        }
        if comparison.quantifier == Quantifier::All && lists.len() > 1 {
            return complain("`all( )` takes one indicator list".to_owned(), "join one comparison for each with `or`");
        }
        if let Some(list) = lists.iter().find(|list| !list.sort().fits(of.ty)) {
            let message =
                format!("`ioc:{}` holds {}, and `{left}` is {}", list.name(), list.sort().plural(), of.words());
            return complain(message, "addresses are asked of address fields, all other lists of strings");
        }
        Some(lists.into_iter().map(Test::Indicator).collect())
    }

    /// The test against another field.
    fn with_field(&mut self, comparison: &Comparison, of: Typed, other: Resolved) -> Option<Test> {
        let word = comparison.operator.word();
        let Some(Item::Field(term)) = comparison.items.first() else { return None };
        let (left, right) = (comparison.term.text(), term.text());
        let refusal = match comparison.operator.relation() {
            None => {
                let error = Diagnostic::error("wrong-operand", term.place.clone(), format!("`{word}` takes no field"));
                Err(error.hint("if the text itself is meant, put it in quotes"))
            }
            Some(_) if comparison.operator.takes() == Takes::List && !other.typed.array => {
                let message = format!("`{word}` takes a list, and `{right}` is none");
                Err(Diagnostic::error("wrong-operand", term.place.clone(), message)
                    .hint(format!("write `{left} = {right}`")))
            }
            Some(relation) if !op::comparable(of, other.typed, relation) => {
                let is = |typed: Typed| typed.words();
                let message = if of.words() == other.typed.words() {
                    format!("`{word}` does not fit `{left}` and `{right}`, which are each {}", is(of))
                } else {
                    let right_is = is(other.typed);
                    format!("`{left}` is {}, `{right}` {}", is(of), right_is)
                };
                let error = Diagnostic::error("wrong-type", comparison.operator_place.clone(), message);
                Err(error.hint("compare fields of the same type"))
            }
            Some(relation) => Ok(relation),
        };
        match refusal {
            Ok(relation) => {
                let Resolved { field, chain, .. } = other;
                Some(Test::Field(Related { other: Reference::Field(field), chain, relation }))
            }
            Err(error) => {
                self.diagnostics.push(error);
                None
            }
        }
    }
}

/// What is wrong with the number of operands, and advice.
fn wrong_number(comparison: &Comparison, count: usize) -> Option<(String, Option<String>)> {
    let word = comparison.operator.word();
    match comparison.operator.takes() {
        Takes::List if !comparison.is_list => {
            let hint = comparison.items.first().map(|item| match item {
                Item::Field(term) => format!("write `{word} ({})`", term.text()),
                Item::Indicators(list) => format!("write `{word} ioc:{}`", list.text),
                Item::Literal(literal) => format!("write `{word} ({})`", literal.shown()),
                Item::List(list) => format!("write `{word} (${})`", list.text),
            });
            Some((format!("`{word}` takes a list"), hint))
        }
        Takes::One if comparison.is_list || count != 1 => {
            let hint = (word == "=").then(|| "use `in` for several".to_owned());
            Some((format!("`{word}` takes one value"), hint))
        }
        Takes::List | Takes::OneOrList if count == 0 => {
            Some(("this list is empty".to_owned(), Some("nothing could ever match it".to_owned())))
        }
        Takes::List | Takes::Nothing | Takes::One | Takes::OneOrList => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::op::tests::{check, check_refused};

    const EVENT: &str = r#"{"event":{"action":"exec"},"user":{"id":"0"},"process":{"executable":"/usr/bin/bash","name":"bash","real_user":{"id":"7"},"working_directory":"/usr","args":["bash","/usr"],"pid":7,"parent":{"executable":"/usr/bin/bash","pid":1},"ancestors":{"name":["sh","bash"],"pid":[1,7]}}}"#;

    #[test]
    fn fields_are_compared_with_fields() {
        check("process.executable = process.parent.executable", EVENT, true);
        check("process.executable != process.parent.executable", EVENT, false);
        check("user.id != process.real_user.id", EVENT, true);
        check("user.id = process.real_user.id", EVENT, false);
        check("process.pid > process.parent.pid", EVENT, true);
        check("process.pid <= process.parent.pid", EVENT, false);
        check("process.executable startswith process.working_directory", EVENT, true);
        check("process.executable endswith process.name", EVENT, true);
        check("process.executable contains process.name", EVENT, true);
        check("process.name startswith process.executable", EVENT, false);
    }

    #[test]
    fn an_absent_side_makes_it_false() {
        for operator in ["=", "!=", "contains"] {
            check(&format!("process.executable {operator} process.interpreter"), EVENT, false);
            check(&format!("process.interpreter {operator} process.executable"), EVENT, false);
            check(&format!("not process.interpreter {operator} process.executable"), EVENT, true);
            check(&format!("process.executable {operator} file.path"), EVENT, false);
        }
        check(
            "process.executable != base64_decode(process.name)",
            r#"{"event":{"action":"exec"},"process":{"executable":"/x","name":"!"}}"#,
            false,
        );
    }

    #[test]
    fn one_element_of_a_list() {
        check("process.args[0] = bash", EVENT, true);
        check("process.args[1] = bash", EVENT, false);
        check("process.args[2] exists", EVENT, false);
        check("not process.args[2] != x", EVENT, true);
        check("process.ancestors.pid[1] > 1", EVENT, true);
        check("basename(process.args[1]) = usr", EVENT, true);
        check("process.args[0] = process.name", EVENT, true);
        check_refused("process.name[0] = bash", "`process.name` is no array");
        check_refused("all(process.args[0]) = bash", "one element is not `all` and not `any`");
        check_refused("process.args[x] = bash", "expected a whole number and `]` after `[`");
        check_refused("process.args[0]", "expected an operator after `process.args[0]`");
        check_refused("process.name = lower(process.args[0])", "one element of a list stands at the left only");
    }

    #[test]
    fn a_list_at_the_right_means_one_of_it() {
        check("process.name = process.ancestors.name", EVENT, true);
        check("process.name in process.ancestors.name", EVENT, true);
        check("process.name != process.ancestors.name", EVENT, false);
        check("process.name in process.args", EVENT, true);
        check("process.args intersects process.ancestors.name", EVENT, true);
        check("all(process.args) in process.ancestors.name", EVENT, false);
        check("process.ancestors.pid < process.pid", EVENT, true);
        check("all(process.ancestors.pid) < process.pid", EVENT, false);
        check("any(process.ancestors.name) = bash", EVENT, true);
    }

    #[test]
    fn both_forms_of_an_address_are_equal() {
        let event =
            r#"{"event":{"action":"accept"},"source":{"ip":"::ffff:10.0.0.1"},"destination":{"ip":"10.0.0.1"}}"#;
        check("source.ip = destination.ip", event, true);
        check("source.ip != destination.ip", event, false);
    }

    #[test]
    fn types_have_to_fit() {
        check_refused("process.name = process.pid", "`process.name` is a string, `process.pid` a number");
        check_refused(
            "process.name < process.executable",
            "`<` does not fit `process.name` and `process.executable`, which are each a string",
        );
        check_refused(
            "process.pid contains process.parent.pid",
            "`contains` does not fit `process.pid` and `process.parent.pid`, which are each a number",
        );
        check_refused("process.name in process.executable", "`in` takes a list, and `process.executable` is none");
        check_refused("process.name glob process.executable", "`glob` takes no field");
        check_refused("process.name in (bash, process.executable)", "a list has constants only");
        check_refused(
            "process.pid = process.args_bytes",
            "`process.pid` is a number, `process.args_bytes` a number of bytes",
        );
    }

    /// What the first condition says of an event, with a list of addresses and one of names.
    fn with_lists(condition: &str, event: &str) -> Result<bool, String> {
        use super::super::{
            Filter,
            ast::Text,
            definition::Definitions,
            diagnostic::{Diagnostics, Source},
            program::Purpose,
        };
        use crate::{
            event::json,
            indicator::{Columns, Format, List, Lists, Sort, Spec},
        };
        let list = |name: &str, sort, text: &str| {
            let spec = Spec {
                name: name.to_owned(),
                path: "x".into(),
                format: Format::Plain,
                sort,
                subdomains: false,
                columns: Columns::default(),
            };
            List::read(&spec, text.as_bytes(), 10, None).expect("a list").0
        };
        let lists = [
            list("bad-ips", Sort::Ip, "198.51.100.0/24"),
            list("tools", Sort::FileName, "nc"),
            list("more", Sort::FileName, "socat"),
        ];
        let mut problems = Diagnostics::default();
        let text = Text::alone(&Source::new("test", condition));
        let expr = Definitions::with_indicators(&std::sync::Arc::new(Lists::of(lists))).condition(&text, &mut problems);
        let expr = expr.ok_or_else(|| problems.sorted()[0].message.clone())?;
        let (event, _) = json::read(event.as_bytes()).expect("an event");
        Ok(Filter::new(&expr, Purpose::Alert).matches(&event))
    }

    #[test]
    fn indicator_lists_are_asked() {
        let event = r#"{"event":{"action":"connect"},"destination":{"ip":"198.51.100.7"},"process":{"executable":"/bin/nc","args":["/bin/nc","socat"]}}"#;
        for (condition, expected) in [
            ("destination.ip in ioc:bad-ips", Ok(true)),
            ("destination.ip in (ioc:bad-ips)", Ok(true)),
            ("source.ip in ioc:bad-ips", Ok(false)),
            ("not source.ip in ioc:bad-ips", Ok(true)),
            ("process.executable in ioc:more", Ok(false)),
            ("process.executable in (ioc:more, ioc:tools)", Ok(true)),
            ("basename(process.executable) in ioc:tools", Ok(true)),
            ("process.args in ioc:more", Ok(true)),
            ("all(process.args) in ioc:more", Ok(false)),
            ("destination.ip in ioc:bad-ip", Err("unknown indicator list `bad-ip`")),
            ("process.name in ioc:bad-ips", Err("`ioc:bad-ips` holds addresses, and `process.name` is a string")),
            ("destination.ip in (ioc:bad-ips, 10.0.0.1)", Err("indicator lists and constants in one list")),
            ("process.name contains ioc:tools", Err("`contains` takes no indicator list")),
            ("all(process.args) in (ioc:more, ioc:tools)", Err("`all( )` takes one indicator list")),
            ("process.name = 'ioc:tools'", Ok(false)),
        ] {
            assert_eq!(with_lists(condition, event), expected.map_err(str::to_owned), "{condition}");
        }
    }

    #[test]
    fn a_misspelt_field_at_the_right_is_pointed_out() {
        use super::super::{
            Filter,
            ast::Text,
            definition::Definitions,
            diagnostic::{Diagnostics, Source},
        };
        let mut found = Diagnostics::default();
        let text = "process.name = process.parent.nmae and file.name = 'process.parent.nmae' and file.name = a.out";
        Definitions::default().condition(&Text::alone(&Source::new("test", text)), &mut found);
        let messages: Vec<_> = found.sorted().iter().map(|problem| problem.message.clone()).collect();
        assert_eq!(messages, ["`process.parent.nmae` is no field and is compared as a text"]);
        assert!(Filter::parse(text).is_ok());
    }

    #[test]
    fn sizes_and_times_have_units() {
        let event = r#"{"event":{"action":"exit","duration":90000000000},"process":{"args_bytes":10000}}"#;
        check("event.duration > 1m", event, true);
        check("event.duration > 1.5m", event, false);
        check("event.duration in (90s, 2m)", event, true);
        check("process.args_bytes > 8KiB", event, true);
        check("process.args_bytes = 10KB", event, true);
        check_refused("event.duration > 10MiB", "`10MiB` is not a length of time");
        check_refused("process.pid > 4KB", "`4KB` is not a number of at most 64 bits");
    }
}
