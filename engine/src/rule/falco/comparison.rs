//! One comparison of a Falco condition: what it asks of our events.

use super::{
    ast::{Comparison, Operand, Operator, Right, Takes},
    compile::{Compiled, Compiler},
    fieldmap::{Alternative, Known, Mapped, Term},
    value::{Refusal, broken, tests, texts},
};
use crate::{
    event::{
        facts::Reference,
        field::Field,
        value::{Type, Value},
    },
    rule::{
        ast::Literal,
        expr::{Derived, Expr, Predicate, Quantifier, Subject},
        lack::Lack,
        op,
        test::{Case, Position, Related, Relation, Test},
        transform::{self, Chain, Transform},
        typed::Typed,
    },
};

/// What Falco shows for what it does not know.
const UNKNOWN: &str = "<NA>";

impl Compiler<'_> {
    /// Compiles a comparison. `None` if it is broken, which is then reported.
    pub(super) fn comparison(&mut self, comparison: &Comparison) -> Option<Compiled> {
        let (constants, uses) = self.constants(&comparison.right)?;
        let compiled = match self.compiled(comparison, constants) {
            Ok(compiled) => compiled,
            Err(Refusal::Unsupported(reason)) => Compiled::rejecting(reason),
            Err(Refusal::Broken(problems)) => {
                problems.into_iter().for_each(|problem| self.diagnostics.push(problem));
                return None;
            }
        };
        Some(Compiled { uses, ..compiled })
    }

    fn compiled(&self, comparison: &Comparison, mut constants: Vec<Literal>) -> Result<Compiled, Refusal> {
        let Comparison { left, operator, right, .. } = comparison;
        let takes_list = matches!((operator.takes(), right), (Takes::List, Right::Values(_)));
        if takes_list && constants.is_empty() {
            // Nothing is in an empty list, whatever the field.
            return Ok(Compiled::of(Expr::Const(false)));
        }
        let asks_absence = remove_unknown(*operator, &mut constants);
        let mapped = match self.place(left) {
            Ok(mapped) => mapped,
            Err(lack) => return Ok(Compiled::lacking(lack)),
        };
        let compiled = match right {
            Right::Field(other) => self.with_field(&mapped, comparison, other)?,
            Right::Values(_) => with_constants(&mapped, comparison, &constants, asks_absence)?,
        };
        Ok(noting_partly(compiled, &mapped, left))
    }

    /// Where an operand is, its transformers put around it.
    fn place(&self, operand: &Operand) -> Result<Mapped, Lack> {
        let mut mapped = self.fields.field(&operand.field.text, operand.argument.as_deref());
        if let Some(reason) = mapped.missing {
            return Err(lack(operand, None, Some(reason)));
        }
        let chain: Vec<&'static dyn Transform> =
            operand.transformers.iter().rev().filter_map(|name| transform_of(&name.text)).collect();
        if let Some(last) = chain.last() {
            for alternative in &mut mapped.alternatives {
                if !matches!(alternative.term.typed.ty, Type::Keyword | Type::Word(_)) {
                    return Err(lack(operand, None, Some("it is no text in our events".to_owned())));
                }
                let typed = Typed { array: alternative.term.typed.array, ..last.gives() };
                alternative.term =
                    Term { subject: derived(&alternative.term.subject, &chain), typed, ..alternative.term.clone() };
            }
            for known in &mut mapped.known {
                known.value = through(&chain, &known.value);
            }
            // Of the beginning of a text only the letters' case is that of the whole.
            mapped.cut = mapped.cut.filter(|_| chain.iter().all(|it| ["lower", "upper"].contains(&it.name())));
        }
        Ok(mapped)
    }

    /// The comparison with another field, for each pair of places where they may be.
    fn with_field(&self, left: &Mapped, comparison: &Comparison, other: &Operand) -> Result<Compiled, Refusal> {
        let right = match self.place(other) {
            Ok(right) => right,
            Err(lack) => return Ok(Compiled::lacking(lack)),
        };
        let relation = relation(comparison.operator).ok_or_else(|| {
            Refusal::Unsupported(format!("`{}` with a field at its right", comparison.operator.word()))
        })?;
        if comparison.operator == Operator::NotEqual && (left.is_several || right.is_several) {
            return Err(Refusal::Unsupported("`!=` between fields of several values".to_owned()));
        }
        let mut pairs = Vec::new();
        for (here, there) in
            left.alternatives.iter().flat_map(|here| right.alternatives.iter().map(move |there| (here, there)))
        {
            let (Some((field, chain)), Quantifier::Any) = (parts(&there.term.subject), there.term.quantifier) else {
                return Err(Refusal::Unsupported(format!("`{}` at the right of an operator", other.text())));
            };
            if !op::comparable(here.term.typed, there.term.typed, relation) {
                let (is, other_is) = (here.term.typed.words(), there.term.typed.words());
                let message = format!("`{}` is {is}, `{}` {other_is}", comparison.left.text(), other.text());
                return Err(broken("wrong-type", &comparison.operator_place, message));
            }
            let test = Test::Field(Related { other: Reference::Field(field), chain, relation });
            let compared =
                if comparison.operator == Operator::NotEqual { here.term.differs(test) } else { here.term.test(test) };
            pairs.push(guarded(there.when.as_ref(), guarded(here.when.as_ref(), compared)));
        }
        if pairs.is_empty() {
            let reason = "it is no value of its own in our events".to_owned();
            return Ok(Compiled::lacking(lack(&comparison.left, None, Some(reason))));
        }
        Ok(Compiled::of(any(pairs)))
    }
}

/// The comparison with constants.
fn with_constants(
    mapped: &Mapped,
    comparison: &Comparison,
    constants: &[Literal],
    asks_absence: bool,
) -> Result<Compiled, Refusal> {
    let exists = || {
        if mapped.known.is_empty() {
            any(mapped.alternatives.iter().map(|it| guarded(it.when.as_ref(), it.term.test(Test::Exists))).collect())
        } else {
            Expr::Const(true)
        }
    };
    let operator = comparison.operator;
    if operator == Operator::Exists || (operator == Operator::NotEqual && asks_absence) {
        return Ok(Compiled::of(exists()));
    }
    if operator == Operator::NotEqual {
        let compiled = positive(mapped, Operator::Equal, comparison, constants)?;
        let expr = match (compiled.expr, mapped.known.is_empty()) {
            // `!=` says by itself that the field has to be there.
            (Expr::Test { predicate, negated: false }, true) if is_equality(&predicate.test) => {
                Expr::test(Predicate { differs: true, ..Predicate::clone(&predicate) })
            }
            (expr, true) => exists().and(expr.negate()),
            (expr, false) => expr.negate(),
        };
        return Ok(Compiled { expr, ..compiled });
    }
    let compiled = positive(mapped, operator, comparison, constants)?;
    if asks_absence {
        return Ok(Compiled { expr: any(vec![compiled.expr, exists().negate()]), ..compiled });
    }
    Ok(compiled)
}

/// Whether a test is one that `=` makes.
fn is_equality(test: &Test) -> bool {
    !matches!(test, Test::Text(strings) if strings.position() != Position::Whole)
}

/// Whether the value is one of the constants, or stands to one of them as the operator says.
fn positive(
    mapped: &Mapped,
    operator: Operator,
    comparison: &Comparison,
    constants: &[Literal],
) -> Result<Compiled, Refusal> {
    let left = &comparison.left;
    let mut compiled = Compiled::of(Expr::Const(false));
    let mut found = Vec::new();
    let mut others = Vec::new();
    for constant in constants {
        let known = known(mapped, operator, constant, comparison)?;
        if known.is_empty() {
            others.push(constant.clone());
        }
        found.extend(known.into_iter().map(|known| known.condition.clone()));
    }
    for Alternative { when, term } in mapped.alternatives.iter().filter(|_| !others.is_empty()) {
        let (tests, lacking) = tests(mapped, term.typed, operator, comparison, &others)?;
        found.extend(tests.into_iter().map(|test| guarded(when.as_ref(), term.test(test))));
        compiled.lacks.extend(lacking.into_iter().map(|value| lack(left, Some(value), None)));
    }
    if mapped.alternatives.is_empty() {
        let reason = mapped.is_set.then(|| "`contains` asks for one word of it".to_owned());
        let reason = reason.filter(|_| !matches!(operator, Operator::Contains | Operator::Icontains));
        compiled.lacks.extend(others.iter().map(|value| lack(left, Some(value.shown()), reason.clone())));
    }
    compiled.expr = any(found);
    Ok(compiled)
}

/// The known values that a constant stands for.
fn known<'m>(
    mapped: &'m Mapped,
    operator: Operator,
    constant: &Literal,
    comparison: &Comparison,
) -> Result<Vec<&'m Known>, Refusal> {
    let is = |known: &&Known, operator| known.operator == operator && known.value.as_bytes() == &*constant.bytes;
    Ok(match operator {
        Operator::Equal | Operator::In | Operator::Intersects if mapped.is_set => Vec::new(),
        Operator::Equal | Operator::In | Operator::Intersects => {
            mapped.known.iter().filter(|known| is(known, Operator::Equal)).collect()
        }
        Operator::Order(_) => mapped.known.iter().filter(|known| is(known, operator)).collect(),
        Operator::Contains | Operator::Icontains => passing(mapped, operator, constant, comparison)?,
        _ if mapped.is_set => Vec::new(),
        Operator::Bcontains
        | Operator::Bendswith
        | Operator::Bstartswith
        | Operator::Endswith
        | Operator::Glob
        | Operator::Iglob
        | Operator::Pmatch
        | Operator::Regex
        | Operator::Startswith => passing(mapped, operator, constant, comparison)?,
        Operator::Exists | Operator::NotEqual => Vec::new(),
    })
}

/// The known values whose text passes.
fn passing<'m>(
    mapped: &'m Mapped,
    operator: Operator,
    constant: &Literal,
    comparison: &Comparison,
) -> Result<Vec<&'m Known>, Refusal> {
    let tests = texts(operator, comparison, std::slice::from_ref(constant), &Mapped::default())?;
    let passes = |known: &&Known| {
        known.operator == Operator::Equal && tests.iter().any(|test| test.holds(Value::Bytes(known.value.as_bytes())))
    };
    Ok(mapped.known.iter().filter(passes).collect())
}

/// Takes out what Falco shows for absent values; whether it was there.
fn remove_unknown(operator: Operator, constants: &mut Vec<Literal>) -> bool {
    let before = constants.len();
    if matches!(operator, Operator::Equal | Operator::NotEqual | Operator::In | Operator::Intersects) {
        constants.retain(|constant| &*constant.bytes != UNKNOWN.as_bytes());
    }
    constants.len() < before
}

/// What an operator asks of two fields.
fn relation(operator: Operator) -> Option<Relation> {
    Some(match operator {
        Operator::Equal | Operator::In | Operator::Intersects | Operator::NotEqual => {
            Relation::Text(Position::Whole, Case::Exact)
        }
        Operator::Contains => Relation::Text(Position::Anywhere, Case::Exact),
        Operator::Icontains => Relation::Text(Position::Anywhere, Case::Folded),
        Operator::Startswith => Relation::Text(Position::Start, Case::Exact),
        Operator::Endswith => Relation::Text(Position::End, Case::Exact),
        Operator::Order(order) => Relation::Order(order),
        Operator::Bcontains
        | Operator::Bendswith
        | Operator::Bstartswith
        | Operator::Exists
        | Operator::Glob
        | Operator::Iglob
        | Operator::Pmatch
        | Operator::Regex => return None,
    })
}

/// What does as a transformer does.
fn transform_of(name: &str) -> Option<&'static dyn Transform> {
    transform::find(match name {
        "b64" => "base64_decode",
        "tolower" => "lower",
        "toupper" => "upper",
        same => same,
    })
}

/// What transforms make of a text; nothing of what they cannot be applied to.
fn through(chain: &[&'static dyn Transform], text: &str) -> String {
    let mut made = String::new();
    Chain::new(chain.iter().copied()).through(Value::Bytes(text.as_bytes()), &mut |value| {
        if let Value::Bytes(bytes) = value {
            made = String::from_utf8_lossy(bytes).into_owned();
        }
        true
    });
    made
}

fn derived(subject: &Subject, chain: &[&'static dyn Transform]) -> Subject {
    match parts(subject) {
        Some((field, inner)) => Subject::Derived(Derived { field, chain: inner.then(chain.iter().copied()) }),
        None => subject.clone(),
    }
}

/// The field of a term and what is made of it.
fn parts(subject: &Subject) -> Option<(&'static Field, Chain)> {
    match subject {
        Subject::Derived(Derived { field, chain }) => Some((field, chain.clone())),
        Subject::Field(field) => Some((field, Chain::default())),
        Subject::Anywhere | Subject::Named(_) => None,
    }
}

/// Notes what is not there of a field that otherwise is.
fn noting_partly(mut compiled: Compiled, mapped: &Mapped, operand: &Operand) -> Compiled {
    let part = |reason| Lack { partly: true, ..lack(operand, None, Some(reason)) };
    compiled.lacks.extend(mapped.partly.clone().map(part));
    compiled
}

fn lack(operand: &Operand, value: Option<String>, reason: Option<String>) -> Lack {
    Lack { field: operand.text(), value, partly: false, reason, place: Some(operand.field.place.clone()) }
}

fn guarded(when: Option<&Expr>, expr: Expr) -> Expr {
    when.map_or(expr.clone(), |when| when.clone().and(expr))
}

fn any(mut exprs: Vec<Expr>) -> Expr {
    match exprs.len() {
        0 => Expr::Const(false),
        1 => exprs.swap_remove(0),
        _ => Expr::Any(exprs),
    }
}
