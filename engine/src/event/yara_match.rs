//! Bytes that a YARA rule matches: an executed file, a file that was written, a stream.

use super::{
    Source,
    field::{Row, row},
    value::{Bytes, Numeric, words},
};

words! {
    /// Why something was scanned.
    Trigger {
        /// A program was started: its file.
        Exec = "exec",
        /// Somebody asked for it: `beewolf scan`.
        File = "file",
        /// A program was started from an anonymous memory file: its image.
        Memfd = "memfd",
        /// A program was started by the first line of a script: the script.
        Script = "script",
        /// Bytes that came one after the other, such as plaintext.
        Stream = "stream",
        /// A file in a watched folder was closed by the last that could write to it.
        Write = "write",
    }
}

/// Bytes that a YARA rule matches; one event per rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct YaraMatch {
    /// Why they were scanned.
    pub trigger: Option<Trigger>,
    /// The rule.
    pub rule: YaraRule,
    /// Patterns of the rule that were found.
    pub strings: Vec<Bytes>,
    /// Bytes that were scanned.
    pub scanned_bytes: Option<i64>,
    /// There were more bytes.
    pub partial: Option<bool>,
    /// Path of the file.
    pub path: Option<Bytes>,
    /// Last component of the path.
    pub name: Option<Bytes>,
    /// Text after the name's last dot.
    pub extension: Option<Bytes>,
    /// Length of the file.
    pub size: Option<i64>,
    /// SHA-256 of all of it.
    pub sha256: Option<Bytes>,
    /// Inode number.
    pub inode: Option<Numeric>,
}

/// What a YARA rule says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct YaraRule {
    /// Its name.
    pub name: Option<Bytes>,
    /// The file it is from, without folders and extension.
    pub namespace: Option<Bytes>,
    /// Its tags.
    pub tags: Vec<Bytes>,
    /// Its metadata.
    pub meta: Vec<Bytes>,
    /// Who wrote it.
    pub author: Option<Bytes>,
    /// What it finds.
    pub description: Option<Bytes>,
    /// Where more is said.
    pub reference: Option<Bytes>,
    /// Its terms.
    pub license: Option<Bytes>,
    /// How sure or how bad.
    pub score: Option<i64>,
}

/// Fields of a `yara_match` event.
pub const ROWS: &[Row] = &[
    row!(Ours "yara.trigger": YaraMatch(trigger), "Why the bytes were scanned."),
    row!(Ours "yara.rule.name": YaraMatch(rule.name), "Name of the YARA rule that matched. A file that several rules match makes an event for each."),
    row!(Ours "yara.rule.namespace": YaraMatch(rule.namespace), "Name of the file the YARA rule is from, without folders and extension."),
    row!(Ours "yara.rule.tags": YaraMatch(rule.tags), "Tags of the YARA rule."),
    row!(Ours "yara.rule.meta": YaraMatch(rule.meta), "Metadata of the YARA rule as `key=value`, at most 32."),
    row!(Ours "yara.rule.author": YaraMatch(rule.author), "`author` of the metadata."),
    row!(Ours "yara.rule.description": YaraMatch(rule.description), "`description` of the metadata."),
    row!(Ours "yara.rule.reference": YaraMatch(rule.reference), "`reference` of the metadata."),
    row!(Ours "yara.rule.license": YaraMatch(rule.license), "`license` of the metadata."),
    row!(Ours "yara.rule.score": YaraMatch(rule.score), "`score` of the metadata, if it is a whole number; its meaning is the author's."),
    row!(Ours "yara.strings": YaraMatch(strings), "Patterns of the rule that were found, each with the offset of its first place in decimal, `$a@64`; at most 16. None for a rule that looks at other things than patterns."),
    row!(Ours "yara.scanned_bytes": YaraMatch(scanned_bytes), "Bytes that were scanned, from the beginning."),
    row!(Ours "yara.partial": YaraMatch(partial), "There were more bytes than `scan.max_bytes`, and what came after them was not scanned."),
    row!(Ecs "file.path": YaraMatch(path), "Path of the file that was scanned: of the executable, the script or the file written. Absent for a stream."),
    row!(Ecs "file.name": YaraMatch(name), "Last component of the path, with its extension."),
    row!(Ecs "file.extension": YaraMatch(extension), "Text after the last dot of the name, without the dot."),
    row!(Ecs "file.size": YaraMatch(size), "Length of the file when it was scanned, in bytes."),
    row!(Ecs "file.hash.sha256": YaraMatch(sha256), "SHA-256 of the file, in small hexadecimal digits. Absent if not all of it was scanned."),
    row!(Ecs "file.inode": YaraMatch(inode), "Inode number."),
];

/// How a `yara_match` event can be had. It is not the kernel's: the sensor scans what other events name.
pub const SOURCES: &[Source] = &[Source {
    name: "scan",
    hooks: &[],
    misses: "what has ended and lost its name before it could be opened; what did not fit into the queue",
    racy: &[],
    absent: &["event.outcome", "error.code"],
    outcome: true,
}];
