//! JSON lines on standard output.

use std::io;

use super::{
    FORMAT, Opened, Sink, SinkConfig,
    lines::{Lines, standard_output},
};
use crate::setting::Row;

/// See the module.
pub(super) struct Stdout;

impl Sink for Stdout {
    fn name(&self) -> &'static str {
        "stdout"
    }
    fn doc(&self) -> &'static str {
        "One JSON object per line on standard output, also when it is a terminal."
    }
    fn rows(&self) -> &'static [Row] {
        &[FORMAT]
    }
    fn open(&self, config: &SinkConfig) -> Result<Opened, io::Error> {
        Ok(Opened::Local(Box::new(Lines::new(standard_output()?, config.form()))))
    }
}
