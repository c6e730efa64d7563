//! Readable lines for people; JSON lines for programs that read the same stream.

use std::io::{self, IsTerminal, Write};

use super::{FORMAT, Failure, Opened, Output, Record, Sink, SinkConfig, lines, lines::Lines, summary};
use crate::setting::{Preset, Row, Type};
use summary::Colour;

/// See the module.
pub(super) struct Console;

impl Sink for Console {
    fn name(&self) -> &'static str {
        "console"
    }
    fn doc(&self) -> &'static str {
        "Readable lines on standard output when it is a terminal, JSON lines when it is not. Control characters of the observed host never reach the terminal."
    }
    fn rows(&self) -> &'static [Row] {
        &[
            Row {
                name: "style",
                ty: Type::Word(&["auto", "text", "json"]),
                preset: Preset::Text("auto"),
                doc: "`text` and `json` do not ask whether standard output is a terminal.",
            },
            Row {
                name: "colour",
                ty: Type::Word(&["auto", "always", "never"]),
                preset: Preset::Text("auto"),
                doc: "`auto` colours on a terminal, unless the environment has NO_COLOR.",
            },
            FORMAT,
        ]
    }
    fn open(&self, config: &SinkConfig) -> Result<Opened, io::Error> {
        let terminal = io::stdout().is_terminal();
        let text = match config.values.text("style") {
            Some("text") => true,
            Some("json") => false,
            _ => terminal,
        };
        if !text {
            return Ok(Opened::Local(Box::new(Lines::new(lines::standard_output()?, config.form()))));
        }
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = match config.values.text("colour") {
            Some("always") => true,
            Some("never") => false,
            _ => terminal && !plain,
        };
        Ok(Opened::Local(Box::new(Text {
            stream: lines::standard_output()?,
            colour: if colour { Colour::On } else { Colour::Off },
        })))
    }
}

/// Writes each record as a readable line.
struct Text<W> {
    stream: W,
    colour: Colour,
}

impl<W: Write + Send> Output for Text<W> {
    fn deliver(&mut self, record: &Record) -> Result<(), Failure> {
        let mut line = summary::line(record, self.colour);
        line.push('\n');
        lines::whole(&mut self.stream, line.as_bytes())
    }
}
