//! The condition language and the rule formats: syntax, types and the intermediate form.
//!
//! ```text
//! text ─ lex ─ parse ─> Ast ─ check ───┐
//! Sigma detection ─ sigma::detection ──┼─> Expr over Predicates ─ Program::new ─> Program per kind
//! Falco condition ─ falco::parse ──────┘
//! ```
//!
//! Used by `detect` (rules), `whitelist` (entries) and whoever filters events ([`Filter`]). There is
//! no evaluation state here: [`Program::matches`] is given the outcomes of predicates.

mod ast;
mod check;
mod comparison;
mod contradiction;
pub mod convert;
pub mod correlate;
pub mod decimal;
pub mod definition;
pub mod diagnostic;
pub mod exception;
pub mod explain;
pub mod expr;
pub mod falco;
pub mod file;
mod filter;
pub mod fold;
pub mod inputs;
mod lack;
mod lex;
mod lint;
pub mod loaded;
pub mod loader;
mod mapping;
pub mod moment;
pub mod native;
pub mod op;
pub mod overriding;
mod parse;
pub mod pattern;
mod pcre;
pub mod program;
pub mod reach;
pub mod reason;
#[cfg(test)]
pub(crate) mod reference;
pub mod related;
pub mod selection;
pub mod sensors;
mod shape;
pub mod sigma;
pub mod signature;
mod template;
pub mod test;
mod timespan;
pub mod transform;
pub mod typed;
pub mod until;
pub mod yaml;

pub use correlate::Correlation;
pub use definition::Definitions;
pub use diagnostic::{Colour, Diagnostic, Diagnostics, Level, Place, Source};
pub use exception::{Entry, Exception};
pub use expr::{Expr, Predicate};
pub use filter::Filter;
pub use inputs::{Input, Inputs, Places, Role, fingerprint};
pub use loaded::{Loaded, State};
pub use loader::Loader;
pub use program::{PredicateId, Program, Purpose, Table};
pub use reach::{Reach, Verdict, reach};
pub use reason::{Code, Reason};
pub use selection::Selection;
pub use sensors::{Kinds, Sensors};
pub use signature::Trust;
pub use template::Template;
pub use until::Until;
