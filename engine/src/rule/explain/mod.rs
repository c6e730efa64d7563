//! Why a rule alerts on an event, or does not: for its author, never on the way of events.

mod part;
mod whole;

pub use part::{Note, Part, Tested, What, explain};
pub use whole::{Explained, Measured, Member, Outcome, Suppression, explain_rule};
