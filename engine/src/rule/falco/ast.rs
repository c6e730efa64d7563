//! Falco's conditions as they are written, before fields and lists are known.

use crate::rule::{ast::Name, diagnostic::Place, test::Order};

/// A condition.
#[derive(Debug)]
pub(super) enum Node {
    /// All of them.
    And(Vec<Node>),
    /// A test of a field.
    Comparison(Comparison),
    /// The condition of that name.
    Macro(Name),
    /// The opposite.
    Not(Box<Node>),
    /// Any of them.
    Or(Vec<Node>),
}

/// A field, an operator, its operands.
#[derive(Debug)]
pub(super) struct Comparison {
    /// What is compared.
    pub(super) left: Operand,
    /// How.
    pub(super) operator: Operator,
    /// Where the operator stands.
    pub(super) operator_place: Place,
    /// What it is compared with.
    pub(super) right: Right,
}

/// A field with its argument and the transformers around it.
#[derive(Debug)]
pub(super) struct Operand {
    /// `proc.aname`
    pub(super) field: Name,
    /// `2` of `proc.aname[2]`
    pub(super) argument: Option<String>,
    /// From the outermost to the innermost.
    pub(super) transformers: Vec<Name>,
}

impl Operand {
    /// The field as it is written, its transformers left out.
    pub(super) fn text(&self) -> String {
        match &self.argument {
            Some(argument) => format!("{}[{argument}]", self.field.text),
            None => self.field.text.clone(),
        }
    }
}

/// What stands to the right.
#[derive(Debug)]
pub(super) enum Right {
    /// Another field.
    Field(Operand),
    /// Constants; none for `exists`.
    Values(Vec<Word>),
}

/// A constant, or the name of a list.
#[derive(Clone, Debug)]
pub(super) struct Word {
    /// Its text, escapes resolved.
    pub(super) text: String,
    /// Whether it is not in quotes and stands where a list may: then it may be the name of one.
    pub(super) may_be_list: bool,
    /// Where it stands.
    pub(super) place: Place,
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Bcontains,
    Bendswith,
    Bstartswith,
    Contains,
    Endswith,
    Equal,
    Exists,
    Glob,
    Icontains,
    Iglob,
    In,
    Intersects,
    NotEqual,
    Order(Order),
    Pmatch,
    Regex,
    Startswith,
}

/// What stands to the right of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    List,
    Nothing,
    One,
}

/// How operators are written, longer signs before those they begin with.
pub(super) const OPERATORS: &[(&str, Operator)] = &[
    ("==", Operator::Equal),
    ("=", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::Order(Order::LessOrEqual)),
    ("<", Operator::Order(Order::Less)),
    (">=", Operator::Order(Order::GreaterOrEqual)),
    (">", Operator::Order(Order::Greater)),
    ("in", Operator::In),
    ("intersects", Operator::Intersects),
    ("pmatch", Operator::Pmatch),
    ("contains", Operator::Contains),
    ("icontains", Operator::Icontains),
    ("bcontains", Operator::Bcontains),
    ("startswith", Operator::Startswith),
    ("bstartswith", Operator::Bstartswith),
    ("endswith", Operator::Endswith),
    ("bendswith", Operator::Bendswith),
    ("glob", Operator::Glob),
    ("iglob", Operator::Iglob),
    ("regex", Operator::Regex),
    ("exists", Operator::Exists),
];

impl Operator {
    /// How it is written.
    pub(super) fn word(self) -> &'static str {
        OPERATORS.iter().find(|(_, operator)| *operator == self).map_or("", |(word, _)| word)
    }

    /// The operator of ours that does the same to numbers, addresses and booleans.
    pub(super) fn of_numbers(self) -> Option<&'static str> {
        match self {
            Self::Equal => Some("="),
            Self::In | Self::Intersects => Some("in"),
            Self::Order(order) => Some(order.symbol()),
            Self::Bcontains
            | Self::Bendswith
            | Self::Bstartswith
            | Self::Contains
            | Self::Endswith
            | Self::Exists
            | Self::Glob
            | Self::Icontains
            | Self::Iglob
            | Self::NotEqual
            | Self::Pmatch
            | Self::Regex
            | Self::Startswith => None,
        }
    }

    /// What it takes.
    pub(super) fn takes(self) -> Takes {
        match self {
            Self::Exists => Takes::Nothing,
            Self::In | Self::Intersects | Self::Pmatch => Takes::List,
            Self::Bcontains
            | Self::Bendswith
            | Self::Bstartswith
            | Self::Contains
            | Self::Endswith
            | Self::Equal
            | Self::Glob
            | Self::Icontains
            | Self::Iglob
            | Self::NotEqual
            | Self::Order(_)
            | Self::Regex
            | Self::Startswith => Takes::One,
        }
    }
}
