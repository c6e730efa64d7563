//! A rule as it was read, whatever its language: what `detect` builds its engine from.

use super::{
    correlate::{Correlation, draft::Draft},
    diagnostic::Place,
    exception::Exception,
    expr::Expr,
    reason::Reason,
    sigma::Logsource,
    template::Template,
};
use crate::event::{Event, Severity};

/// A rule.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// Unique over all rules that are loaded together.
    pub id: String,
    /// What other rules may call it by, beside its id.
    pub name: Option<String>,
    /// A few words.
    pub title: String,
    /// What it finds and why that matters; may be empty.
    pub description: String,
    /// How much a match matters.
    pub severity: Severity,
    /// Tags, ATT&CK's in Sigma's spelling.
    pub tags: Vec<String>,
    /// Links.
    pub references: Vec<String>,
    /// Authors.
    pub author: Option<String>,
    /// Licence of the text.
    pub license: Option<String>,
    /// `native`, `sigma` or `falco`.
    pub ruleset: &'static str,
    /// What Sigma's `logsource` asks for; none in other rules.
    pub logsource: Option<Logsource>,
    /// SHA-256 over the content, tests and comments left out; lower-case hex.
    pub content_hash: String,
    /// When it matches; false if it never can.
    pub condition: Expr,
    /// What it asks of several events, as it was read.
    pub(in crate::rule) draft: Option<Draft>,
    /// What it asks of several events; `condition` is then only whose matches may count.
    pub correlation: Option<Correlation>,
    /// Whether its matches only count for rules that refer to it.
    pub silenced: bool,
    /// When it matches and is not to be alerted on.
    pub unless: Vec<Exception>,
    /// What an alert says.
    pub output: Template,
    /// What is to be done about it.
    pub respond: Vec<Action>,
    /// Its own tests.
    pub tests: Vec<RuleTest>,
    /// Whether it can match.
    pub state: State,
    /// Where its id stands.
    pub place: Place,
}

impl Loaded {
    /// A rule of one condition of this one, for `detect`: its matches count for this one and nothing else.
    #[must_use]
    pub(crate) fn step(&self, condition: Expr) -> Self {
        Self {
            condition,
            draft: None,
            correlation: None,
            silenced: true,
            unless: Vec::new(),
            respond: Vec::new(),
            tests: Vec::new(),
            ..self.clone()
        }
    }
}

/// Whether a rule can match on this sensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// As its author meant it.
    Active,
    /// It can match, but these facts it asks for are in no event.
    Degraded(Vec<Reason>),
    /// It is switched off: why, and who answers for it if an override did it.
    Disabled(String),
    /// It is understood, but no event carries what it needs: why; at least one reason.
    Dormant(Vec<Reason>),
    /// It uses something this version cannot do: what.
    Rejected(String),
}

impl State {
    /// The word in lists.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Degraded(_) => "degraded",
            Self::Disabled(_) => "disabled",
            Self::Dormant(_) => "dormant",
            Self::Rejected(_) => "rejected",
        }
    }

    /// Why it is not active.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        match self {
            Self::Active => None,
            Self::Degraded(reasons) | Self::Dormant(reasons) => Some(Reason::join(reasons)),
            Self::Disabled(reason) | Self::Rejected(reason) => Some(reason.clone()),
        }
    }
}

/// One entry of `respond`, for whoever carries it out.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    /// `block`, `kill`, ...
    pub name: String,
    /// What to do it to.
    pub arguments: serde_json::Value,
    /// Where it stands.
    pub place: Place,
}

/// A rule's own test.
#[derive(Clone, Debug)]
pub struct RuleTest {
    /// What it shows.
    pub name: String,
    /// The events, in order; most tests have one.
    pub events: Vec<Event>,
    /// Whether they must be alerted on.
    pub expect_alert: bool,
    /// Where it stands.
    pub place: Place,
}
