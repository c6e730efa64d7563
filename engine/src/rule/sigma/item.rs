//! Items put to their fields: what a field, its modifiers and its values ask of an event.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{
    detection::{Compiler, Fields},
    fieldmap::{Mapped, MappedSource},
    modifier::{Compare, Modified, Refusal},
    regex,
    value::{self, Value, Wild},
};
use crate::{
    event::{
        facts::Reference,
        field::Field,
        network::{canonical, single},
        value::{Bytes, Type, Value as Scalar},
    },
    rule::{
        decimal::Decimal,
        expr::{Expr, Predicate, Quantifier, Subject},
        moment::Moment,
        test::{Case, Pattern, Position, Related, Relation, Strings, Test},
        transform::Chain,
    },
};

/// The parts of an item, any of which may hold.
type Compiled = Result<Vec<Expr>, Refusal>;

/// What an item is put to.
enum Place {
    /// The whole event: it names no field.
    Anywhere,
    /// The last part of a path.
    BaseName(Target),
    /// Fields, any of which may have the value.
    Fields(Vec<Target>),
    /// Words, one of which the value is in every event.
    Is(Vec<String>),
    /// Nothing: why.
    Missing(String),
    /// Conditions of ours that stand for values.
    Values(Vec<(String, Expr)>),
}

/// A field, or an element of it.
struct Target {
    reference: Reference,
    quantifier: Quantifier,
    /// What it holds; open in the events of other products.
    ty: Option<Type>,
}

impl Target {
    fn ours(field: &'static Field, quantifier: Quantifier) -> Self {
        Self { reference: Reference::Field(field), quantifier, ty: Some(field.any().ty) }
    }

    fn test(&self, test: Test) -> Expr {
        let subject = match &self.reference {
            Reference::Field(field) => Subject::Field(field),
            Reference::Named(name) => Subject::Named(name.clone()),
        };
        Expr::test(Predicate { subject, quantifier: self.quantifier, differs: false, test })
    }

    /// Whether it may hold what a test needs.
    fn may_be(&self, fits: impl FnOnce(Type) -> bool) -> bool {
        self.ty.is_none_or(fits)
    }
}

impl Compiler<'_> {
    /// Compiles an item.
    pub(super) fn place(&mut self, name: &str, item: &Modified) -> Result<Expr, Refusal> {
        check_values(item)?;
        let place = self.find(name);
        let expr = join(item, |values| match &place {
            Place::Anywhere => self.keywords(item, values),
            Place::BaseName(path) => base_name(path, item, values),
            Place::Fields(targets) => self.on_fields(targets, item, values),
            Place::Is(words) => self.on_words(name, words, item, values),
            Place::Missing(reason) => {
                self.lack(name, None, Some(reason.clone()));
                Ok(values.iter().map(|value| Expr::Const(holds_if_absent(item, value))).collect())
            }
            Place::Values(known) => Ok(values.iter().map(|value| self.by_value(name, known, item, value)).collect()),
        })?;
        Ok(if item.negated { expr.negate() } else { expr })
    }

    fn find(&self, name: &str) -> Place {
        // Backends drop spaces from field names.
        let name: String = name.chars().filter(|character| *character != ' ').collect();
        if name.is_empty() {
            return Place::Anywhere;
        }
        match self.fields {
            Fields::Foreign(names) => {
                let reference = Reference::Named(names.borrow_mut().intern(&name));
                Place::Fields(vec![Target { reference, quantifier: Quantifier::Any, ty: None }])
            }
            Fields::Mapped(logsource) => match logsource.field(&name) {
                Mapped::BaseName(field) => Place::BaseName(Target::ours(field, Quantifier::Any)),
                Mapped::Element(field, place) => Place::Fields(vec![Target::ours(field, Quantifier::At(place))]),
                Mapped::Fields(fields) => {
                    Place::Fields(fields.into_iter().map(|field| Target::ours(field, Quantifier::Any)).collect())
                }
                Mapped::Is(words) => Place::Is(words),
                Mapped::Missing(reason) => Place::Missing(reason),
                Mapped::Values(values) => Place::Values(values),
            },
            Fields::Nowhere => Place::Missing(String::new()),
        }
    }

    /// A field whose values are conditions of ours.
    fn by_value(&mut self, name: &str, known: &[(String, Expr)], item: &Modified, value: &Value) -> Expr {
        let text = plain(value).map(|text| text.to_lowercase());
        let found = text.as_ref().and_then(|text| known.iter().find(|(value, _)| value == text));
        match found {
            Some((_, expr)) if item.compare == Compare::Text => expr.clone(),
            Some(_) | None => {
                self.lack(name, Some(value.to_string()), None);
                Expr::Const(false)
            }
        }
    }

    /// A field that is the same in every event of the log source.
    fn on_words(&mut self, name: &str, words: &[String], item: &Modified, values: &[Value]) -> Compiled {
        let mut outcomes = Vec::new();
        for value in values {
            let tests = match &item.compare {
                Compare::Exists => {
                    outcomes.push(Expr::Const(*value == Value::Bool(true)));
                    continue;
                }
                Compare::Regex(flags) => {
                    patterns(std::slice::from_ref(value), flags)?.into_iter().map(Test::Pattern).collect()
                }
                Compare::Text => {
                    let wild: Vec<Wild> = value.clone().into_wild().into_iter().collect();
                    value::tests(&wild, case(item))?
                }
                Compare::Cidr | Compare::Fieldref { .. } | Compare::Order(_) => Vec::new(),
            };
            let holds = |word: &String| tests.iter().any(|test| test.holds(Scalar::Bytes(word.as_bytes())));
            let holds = words.iter().any(holds);
            if !holds {
                self.lack(name, Some(value.to_string()), None);
            }
            outcomes.push(Expr::Const(holds));
        }
        Ok(outcomes)
    }

    /// Fields, any of which may have one of the values. An absence is one of all of them.
    fn on_fields(&mut self, targets: &[Target], item: &Modified, values: &[Value]) -> Compiled {
        let (absences, others): (Vec<Value>, Vec<Value>) =
            values.iter().cloned().partition(|value| holds_if_absent(item, value));
        let mut parts = Vec::new();
        for target in targets {
            parts.extend(self.tests(target, item, &others)?);
        }
        if !absences.is_empty() {
            let absent = targets.iter().map(|target| self.tests(target, item, &absences).map(Expr::Any));
            parts.push(Expr::All(absent.collect::<Result<_, _>>()?));
        }
        Ok(parts)
    }

    /// The tests of some values of one item, any of which may pass.
    fn tests(&mut self, target: &Target, item: &Modified, values: &[Value]) -> Compiled {
        let case = case(item);
        let refuse = |what: &str| Err(Refusal::Unsupported(format!("{what} `{}`", target.reference)));
        if values.is_empty() {
            return Ok(Vec::new());
        }
        Ok(match &item.compare {
            Compare::Order(_) | Compare::Text if item.part.is_some() => moments(target, item, values)?,
            Compare::Text => text_item(target, values, case)?,
            Compare::Regex(flags) => {
                patterns(values, flags)?.into_iter().map(|pattern| target.test(Test::Pattern(pattern))).collect()
            }
            Compare::Exists => {
                let test = |value: &Value| {
                    let exists = target.test(Test::Exists);
                    if *value == Value::Bool(true) { exists } else { exists.negate() }
                };
                values.iter().map(test).collect()
            }
            Compare::Cidr if target.may_be(|ty| ty == Type::Ip) => {
                let networks = values.iter().map(network).collect::<Result<_, _>>()?;
                vec![target.test(Test::Networks(networks))]
            }
            Compare::Cidr => return refuse("`cidr` on what is no address:"),
            Compare::Order(order) if target.may_be(|ty| matches!(ty, Type::Integer | Type::NumericKeyword)) => {
                let test = |value| match number(value)? {
                    Number::Decimal(constant) => Ok(target.test(Test::Fraction(*order, constant))),
                    Number::Int(constant) => Ok(target.test(Test::Int(*order, constant))),
                };
                values.iter().map(test).collect::<Result<_, _>>()?
            }
            Compare::Order(_) => return refuse("the order of what is no number:"),
            Compare::Fieldref { starts, ends } => {
                let position = match (starts, ends) {
                    (true, true) => Position::Anywhere,
                    (true, false) => Position::Start,
                    (false, true) => Position::End,
                    (false, false) => Position::Whole,
                };
                values.iter().map(|value| self.relation(target, value, position, case)).collect()
            }
        })
    }

    /// A relation to the field that a value names.
    fn relation(&mut self, target: &Target, value: &Value, position: Position, case: Case) -> Expr {
        let name = plain(value).unwrap_or_default();
        match self.find(&name) {
            Place::Fields(others) if others.iter().all(|other| other.quantifier == Quantifier::Any) => {
                let related = |other: Target| {
                    let relation = Relation::Text(position, case);
                    target.test(Test::Field(Related { other: other.reference, chain: Chain::default(), relation }))
                };
                Expr::Any(others.into_iter().map(related).collect())
            }
            Place::Missing(reason) => {
                self.lack(&name, None, Some(reason));
                Expr::Const(false)
            }
            Place::Anywhere | Place::BaseName(_) | Place::Fields(_) | Place::Is(_) | Place::Values(_) => {
                self.lack(&name, None, Some("it cannot be compared with".to_owned()));
                Expr::Const(false)
            }
        }
    }

    /// Keywords: strings anywhere in the event, or where the log source has its text.
    fn keywords(&self, item: &Modified, values: &[Value]) -> Compiled {
        let tests: Vec<Test> = match &item.compare {
            Compare::Text if item.part.is_none() => {
                let open = |value: &Value| match value.clone().into_wild() {
                    Some(wild) => Ok(wild.open_start().open_end()),
                    None => Err(Refusal::Broken("a keyword cannot be null".to_owned(), None)),
                };
                let wilds = values.iter().map(open).collect::<Result<Vec<Wild>, _>>()?;
                value::tests(&wilds, case(item))?
            }
            Compare::Regex(flags) => patterns(values, flags)?.into_iter().map(Test::Pattern).collect(),
            Compare::Cidr | Compare::Exists | Compare::Fieldref { .. } | Compare::Order(_) | Compare::Text => {
                return Err(Refusal::Broken("this modifier needs a field".to_owned(), None));
            }
        };
        let subjects: Vec<Subject> = match self.fields {
            Fields::Mapped(MappedSource { keywords: Some(fields), .. }) => {
                fields.iter().copied().map(Subject::Field).collect()
            }
            Fields::Foreign(_) | Fields::Mapped(_) | Fields::Nowhere => vec![Subject::Anywhere],
        };
        let on = |subject: &Subject, test| {
            let subject = subject.clone();
            Expr::test(Predicate { subject, quantifier: Quantifier::Any, differs: false, test })
        };
        Ok(tests.into_iter().flat_map(|test| subjects.iter().map(move |subject| on(subject, test.clone()))).collect())
    }
}

/// The last part of a path.
fn base_name(path: &Target, item: &Modified, values: &[Value]) -> Compiled {
    let case = case(item);
    let mut parts = Vec::new();
    for value in values {
        match (&item.compare, value.clone().into_wild()) {
            (Compare::Exists, _) => {
                let exists = path.test(Test::Exists);
                parts.push(if *value == Value::Bool(true) { exists } else { exists.negate() });
            }
            (Compare::Text, None) => parts.push(path.test(Test::Exists).negate()),
            (Compare::Text, Some(wild)) => {
                let tests = wild.on_base_name(case)?;
                parts.extend(tests.into_iter().map(|test| path.test(test)));
            }
            (Compare::Cidr | Compare::Fieldref { .. } | Compare::Order(_) | Compare::Regex(_), _) => {
                return Err(Refusal::Unsupported(format!("this modifier on the base name of `{}`", path.reference)));
            }
        }
    }
    Ok(parts)
}

/// Tests of a part of a date.
fn moments(target: &Target, item: &Modified, values: &[Value]) -> Compiled {
    if !target.may_be(|ty| ty == Type::Time) {
        return Err(Refusal::Unsupported(format!("a part of what is no time: `{}`", target.reference)));
    }
    let order = if let Compare::Order(order) = item.compare { Some(order) } else { None };
    let counts = target.ty.is_some();
    let tests = values.iter().map(|value| {
        let number = whole(value)?;
        let Some(moment) = item.part.map(|part| Moment { part, order, number, counts }) else { return Ok(None) };
        match moment.never() {
            Some(why) => Err(Refusal::Broken(why, None)),
            None => Ok(Some(target.test(Test::Moment(moment)))),
        }
    });
    tests.filter_map(Result::transpose).collect()
}

/// Joins the tests of an item's values: any may pass, or with `all` one of each value's alternatives has to.
fn join(item: &Modified, mut tests: impl FnMut(&[Value]) -> Compiled) -> Result<Expr, Refusal> {
    if item.all {
        let parts = item.values.iter().map(|alternatives| tests(alternatives).map(Expr::Any));
        return parts.collect::<Result<_, _>>().map(Expr::All);
    }
    tests(&item.values.concat()).map(Expr::Any)
}

fn case(item: &Modified) -> Case {
    if item.cased { Case::Exact } else { Case::Folded }
}

/// The text of a value without wildcards.
fn plain(value: &Value) -> Option<String> {
    let wild = value.clone().into_wild()?;
    wild.as_plain().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// What is wrong with values whatever the field.
fn check_values(item: &Modified) -> Result<(), Refusal> {
    let mut values = item.values.iter().flatten();
    match &item.compare {
        Compare::Order(_) | Compare::Text if item.part.is_some() => values.try_for_each(|value| whole(value).map(drop)),
        Compare::Cidr => values.try_for_each(|value| network(value).map(drop)),
        Compare::Exists => {
            let fits = values.all(|value| matches!(value, Value::Bool(_)));
            if fits { Ok(()) } else { Err(Refusal::Broken("`exists` takes true or false".to_owned(), None)) }
        }
        Compare::Order(_) => values.try_for_each(|value| number(value).map(drop)),
        Compare::Regex(flags) => patterns(&item.values.concat(), flags).map(drop),
        Compare::Fieldref { .. } | Compare::Text => Ok(()),
    }
}

/// Whether a value's test passes on an absent field.
fn holds_if_absent(item: &Modified, value: &Value) -> bool {
    match &item.compare {
        Compare::Exists => *value == Value::Bool(false),
        Compare::Text => *value == Value::Null,
        Compare::Cidr | Compare::Fieldref { .. } | Compare::Order(_) | Compare::Regex(_) => false,
    }
}

/// The parts of a text item, any of which may match.
fn text_item(target: &Target, values: &[Value], case: Case) -> Compiled {
    let mut parts = Vec::new();
    let mut wilds = Vec::new();
    let mut numbers = Vec::new();
    let mut networks: Vec<IpNet> = Vec::new();
    for value in values {
        match (target.ty, value) {
            (Some(_), Value::Null) => parts.push(target.test(Test::Exists).negate()),
            (None, Value::Null) => {
                parts.extend([target.test(Test::Exists).negate(), target.test(Test::Null)]);
            }
            (Some(Type::Boolean), Value::Bool(flag)) => parts.push(target.test(Test::Bool(*flag))),
            (Some(Type::Integer | Type::NumericKeyword), Value::Int(number)) => numbers.push(*number),
            (Some(Type::Integer | Type::NumericKeyword), Value::Text(wild)) => {
                // A number in quotes is a number.
                match plain(value).and_then(|text| text.parse().ok()) {
                    Some(number) => numbers.push(number),
                    None => wilds.push(wild.clone()),
                }
            }
            (Some(Type::Ip), Value::Text(wild)) => match plain(value).and_then(|text| text.parse::<IpAddr>().ok()) {
                Some(address) => networks.push(single(address)),
                None => wilds.push(wild.clone()),
            },
            // In the events of other products numbers and addresses are compared as texts: either may be a string.
            (_, value) => wilds.extend(value.clone().into_wild()),
        }
    }
    if !numbers.is_empty() {
        numbers.sort_unstable();
        numbers.dedup();
        parts.push(target.test(Test::Ints(numbers.into())));
    }
    if !networks.is_empty() {
        parts.push(target.test(Test::Networks(networks.into())));
    }
    // Fields of our own events are there or not; those of other products may be there and null, which is no text.
    let present = |test| match (target.ty, test) {
        (None, Test::Exists) => Test::Text(Strings::new(Position::Start, case, [Bytes::default()])),
        (_, test) => test,
    };
    let tests = value::tests(&wilds, case)?;
    parts.extend(tests.into_iter().map(|test| target.test(present(test))));
    Ok(parts)
}

fn patterns(values: &[Value], flags: &str) -> Result<Vec<Pattern>, Refusal> {
    let compile = |value: &Value| {
        let Some(pattern) = plain(value) else {
            let hint = "the word is written in quotes, and for what is absent or null no modifier is needed";
            return Err(Refusal::Broken("a regular expression cannot be null".to_owned(), Some(hint.to_owned())));
        };
        regex::compile(&pattern, flags)
    };
    values.iter().map(compile).collect()
}

fn network(value: &Value) -> Result<IpNet, Refusal> {
    let text = plain(value).unwrap_or_default();
    if let Ok(address) = text.parse::<IpAddr>() {
        return Ok(single(address));
    }
    match text.parse::<IpNet>() {
        Ok(network) if network.trunc() == network => Ok(canonical(network)),
        Ok(network) => Err(Refusal::Broken(
            format!("the network `{text}` has bits set beyond its prefix"),
            Some(format!("did you mean `{}`?", network.trunc())),
        )),
        Err(_) => Err(Refusal::Broken(format!("`{value}` is not a network"), None)),
    }
}

/// The constant of an order.
enum Number {
    /// It has a fraction, or more than 64 bits.
    Decimal(Decimal),
    Int(i64),
}

fn number(value: &Value) -> Result<Number, Refusal> {
    match value {
        Value::Int(number) => Ok(Number::Int(*number)),
        Value::Text(_) => {
            let text = plain(value).unwrap_or_default();
            match (text.parse(), Decimal::new(&text)) {
                (Ok(number), _) => Ok(Number::Int(number)),
                (Err(_), Some(decimal)) => Ok(Number::Decimal(decimal)),
                (Err(_), None) => Err(Refusal::Broken(format!("`{value}` is not a number"), None)),
            }
        }
        Value::Bool(_) | Value::Null => Err(Refusal::Broken("an order needs a number".to_owned(), None)),
    }
}

/// The constant a part of a date is compared with.
fn whole(value: &Value) -> Result<i64, Refusal> {
    match number(value)? {
        Number::Int(number) => Ok(number),
        Number::Decimal(_) => Err(Refusal::Broken("a part of a date is a whole number".to_owned(), None)),
    }
}
