//! YARA rules where the program was built without them: to have any is an error, and so there are none.

use std::{sync::Arc, time::Duration};

use super::{Failed, Hit, Named};
use crate::rule::{Diagnostic, Diagnostics, Place, Source};

/// YARA rules; here nothing can be such.
#[derive(Debug)]
pub enum Rules {}

impl Rules {
    /// Reports that there can be none.
    #[must_use]
    pub fn compile(sources: &[Arc<Source>], diagnostics: &mut Diagnostics) -> Option<Self> {
        let first = sources.first()?;
        let error = Diagnostic::error("yara", Place::whole(first), "this program was built without YARA");
        diagnostics.push(error.hint("build it with `--features yara`, or leave `scan.yara` empty"));
        None
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        match *self {}
    }

    /// Whether what they say of a file may depend on its name.
    #[must_use]
    pub fn names_matter(&self) -> bool {
        match *self {}
    }

    /// Something to scan one after the other with.
    #[must_use]
    pub fn scanner(&self, _: Duration) -> Scanner<'_> {
        match *self {}
    }

    /// Something to scan bytes with that come in pieces.
    #[must_use]
    pub fn stream(&self, _: Duration) -> Stream<'_> {
        match *self {}
    }
}

/// Scans bytes that are there as a whole.
#[derive(Debug)]
pub struct Scanner<'r>(&'r Rules);

impl Scanner<'_> {
    /// The rules that match.
    ///
    /// # Errors
    /// There is nobody to have any.
    pub fn scan(&mut self, _: &[u8], _: Named<'_>) -> Result<Vec<Hit>, Failed> {
        match *self.0 {}
    }
}

/// Scans bytes that come in pieces.
#[derive(Debug)]
pub struct Stream<'r>(&'r Rules);

impl Stream<'_> {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// There is nobody to have any.
    pub fn take(&mut self, _: &[u8]) -> Result<(), Failed> {
        match *self.0 {}
    }

    /// The rules that match what has come.
    ///
    /// # Errors
    /// There is nobody to have any.
    pub fn finish(&mut self) -> Result<Vec<Hit>, Failed> {
        match *self.0 {}
    }
}
