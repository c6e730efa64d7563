//! Sigma's `detection`: searches over fields, compiled for one log source of ours.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    condition,
    fieldmap::{Logsource, Mapped},
    modifier::{self, Compare, Modified, Refusal},
    value::{self, Value, Wild},
};
use crate::{
    event::{field::Field, value::Type},
    rule::{
        ast::Text,
        diagnostic::{Diagnostic, Diagnostics},
        expr::{Expr, Predicate, Quantifier, Subject},
        shape::wrong_type,
        test::{Case, Pattern, Position, Related, Relation, Test, single},
        transform::Chain,
        yaml::{Node, Scalar, Value as Yaml},
    },
};

/// Compiles the searches of one rule.
pub(super) struct Compiler<'f> {
    /// Where fields are; `None` if the rule is only read for its problems.
    logsource: Option<&'f Logsource>,
    /// Facts the rule asks for that no event carries.
    pub(super) missing: Vec<String>,
    /// The first thing this version cannot do.
    pub(super) rejected: Option<String>,
}

impl<'f> Compiler<'f> {
    pub(super) fn new(logsource: Option<&'f Logsource>) -> Self {
        Self { logsource, missing: Vec::new(), rejected: None }
    }

    /// Compiles `detection` with its condition.
    pub(super) fn detection(&mut self, node: &Node, diagnostics: &mut Diagnostics) -> Option<Expr> {
        let Yaml::Mapping(entries) = &node.value else {
            diagnostics.push(wrong_type(node, "`detection` is a mapping", None));
            return None;
        };
        let mut searches = Vec::new();
        let mut broken = false;
        for (key, value) in entries {
            match key.text() {
                // `timeframe` belongs to aggregations, which are gone from the specification.
                Some("condition" | "timeframe") => {}
                Some(name) => {
                    let expr = self.search(value, diagnostics);
                    broken |= expr.is_none();
                    // A broken search still has a name.
                    searches.push((name.to_owned(), expr.unwrap_or(Expr::Const(false))));
                }
                None => diagnostics.push(wrong_type(key, "the name of a search is a string", None)),
            }
        }
        let Some(condition) = node.get("condition") else {
            let error = Diagnostic::error("missing-key", node.place.clone(), "`detection` needs `condition`");
            diagnostics.push(error);
            return None;
        };
        let conditions = match &condition.value {
            Yaml::Sequence(items) => items.iter().collect(),
            Yaml::Mapping(_) | Yaml::Scalar(_) => vec![condition],
        };
        let mut parts = Vec::new();
        for condition in conditions {
            if condition.text().is_none() {
                diagnostics.push(wrong_type(condition, "`condition` is a string or a list of strings", None));
                return None;
            }
            match condition::compile(&Text::of_node(condition), &searches) {
                Ok(expr) => parts.push(expr),
                Err(error) if error.code == "not-supported" => self.reject(&error.message),
                Err(error) => diagnostics.push(*error),
            }
        }
        (!broken).then_some(Expr::Any(parts))
    }

    fn reject(&mut self, reason: &str) {
        self.rejected.get_or_insert_with(|| reason.to_owned());
    }

    fn lack(&mut self, reason: String) {
        if self.logsource.is_some() && !self.missing.contains(&reason) {
            self.missing.push(reason);
        }
    }

    /// A mapping is true if all its items are; a list if any of its members is.
    fn search(&mut self, node: &Node, diagnostics: &mut Diagnostics) -> Option<Expr> {
        match &node.value {
            Yaml::Mapping(entries) => {
                let items: Vec<_> = entries.iter().map(|(key, value)| self.item(key, value, diagnostics)).collect();
                items.into_iter().collect::<Option<Vec<_>>>().map(Expr::All)
            }
            Yaml::Sequence(items) => {
                if items.is_empty() {
                    diagnostics.push(Diagnostic::error("empty-list", node.place.clone(), "this search is empty"));
                    return None;
                }
                let members: Vec<_> = items.iter().map(|item| self.search(item, diagnostics)).collect();
                members.into_iter().collect::<Option<Vec<_>>>().map(Expr::Any)
            }
            Yaml::Scalar(_) => self.compile_item("", &[], &[node], node, diagnostics),
        }
    }

    fn item(&mut self, key: &Node, value: &Node, diagnostics: &mut Diagnostics) -> Option<Expr> {
        let Some(text) = key.text() else {
            diagnostics.push(wrong_type(key, "a field name is a string", None));
            return None;
        };
        let mut parts = text.split('|');
        let field = parts.next().unwrap_or_default();
        let modifiers: Vec<&str> = parts.collect();
        let mut nodes = Vec::new();
        flatten(value, &mut nodes);
        if nodes.is_empty() {
            diagnostics.push(Diagnostic::error("empty-list", value.place.clone(), format!("`{text}` has no value")));
            return None;
        }
        self.compile_item(field, &modifiers, &nodes, key, diagnostics)
    }

    fn compile_item(
        &mut self,
        field: &str,
        modifiers: &[&str],
        nodes: &[&Node],
        key: &Node,
        diagnostics: &mut Diagnostics,
    ) -> Option<Expr> {
        let raw = modifier::is_raw(modifiers);
        let mut values = Vec::new();
        for node in nodes {
            let read = match &node.value {
                // The backslashes of a regular expression are its own.
                Yaml::Scalar(Scalar { text, .. }) if raw => Some(Value::Text(Wild::plain(text.clone().into_bytes()))),
                Yaml::Scalar(_) | Yaml::Mapping(_) | Yaml::Sequence(_) => Value::of_node(node),
            };
            match read {
                Some(value) => values.push(value),
                None => {
                    diagnostics.push(wrong_type(node, "a value is a string, a number, a boolean or null", None));
                    return None;
                }
            }
        }
        let compiled = modifier::apply(modifiers, values).and_then(|item| self.place(field, item));
        match compiled {
            Ok(expr) => Some(expr),
            Err(Refusal::Broken(message, hint)) => {
                diagnostics.push(Diagnostic::error("wrong-item", key.place.clone(), message).hint_if(hint));
                None
            }
            Err(Refusal::Unsupported(reason)) => {
                self.reject(&reason);
                Some(Expr::Const(false))
            }
        }
    }

    /// Puts an item's values to the field they are for.
    fn place(&mut self, name: &str, item: Modified) -> Result<Expr, Refusal> {
        let negated = item.negated;
        let subject = if name.is_empty() {
            Mapped::Values(Vec::new())
        } else {
            match self.logsource {
                Some(logsource) => logsource.field(name),
                None => Mapped::Missing(String::new()),
            }
        };
        let expr = match subject {
            Mapped::Values(_) if name.is_empty() => keywords(&item)?,
            Mapped::Values(values) => self.by_value(name, &values, &item),
            Mapped::Field(field) => self.on_field(field, &item)?,
            Mapped::Missing(reason) => {
                self.lack(format!("no event carries `{name}`: {reason}"));
                // The checks of values apply all the same; the item is that of an absent field.
                check_values(&item)?;
                absent(&item)
            }
        };
        Ok(if negated { expr.negate() } else { expr })
    }

    /// A field whose values are conditions of ours.
    fn by_value(&mut self, name: &str, values: &[(String, Expr)], item: &Modified) -> Expr {
        let mut parts = Vec::new();
        for value in &item.values {
            let text = value
                .clone()
                .into_wild()
                .and_then(|wild| wild.as_plain().map(String::from_utf8_lossy).map(|text| text.to_lowercase()));
            let known = text.as_ref().and_then(|text| values.iter().find(|(value, _)| value == text));
            match known {
                Some((_, expr)) if item.compare == Compare::Text => parts.push(expr.clone()),
                Some(_) | None => {
                    self.lack(format!("no event carries `{name}` with this value or modifier"));
                    parts.push(Expr::Const(false));
                }
            }
        }
        join(parts, item.all)
    }

    fn on_field(&mut self, field: &'static Field, item: &Modified) -> Result<Expr, Refusal> {
        check_values(item)?;
        let ty = field.any().ty;
        let case = if item.cased { Case::Exact } else { Case::Folded };
        let any = |test| Expr::test(Predicate::any(field, test));
        let mut parts = Vec::new();
        match &item.compare {
            Compare::Text if item.all => {
                for value in &item.values {
                    parts.push(Expr::Any(text_item(field, std::slice::from_ref(value), case)?));
                }
            }
            Compare::Text => parts = text_item(field, &item.values, case)?,
            Compare::Regex(flags) => {
                for pattern in patterns(&item.values, flags)? {
                    parts.push(any(Test::Pattern(pattern)));
                }
            }
            Compare::Exists => {
                for value in &item.values {
                    let exists = any(Test::Exists);
                    parts.push(if *value == Value::Bool(true) { exists } else { exists.negate() });
                }
            }
            Compare::Cidr => {
                let networks = item.values.iter().map(network).collect::<Result<Vec<_>, _>>()?;
                if !matches!(ty, Type::Ip) {
                    return Err(Refusal::Unsupported(format!("`cidr` on `{}`, which is no address", field.name)));
                }
                if item.all {
                    parts.extend(networks.into_iter().map(|network| any(Test::Networks(Box::new([network])))));
                } else {
                    parts.push(any(Test::Networks(networks.into())));
                }
            }
            Compare::Order(order) => {
                if !matches!(ty, Type::Integer | Type::NumericKeyword) {
                    return Err(Refusal::Unsupported(format!("order of `{}`, which is no number", field.name)));
                }
                for value in &item.values {
                    parts.push(any(Test::Int(*order, number(value)?)));
                }
            }
            Compare::Fieldref { starts, ends } => {
                let position = match (starts, ends) {
                    (true, _) => Position::Start,
                    (_, true) => Position::End,
                    (false, false) => Position::Whole,
                };
                for value in &item.values {
                    let name = value.clone().into_wild().and_then(|wild| wild.as_plain().map(<[u8]>::to_vec));
                    let name = String::from_utf8_lossy(&name.unwrap_or_default()).into_owned();
                    match self.logsource.map(|logsource| logsource.field(&name)) {
                        Some(Mapped::Field(other)) => {
                            let relation = Relation::Text(position, case);
                            parts.push(any(Test::Field(Related { field: other, chain: Chain::default(), relation })));
                        }
                        Some(Mapped::Missing(_) | Mapped::Values(_)) | None => {
                            self.lack(format!("no event carries `{name}` to compare with"));
                            parts.push(Expr::Const(false));
                        }
                    }
                }
            }
        }
        Ok(join(parts, item.all))
    }
}

fn join(parts: Vec<Expr>, all: bool) -> Expr {
    if all { Expr::All(parts) } else { Expr::Any(parts) }
}

fn flatten<'n>(node: &'n Node, found: &mut Vec<&'n Node>) {
    match &node.value {
        Yaml::Sequence(items) => items.iter().for_each(|item| flatten(item, found)),
        Yaml::Mapping(_) | Yaml::Scalar(_) => found.push(node),
    }
}

/// What is wrong with values whatever the field.
fn check_values(item: &Modified) -> Result<(), Refusal> {
    match &item.compare {
        Compare::Cidr => item.values.iter().try_for_each(|value| network(value).map(drop)),
        Compare::Exists => {
            let fits = item.values.iter().all(|value| matches!(value, Value::Bool(_)));
            if fits { Ok(()) } else { Err(Refusal::Broken("`exists` takes true or false".to_owned(), None)) }
        }
        Compare::Order(_) => item.values.iter().try_for_each(|value| number(value).map(drop)),
        Compare::Regex(flags) => patterns(&item.values, flags).map(drop),
        Compare::Fieldref { .. } | Compare::Text => Ok(()),
    }
}

/// The outcome of an item whose field is absent.
fn absent(item: &Modified) -> Expr {
    let parts = item
        .values
        .iter()
        .map(|value| {
            Expr::Const(match (&item.compare, value) {
                (Compare::Exists, value) => *value == Value::Bool(false),
                (Compare::Text, value) => *value == Value::Null,
                (Compare::Cidr | Compare::Fieldref { .. } | Compare::Order(_) | Compare::Regex(_), _) => false,
            })
        })
        .collect();
    join(parts, item.all)
}

/// The parts of a text item, any of which may match.
fn text_item(field: &'static Field, values: &[Value], case: Case) -> Result<Vec<Expr>, Refusal> {
    let any = |test| Expr::test(Predicate::any(field, test));
    let ty = field.any().ty;
    let mut parts = Vec::new();
    let mut wilds = Vec::new();
    let mut numbers = Vec::new();
    let mut networks: Vec<IpNet> = Vec::new();
    for value in values {
        let plain = |wild: &Wild| wild.as_plain().and_then(|bytes| std::str::from_utf8(bytes).ok()).map(str::to_owned);
        match (ty, value) {
            (_, Value::Null) => parts.push(any(Test::Exists).negate()),
            (Type::Boolean, Value::Bool(flag)) => parts.push(any(Test::Bool(*flag))),
            (Type::Integer | Type::NumericKeyword, Value::Int(number)) => numbers.push(*number),
            (Type::Integer | Type::NumericKeyword, Value::Text(wild)) => {
                // A number in quotes is a number.
                match plain(wild).and_then(|text| text.parse().ok()) {
                    Some(number) => numbers.push(number),
                    None => wilds.push(wild.clone()),
                }
            }
            (Type::Ip, Value::Text(wild)) => match plain(wild).and_then(|text| text.parse::<IpAddr>().ok()) {
                Some(address) => networks.push(single(address)),
                None => wilds.push(wild.clone()),
            },
            (_, value) => wilds.extend(value.clone().into_wild()),
        }
    }
    if !numbers.is_empty() {
        numbers.sort_unstable();
        numbers.dedup();
        parts.push(any(Test::Ints(numbers.into())));
    }
    if !networks.is_empty() {
        parts.push(any(Test::Networks(networks.into())));
    }
    parts.extend(value::tests(&wilds, case).map_err(Refusal::Unsupported)?.into_iter().map(any));
    Ok(parts)
}

/// Keywords: strings anywhere in the event.
fn keywords(item: &Modified) -> Result<Expr, Refusal> {
    let case = if item.cased { Case::Exact } else { Case::Folded };
    let anywhere =
        |test| Expr::test(Predicate { subject: Subject::Anywhere, quantifier: Quantifier::Any, differs: false, test });
    let mut parts = Vec::new();
    match &item.compare {
        Compare::Text => {
            let mut wilds = Vec::new();
            for value in &item.values {
                match value.clone().into_wild() {
                    Some(wild) => wilds.push(wild.open_start().open_end()),
                    None => return Err(Refusal::Broken("a keyword cannot be null".to_owned(), None)),
                }
            }
            let groups: Vec<&[Wild]> = if item.all { wilds.chunks(1).collect() } else { vec![&wilds] };
            for group in groups {
                let tests = value::tests(group, case).map_err(Refusal::Unsupported)?;
                parts.push(Expr::Any(tests.into_iter().map(anywhere).collect()));
            }
        }
        Compare::Regex(flags) => {
            parts.extend(patterns(&item.values, flags)?.into_iter().map(|pattern| anywhere(Test::Pattern(pattern))));
        }
        Compare::Cidr | Compare::Exists | Compare::Fieldref { .. } | Compare::Order(_) => {
            return Err(Refusal::Broken("this modifier needs a field".to_owned(), None));
        }
    }
    Ok(join(parts, item.all))
}

fn patterns(values: &[Value], flags: &str) -> Result<Vec<Pattern>, Refusal> {
    let mut patterns = Vec::new();
    for value in values {
        let text = value.clone().into_wild().and_then(|wild| wild.as_plain().map(<[u8]>::to_vec));
        let text = String::from_utf8_lossy(&text.unwrap_or_default()).into_owned();
        let pattern = if flags.is_empty() { text } else { format!("(?{flags}){text}") };
        match Pattern::new(&pattern) {
            Ok(pattern) => patterns.push(pattern),
            Err(why) => return Err(Refusal::Unsupported(format!("the regular expression `{pattern}`: {why}"))),
        }
    }
    Ok(patterns)
}

fn network(value: &Value) -> Result<IpNet, Refusal> {
    let text = value.clone().into_wild().and_then(|wild| wild.as_plain().map(<[u8]>::to_vec)).unwrap_or_default();
    let text = String::from_utf8_lossy(&text).into_owned();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(single(address));
    }
    match text.parse::<IpNet>() {
        Ok(network) if network.trunc() == network => Ok(network),
        Ok(network) => Err(Refusal::Broken(
            format!("the network `{text}` has bits set beyond its prefix"),
            Some(format!("did you mean `{}`?", network.trunc())),
        )),
        Err(_) => Err(Refusal::Broken(format!("`{text}` is not a network"), None)),
    }
}

fn number(value: &Value) -> Result<i64, Refusal> {
    match value {
        Value::Int(number) => Ok(*number),
        Value::Text(wild) => {
            let text = wild.as_plain().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default();
            if let Ok(number) = text.parse() {
                Ok(number)
            } else if text.parse::<f64>().is_ok() {
                Err(Refusal::Unsupported(format!("order against the fraction `{text}`")))
            } else {
                Err(Refusal::Broken(format!("`{text}` is not a number"), None))
            }
        }
        Value::Bool(_) | Value::Null => Err(Refusal::Broken("an order needs a number".to_owned(), None)),
    }
}
