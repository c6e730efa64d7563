//! Why a rule cannot fire, or not in every way its author meant: a stable code, the fact that is not there, a sentence.
//!
//! Loading finds what no host has ([`super::loaded::State`]); [`super::reach`] adds what one host does not have.

use std::fmt;

/// The closed set of codes, each with the word that programs may rely on and a sentence for the documents.
macro_rules! codes {
    ($($variant:ident = $word:literal, $doc:literal;)*) => {
        /// What sort of fact is not there.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $(#[doc = $doc] $variant),* }

        impl Code {
            /// All, in the order of their words.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word in reports; it never changes its meaning.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc),* }
            }
        }
    };
}

codes! {
    Contradiction = "contradiction", "What is asked for excludes itself: no event of any kind can be all of it.";
    Disabled = "disabled", "An override has switched the rule off.";
    FieldAbsentHere = "field-absent-here", "Events of the kind have the field, but not from the attach alternative that runs here.";
    FieldInPart = "field-in-part", "Events of ours have the field, and not all of what it says elsewhere.";
    FieldNotCarried = "field-not-carried", "No event of ours has the field.";
    FieldOfOtherKind = "field-of-other-kind", "The field belongs to events of other kinds than the condition is for.";
    KindNotSensed = "kind-not-sensed", "No attach alternative of this kind of event works here.";
    MemberCannotFire = "member-cannot-fire", "A rule or step whose matches are counted can never fire.";
    NoLogSource = "no-log-source", "No event of ours belongs to the log source of the rule.";
    NotSupported = "not-supported", "The rule uses something that this version cannot do.";
    ValueNotCarried = "value-not-carried", "Events have the field, and never with this value.";
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// What sort of fact is not there.
    pub code: Code,
    /// The fact: a field, a kind of event, a log source, a rule; empty if it is none of these.
    pub fact: String,
    /// A sentence for people.
    pub text: String,
}

impl Reason {
    /// A reason.
    #[must_use]
    pub fn new(code: Code, fact: impl Into<String>, text: impl Into<String>) -> Self {
        Self { code, fact: fact.into(), text: text.into() }
    }

    /// What is asked for excludes itself.
    #[must_use]
    pub fn contradiction() -> Self {
        Self::new(Code::Contradiction, "", "no event can match its condition")
    }

    /// Parts that can never be true together.
    pub(super) fn excluded(parts: &str) -> Self {
        Self::new(Code::Contradiction, "", format!("these can never be true together: {parts}"))
    }

    /// Several in one line.
    #[must_use]
    pub fn join(reasons: &[Self]) -> String {
        reasons.iter().map(|reason| reason.text.as_str()).collect::<Vec<_>>().join("; ")
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_in_order() {
        let words: Vec<_> = Code::ALL.iter().map(|code| code.word()).collect();
        assert!(words.is_sorted_by(|a, b| a < b), "{words:?}");
        assert!(Code::ALL.iter().all(|code| code.doc().ends_with('.')));
    }
}
