//! Settings of indicator lists.

use super::{Columns, Format, Sort, Spec};
use crate::{
    event::value::Words,
    setting::{Preset, Row, Type, Values},
};

/// Documentation of the mapping of lists.
pub const DOC: &str = "Indicator lists, by the name conditions use: `destination.ip in ioc:NAME`. A list names its `path`, `format` and `type`. Absent: none.";

/// Settings of one list.
pub const ROWS: &[Row] = &[
    Row { name: "path", ty: Type::Path, preset: Preset::Required, doc: "The file." },
    Row {
        name: "type",
        ty: Type::Word(<Sort as Words>::ALL),
        preset: Preset::Required,
        doc: "What it is a list of. `ip` takes networks too; a domain with `*.` before it stands for all below it, too; a file name with a `/` is a whole path. From formats with several types only this one is taken.",
    },
    Row {
        name: "format",
        ty: Type::Word(<Format as Words>::ALL),
        preset: Preset::Text("plain"),
        doc: "How the file is written. `plain`: one entry a line, `#` or `;` and a blank before it begin what is said of it. `csv`: columns with a line of names. `misp`: a JSON export. `stix`: a STIX 2.1 bundle.",
    },
    Row {
        name: "column",
        ty: Type::Text,
        preset: Preset::Absent,
        doc: "Name of the column with the indicators, for `csv`.",
    },
    Row {
        name: "description_column",
        ty: Type::Text,
        preset: Preset::Absent,
        doc: "Name of the column with what is said of them, for `csv`. Absent: nothing.",
    },
    Row {
        name: "reference_column",
        ty: Type::Text,
        preset: Preset::Absent,
        doc: "Name of the column with links, for `csv`. Absent: nothing.",
    },
    Row {
        name: "subdomains",
        ty: Type::Boolean,
        preset: Preset::Boolean(false),
        doc: "Whether each domain stands for all below it, too, as if it had `*.` before it.",
    },
];

/// Bounds of lists, for the table of the configuration.
pub const LIMITS: [Row; 2] = [
    Row {
        name: "limits.ioc_entries",
        ty: Type::Integer { min: 1, max: 50_000_000 },
        preset: Preset::Number(2_000_000),
        doc: "Indicators of one list; a longer one is refused. An entry takes its own length (an address 5 or 17 bytes, a SHA-256 32) and about 15 bytes.",
    },
    Row {
        name: "limits.ioc_file_bytes",
        ty: Type::Size { min: 4096, max: 2 << 30 },
        preset: Preset::Number(256 << 20),
        doc: "Bytes of the file of one list; a larger one is refused. It is in memory while it is read.",
    },
];

impl Spec {
    /// A list as the configuration has it.
    ///
    /// # Errors
    /// What is wrong with the settings together, and advice.
    pub fn of(name: &str, values: &Values) -> Result<Self, (String, Option<String>)> {
        let word = |setting: &str| values.text(setting).unwrap_or_default().as_bytes();
        let format = Format::parse(word("format")).unwrap_or(Format::Plain);
        let own = |setting: &str| values.text(setting).map(str::to_owned);
        let value = match (format, own("column")) {
            (Format::Csv, None) => {
                let hint = Some("write `column:` with the name of the column that has the indicators".to_owned());
                return Err((format!("the list `{name}` does not say which column of its file to take"), hint));
            }
            (_, column) => column.unwrap_or_default(),
        };
        Ok(Self {
            name: name.to_owned(),
            path: values.path("path").map(Into::into).unwrap_or_default(),
            format,
            sort: Sort::parse(word("type")).unwrap_or(Sort::Ip),
            subdomains: values.boolean("subdomains"),
            columns: Columns { value, description: own("description_column"), reference: own("reference_column") },
        })
    }
}
