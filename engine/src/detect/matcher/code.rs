//! Programs as flat code: a list of tests, each with the place to go on from if it holds or fails.

use crate::rule::{PredicateId, Program};

/// Where the run goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Goto(u32);

impl Goto {
    const MATCH: Self = Self(u32::MAX);
    const FAIL: Self = Self(u32::MAX - 1);
}

/// One test.
#[derive(Clone, Copy, Debug)]
struct Step {
    check: u32,
    holds: Goto,
    fails: Goto,
    /// If the field was cut and the outcome is therefore open; `None` if it never is.
    open: Option<Goto>,
}

/// The code of many programs.
#[derive(Debug, Default)]
pub(super) struct Code {
    steps: Vec<Step>,
}

impl Code {
    /// Adds programs that all have to hold and returns where they start. `check` numbers predicates.
    pub(super) fn add(&mut self, parts: &[&Program], check: &mut impl FnMut(PredicateId) -> u32) -> Goto {
        parts.iter().rev().fold(Goto::MATCH, |next, part| self.emit(part, next, Goto::FAIL, check))
    }

    /// Steps are emitted last one first, since each has to know where its successors are.
    fn emit(&mut self, program: &Program, yes: Goto, no: Goto, check: &mut impl FnMut(PredicateId) -> u32) -> Goto {
        match program {
            Program::All(parts) => parts.iter().rev().fold(yes, |next, part| self.emit(part, next, no, check)),
            Program::Any(parts) => parts.iter().rev().fold(no, |next, part| self.emit(part, yes, next, check)),
            Program::Const(constant) => [no, yes][usize::from(*constant)],
            Program::Test { id, negated, if_cut } => {
                let (holds, fails) = if *negated { (no, yes) } else { (yes, no) };
                let open = if_cut.map(|outcome| if outcome { yes } else { no });
                self.steps.push(Step { check: check(*id), holds, fails, open });
                // A rule set has fewer tests than bytes.
                Goto(u32::try_from(self.steps.len() - 1).unwrap_or(Goto::FAIL.0))
            }
        }
    }

    /// Runs a program. `holds` judges a check, `is_open` says whether a cut field leaves it open.
    pub(super) fn run(
        &self,
        start: Goto,
        mut holds: impl FnMut(usize) -> bool,
        is_open: impl Fn(usize) -> bool,
    ) -> bool {
        let mut place = start;
        while let Some(step) = self.steps.get(place.0 as usize) {
            let check = step.check as usize;
            place = match step.open {
                Some(open) if is_open(check) => open,
                Some(_) | None if holds(check) => step.holds,
                Some(_) | None => step.fails,
            };
        }
        place == Goto::MATCH
    }
}
