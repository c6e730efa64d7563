//! A condition on its own: what `trace` takes on its command line, and what whitelists are made of.

use super::{
    ast::Text,
    definition::Definitions,
    diagnostic::{Diagnostics, Source},
    expr::Expr,
    program::{Program, Purpose, Table},
};
use crate::event::{Event, Kind};

/// A compiled condition.
#[derive(Clone, Debug)]
pub struct Filter {
    table: Table,
    /// By kind.
    programs: Vec<Program>,
}

impl Filter {
    /// Compiles a condition.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    ///
    /// ```
    /// use beewolf::{event::{Event, Kind}, rule::Filter};
    /// let filter = Filter::parse("event.action in (exec, fork) and not user.id = 0").expect("a condition");
    /// assert!(filter.kinds().eq([Kind::Exec, Kind::Fork]));
    /// assert!(filter.matches(&Event::new(Kind::Exec)));
    /// assert!(Filter::parse("process.nmae = bash").unwrap_err().to_string().contains("did you mean `process.name`?"));
    /// ```
    pub fn parse(text: &str) -> Result<Self, Diagnostics> {
        let mut diagnostics = Diagnostics::default();
        let text = Text::alone(&Source::new("filter", text));
        match Definitions::default().condition(&text, &mut diagnostics) {
            Some(expr) => Ok(Self::new(&expr, Purpose::Alert)),
            None => Err(diagnostics),
        }
    }

    /// Makes a condition ready to run.
    #[must_use]
    pub fn new(expr: &Expr, purpose: Purpose) -> Self {
        let mut table = Table::default();
        let programs = Kind::ALL.iter().map(|kind| Program::new(expr, *kind, purpose, &mut table)).collect();
        Self { table, programs }
    }

    /// Whether an event matches.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        let mut holds = |id| self.table.get(id).is_some_and(|predicate| predicate.holds(event));
        self.programs.get(event.kind() as usize).is_some_and(|program| program.matches(event, &self.table, &mut holds))
    }

    /// The kinds of which an event may match; no other needs to be watched.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> {
        Kind::ALL
            .iter()
            .copied()
            .zip(&self.programs)
            .filter(|(_, program)| !matches!(program, Program::Const(false)))
            .map(|(kind, _)| kind)
    }
}
