//! YARA rules, compiled and asked by YARA-X.
//!
//! What is compiled runs in an interpreter, not as machine code of its own: the sensor may not make
//! memory executable. A rule that needs a module of other systems' files (`pe`, `dotnet`, ...) is
//! left out and named.

use std::{sync::Arc, time::Duration};

use yara_x::{
    Compiler, IgnoredRuleReason, MetaValue, ScanError, SourceCode, blocks, errors::CompileError, warnings::Warning,
};

use super::{Failed, Hit, Named};
use crate::{
    event::{value::Bytes, yara_match::YaraRule},
    rule::{Diagnostic, Diagnostics, Place, Source},
};

/// Modules that YARA-X knows and this program is built without.
const OTHER_MODULES: &[&str] =
    &["console", "crx", "cuckoo", "dex", "dotnet", "lnk", "macho", "magic", "msi", "olecf", "pe", "vba", "vt", "zip"];
/// Variables that rules in the wild expect from whoever scans, and whether they follow from the file's name.
const VARIABLES: &[(&str, bool)] =
    &[("extension", true), ("filename", true), ("filepath", true), ("filetype", false), ("owner", false)];
/// Bytes of a stream that are looked at again with the next ones: longer matches over a border are not found.
const OVERLAP: usize = 4096;
/// Matches of one pattern that are remembered; a condition that counts beyond is wrong.
const MAX_MATCHES: usize = 10_000;
/// Tags and pieces of metadata of a rule that are told.
const MAX_META: usize = 32;
/// Patterns of a rule that are told.
const MAX_STRINGS: usize = 16;
/// Bytes of one piece of metadata.
const MAX_META_BYTES: usize = 1024;

/// YARA rules, ready to scan with.
pub struct Rules {
    compiled: yara_x::Rules,
    names_matter: bool,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} YARA rules", self.count())
    }
}

impl Rules {
    /// Compiles rules, each file in a namespace of its name. All that is wrong is reported; nothing comes of
    /// rules with errors, or of none at all.
    #[must_use]
    pub fn compile(sources: &[Arc<Source>], diagnostics: &mut Diagnostics) -> Option<Self> {
        if sources.is_empty() {
            return None;
        }
        let mut compiler = Compiler::new();
        // As YARA has it: `\R` and the like are not errors.
        compiler.relaxed_re_syntax(true).enable_includes(false);
        for module in OTHER_MODULES {
            compiler.ignore_module(*module);
        }
        for (name, _) in VARIABLES {
            if let Err(error) = compiler.define_global(name, "") {
                // Each name once, and all of them are identifiers.
                tracing::error!(%error, name, "variable not defined");
            }
        }
        let before = diagnostics.errors();
        for source in sources {
            compiler.new_namespace(&namespace(&source.name));
            // What is wrong is in `errors`, with that of the other files.
            drop(compiler.add_source(SourceCode::from(source.text.as_str()).with_origin(source.name.as_str())));
        }
        for error in compiler.errors() {
            diagnostics.push(of_error(error, sources));
        }
        for warning in compiler.warnings() {
            // It is told below, once for each rule.
            if !matches!(warning, Warning::IgnoredModule(_) | Warning::IgnoredRule(_)) {
                diagnostics.push(of_warning(warning, sources));
            }
        }
        for (rule, reason) in compiler.ignored_rules() {
            let why = match reason {
                IgnoredRuleReason::IgnoredModule(module) => {
                    format!("it needs the module `{module}`, which this program has not")
                }
                IgnoredRuleReason::IgnoredRule(other) => format!("it needs the rule `{other}`, which is not used"),
                IgnoredRuleReason::CompileError(_) => continue,
            };
            let place = place_of_rule(rule, sources);
            diagnostics.push(Diagnostic::warning(
                "yara-not-used",
                place,
                format!("YARA rule `{rule}` is not used: {why}"),
            ));
        }
        if diagnostics.errors() > before {
            return None;
        }
        let names_matter = VARIABLES
            .iter()
            .filter(|(_, of_file)| *of_file)
            .any(|(name, _)| sources.iter().any(|source| source.text.contains(name)));
        Some(Self { compiled: compiler.build(), names_matter })
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.compiled.iter().len()
    }

    /// Whether what they say of a file may depend on its name.
    #[must_use]
    pub fn names_matter(&self) -> bool {
        self.names_matter
    }

    /// Something to scan one after the other with.
    #[must_use]
    pub fn scanner(&self, timeout: Duration) -> Scanner<'_> {
        let mut scanner = yara_x::Scanner::new(&self.compiled);
        scanner.set_timeout(timeout).max_matches_per_pattern(MAX_MATCHES);
        Scanner { scanner, names_matter: self.names_matter }
    }

    /// Something to scan bytes with that come in pieces.
    #[must_use]
    pub fn stream(&self, timeout: Duration) -> Stream<'_> {
        let mut scanner = blocks::Scanner::new(&self.compiled);
        scanner.set_timeout(timeout).max_matches_per_pattern(MAX_MATCHES);
        Stream { scanner, last: Vec::new(), seen: 0 }
    }
}

/// Scans bytes that are there as a whole.
pub struct Scanner<'r> {
    scanner: yara_x::Scanner<'r>,
    names_matter: bool,
}

impl Scanner<'_> {
    /// The rules that match, in the order of their names.
    ///
    /// # Errors
    /// [`Failed`] if they could not be decided.
    pub fn scan(&mut self, bytes: &[u8], named: Named<'_>) -> Result<Vec<Hit>, Failed> {
        if self.names_matter {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            for (name, value) in [("extension", named.extension), ("filename", named.name), ("filepath", named.path)] {
                self.scanner
                    .set_global(name, text(value).as_str())
                    .map_err(|error| Failed::Broken(error.to_string()))?;
            }
        }
        hits(&self.scanner.scan(bytes).map_err(failed)?)
    }
}

/// Scans bytes that come in pieces. Conditions that ask for the size or for bytes at a place are undecided, thus false.
pub struct Stream<'r> {
    scanner: blocks::Scanner<'r>,
    last: Vec<u8>,
    seen: usize,
}

impl Stream<'_> {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Failed`] if the rules could not be asked.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), Failed> {
        let base = self.seen.saturating_sub(self.last.len());
        self.last.extend_from_slice(bytes);
        self.scanner.scan(base, &self.last).map_err(failed)?;
        self.seen = self.seen.saturating_add(bytes.len());
        let old = self.last.len().saturating_sub(OVERLAP);
        self.last.drain(..old);
        Ok(())
    }

    /// The rules that match what has come, in the order of their names. The next bytes are another stream's.
    ///
    /// # Errors
    /// [`Failed`] if they could not be decided.
    pub fn finish(&mut self) -> Result<Vec<Hit>, Failed> {
        self.last.clear();
        self.seen = 0;
        hits(&self.scanner.finish().map_err(failed)?)
    }
}

fn failed(error: ScanError) -> Failed {
    if matches!(error, ScanError::Timeout) { Failed::Timeout } else { Failed::Broken(error.to_string()) }
}

fn hits(results: &yara_x::ScanResults<'_, '_>) -> Result<Vec<Hit>, Failed> {
    let mut hits: Vec<Hit> = results
        .matching_rules()
        .map(|rule| {
            let strings = rule.patterns().filter_map(|pattern| {
                let at = pattern.matches().next()?.range().start;
                Some(format!("{}@{at}", pattern.identifier()).into_bytes().into())
            });
            Hit { strings: strings.take(MAX_STRINGS).collect(), rule: describe(&rule) }
        })
        .collect();
    hits.sort_by(|a, b| (&a.rule.name, &a.rule.namespace).cmp(&(&b.rule.name, &b.rule.namespace)));
    Ok(hits)
}

fn describe(rule: &yara_x::Rule<'_, '_>) -> YaraRule {
    let bytes = |text: &str| -> Bytes { text.as_bytes().into() };
    let mut found = YaraRule {
        name: Some(bytes(rule.identifier())),
        namespace: Some(bytes(rule.namespace())),
        tags: rule.tags().take(MAX_META).map(|tag| bytes(tag.identifier())).collect(),
        ..YaraRule::default()
    };
    for (key, value) in rule.metadata().take(MAX_META) {
        let mut text: Vec<u8> = match value {
            MetaValue::Integer(number) => number.to_string().into(),
            MetaValue::Float(number) => number.to_string().into(),
            MetaValue::Bool(flag) => flag.to_string().into(),
            MetaValue::String(text) => text.into(),
            MetaValue::Bytes(text) => text.to_vec(),
        };
        text.truncate(MAX_META_BYTES);
        let place = match key {
            "author" => Some(&mut found.author),
            "description" => Some(&mut found.description),
            "license" => Some(&mut found.license),
            "reference" => Some(&mut found.reference),
            _ => None,
        };
        if let Some(place) = place {
            place.get_or_insert_with(|| text.as_slice().into());
        }
        if key == "score" {
            found.score = std::str::from_utf8(&text).ok().and_then(|text| text.parse().ok());
        }
        found.meta.push([key.as_bytes(), b"=", &text].concat().into());
    }
    found
}

/// The name of a file without folders and extension, which is its rules' namespace.
fn namespace(path: &str) -> String {
    let path = std::path::Path::new(path);
    path.file_stem().map_or_else(|| "default".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// Where a rule is defined, as far as its name tells.
fn place_of_rule(rule: &str, sources: &[Arc<Source>]) -> Place {
    let words = [format!("rule {rule}"), rule.to_owned()];
    for word in words {
        for source in sources {
            if let Some(at) = source.text.find(&word) {
                return Place { source: Arc::clone(source), range: at..at + word.len() };
            }
        }
    }
    Place::whole(sources.first().unwrap_or(&Source::new("YARA rules", "")))
}

/// What labels of errors and of warnings have in common.
macro_rules! place {
    ($finding:expr, $sources:expr) => {{
        let label = $finding.labels().next();
        let source = label
            .as_ref()
            .and_then(|label| $sources.iter().find(|source| label.origin() == Some(source.name.as_str())));
        match (label, source) {
            (Some(label), Some(source)) => {
                let place = Place { source: Arc::clone(source), range: label.span().range() };
                (place, label.text().to_owned())
            }
            _ => (Place::whole($sources.first().unwrap_or(&Source::new("YARA rules", ""))), String::new()),
        }
    }};
}

fn of_error(error: &CompileError, sources: &[Arc<Source>]) -> Diagnostic {
    let (place, label) = place!(error, sources);
    let message = format!("{} ({} of YARA-X)", error.title(), error.code());
    let found = Diagnostic::error("yara", place, message).label(label);
    if matches!(error, CompileError::IncludeNotAllowed(_)) {
        return found.hint("name the file itself: folders are searched for `*.yar` and `*.yara`");
    }
    // Its text is to be had in no other way.
    let footer = error.footers().next().and_then(|footer| serde_json::to_value(footer).ok());
    let text = footer.as_ref().and_then(|footer| footer.get("text")?.as_str());
    found.hint_if(text.map(str::to_owned))
}

fn of_warning(warning: &Warning, sources: &[Arc<Source>]) -> Diagnostic {
    let (place, label) = place!(warning, sources);
    let message = format!("{} ({} of YARA-X)", warning.title(), warning.code());
    Diagnostic::warning("yara", place, message).label(label)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Colour;

    const TIMEOUT: Duration = Duration::from_secs(20);

    fn compiled(files: &[(&str, &str)]) -> (Option<Rules>, Diagnostics) {
        let sources: Vec<_> = files.iter().map(|(name, text)| Source::new(*name, *text)).collect();
        let mut diagnostics = Diagnostics::default();
        (Rules::compile(&sources, &mut diagnostics), diagnostics)
    }

    fn rules(text: &str) -> Rules {
        let (rules, diagnostics) = compiled(&[("folder/some.rules.yar", text)]);
        assert!(!diagnostics.has_errors(), "{diagnostics}");
        rules.expect("rules")
    }

    fn names(hits: &[Hit]) -> Vec<String> {
        hits.iter()
            .map(|hit| String::from_utf8_lossy(hit.rule.name.as_deref().unwrap_or_default()).into_owned())
            .collect()
    }

    #[test]
    fn a_match_tells_what_the_rule_says_of_itself() {
        let rules = rules(
            r#"rule b : one two { meta: author = "A" score = 70 sure = true strings: $x = "needle" $y = "hay" $z = "gone" condition: $x or $y or $z }
               private rule hidden { condition: uint8(0) == 0x68 }
               rule a { condition: hidden and filesize == 17 }
               rule c { strings: $x = "nothing" condition: $x }"#,
        );
        let hits = rules.scanner(TIMEOUT).scan(b"hay needle needle", Named::default()).expect("hits");
        assert_eq!(names(&hits), ["a", "b"]);
        let text = |bytes: &Option<Bytes>| bytes.as_deref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let Hit { rule, strings } = &hits[1];
        assert_eq!(text(&rule.namespace).as_deref(), Some("some.rules"));
        assert_eq!((text(&rule.author).as_deref(), rule.score, &rule.license), (Some("A"), Some(70), &None));
        assert_eq!(rule.tags, [Bytes::from(*b"one"), Bytes::from(*b"two")]);
        assert_eq!(
            rule.meta.iter().map(|meta| String::from_utf8_lossy(meta)).collect::<Vec<_>>(),
            ["author=A", "score=70", "sure=true"]
        );
        assert_eq!(strings.iter().map(|one| String::from_utf8_lossy(one)).collect::<Vec<_>>(), ["$x@4", "$y@0"]);
    }

    #[test]
    fn what_is_wrong_is_told_of_all_files_with_its_place() {
        let (rules, diagnostics) = compiled(&[
            ("a.yar", "rule one { condition: foo }\nrule two { strings: $x = \"abcdef\" condition: true }\n"),
            ("b.yar", "include \"other.yar\"\nrule three { condition: true and }\n"),
        ]);
        assert!(rules.is_none());
        let told = diagnostics.render(Colour::Plain);
        for part in
            ["a.yar:1:23", "unknown identifier `foo`", "a.yar:2:21", "b.yar:1:1", "name the file itself", "b.yar:2:"]
        {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
    }

    #[test]
    fn a_rule_for_files_of_other_systems_is_left_out_and_named() {
        let (rules, diagnostics) = compiled(&[(
            "a.yar",
            "import \"pe\"\nrule windows { condition: pe.is_pe }\nrule same { condition: windows }\nrule linux { condition: uint8(0) == 0x7f }\n",
        )]);
        assert_eq!(rules.expect("rules").count(), 1);
        let told = diagnostics.render(Colour::Plain);
        assert!(!diagnostics.has_errors() && diagnostics.warnings() == 2, "{told}");
        assert!(told.contains("YARA rule `windows` is not used: it needs the module `pe`"), "{told}");
        assert!(told.contains("YARA rule `same` is not used: it needs the rule `windows`"), "{told}");
    }

    #[test]
    fn rules_may_ask_for_the_name_of_the_file() {
        let plain = rules("rule a { condition: filesize > 0 }");
        assert!(!plain.names_matter());
        let named = rules(
            "rule a { condition: filename == \"x.sh\" and extension == \"sh\" and filepath startswith \"/tmp/\" and owner == \"\" }",
        );
        assert!(named.names_matter());
        let mut scanner = named.scanner(TIMEOUT);
        let found = |scanner: &mut Scanner<'_>, path: &[u8], name: &[u8]| {
            let hits = scanner.scan(b"text", Named { path, name, extension: b"sh" }).expect("hits");
            names(&hits)
        };
        assert_eq!(found(&mut scanner, b"/tmp/x.sh", b"x.sh"), ["a"]);
        assert!(found(&mut scanner, b"/tmp/y.sh", b"y.sh").is_empty());
    }

    #[test]
    fn a_stream_is_one_text_however_it_comes() {
        let rules = rules("rule a { strings: $x = \"needle\" $y = /end[0-9]+/ condition: $x and $y }");
        let text = [&[b'.'; 5000][..], b"nee", b"dle", &[b'.'; 9000], b"end12"].concat();
        for piece in [1, 3, 4097, 20_000] {
            let mut stream = rules.stream(TIMEOUT);
            for part in text.chunks(piece) {
                stream.take(part).expect("taken");
            }
            let hits = stream.finish().expect("hits");
            assert_eq!(names(&hits), ["a"], "in pieces of {piece}");
            assert_eq!(String::from_utf8_lossy(&hits[0].strings[0]), "$x@5000");
            // The next one knows nothing of the one before.
            stream.take(b"needle").expect("taken");
            assert!(stream.finish().expect("hits").is_empty());
        }
    }

    #[test]
    fn a_condition_that_does_not_end_is_given_up() {
        let rules = rules("rule a { condition: for all i in (0..100000000000) : ( i * i != 7 ) }");
        let done = rules.scanner(Duration::from_secs(1)).scan(b"x", Named::default());
        assert!(matches!(done, Err(Failed::Timeout)), "{done:?}");
    }
}
