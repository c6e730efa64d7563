//! The structure of the tree against the documents that describe it: who may use whom, which files opt out of a lint,
//! how files begin, that links, paths and commits in the documents are there.
//!
//! The tables that are read here stand in `docs/ARCHITECTURE.md`. Rust is read as text: comments, strings and what is
//! compiled for tests only are blanked out first.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::{read, skip, workspace};

/// Folders of ours in which Rust lies.
const RUST: [&str; 3] = ["engine", "ebpf", "fuzz"];
/// Files that are more than a module: they name the modules and start the program.
const CRATE_ROOTS: [&str; 2] = ["lib.rs", "main.rs"];

// ---- reading the tree ----

/// Files below a folder whose names end in `ending`, relative to the workspace, in order; build products left out.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let (mut found, mut pending) = (Vec::new(), vec![workspace().join(folder)]);
    while let Some(directory) = pending.pop() {
        for entry in std::fs::read_dir(&directory).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
                if !["target", "corpus", "artifacts"].contains(&name) && !name.starts_with('.') {
                    pending.push(path);
                }
            } else if path.to_str().is_some_and(|path| path.ends_with(ending)) {
                found.push(path.strip_prefix(workspace()).expect("inside").to_owned());
            }
        }
    }
    found.sort();
    found
}

fn rust_files() -> Vec<PathBuf> {
    RUST.iter().flat_map(|folder| files(folder, ".rs")).collect()
}

fn text_of(path: &Path) -> String {
    let text = read(&workspace().join(path));
    assert!(!text.is_empty(), "{} is empty or unreadable", path.display());
    text
}

/// The documents that people read.
fn documents() -> Vec<PathBuf> {
    let mut found = files("docs", ".md");
    for folder in ["schemas", "testdata", "deploy", "rules", "sigma"] {
        found.extend(files(folder, ".md"));
    }
    found.extend(["README.md", "CHANGELOG.md"].map(PathBuf::from));
    found
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

// ---- Rust as text ----

/// The text with comments, strings and characters blanked out; lines and places stay.
fn code(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => end_of(bytes, at, b"\n"),
            b'/' if bytes[at..].starts_with(b"/*") => end_of(bytes, at, b"*/"),
            b'"' => string_end(bytes, at + 1),
            b'r' if !at.checked_sub(1).is_some_and(|before| is_word(bytes[before]) && bytes[before] != b'b') => {
                match raw_start(&bytes[at..]) {
                    Some(hashes) => {
                        let closing: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
                        end_of(bytes, at + hashes + 2, &closing)
                    }
                    None => at,
                }
            }
            // A character, not a lifetime: it ends after one character or an escape.
            b'\'' if bytes.get(at + 1) == Some(&b'\\') => end_of(bytes, at + 3, b"'"),
            b'\'' => {
                let character = text[at + 1..].chars().next().map_or(1, char::len_utf8);
                if bytes.get(at + 1 + character) == Some(&b'\'') { at + character + 2 } else { at }
            }
            _ => at,
        };
        for byte in out[at..end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at = end.max(at + 1);
    }
    String::from_utf8(out).expect("whole characters were blanked out")
}

fn end_of(bytes: &[u8], from: usize, closing: &[u8]) -> usize {
    let found = bytes[from..].windows(closing.len()).position(|window| window == closing);
    found.map_or(bytes.len(), |place| from + place + closing.len())
}

fn string_end(bytes: &[u8], mut at: usize) -> usize {
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// The number of `#` if a raw string begins here.
fn raw_start(bytes: &[u8]) -> Option<usize> {
    let hashes = bytes[1..].iter().take_while(|byte| **byte == b'#').count();
    (bytes.get(1 + hashes) == Some(&b'"')).then_some(hashes)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Code with what is compiled for tests only blanked out, and the names of the modules among it that are files.
fn shipped(code: &str) -> (String, Vec<String>) {
    const MARK: &str = "#[cfg(test)]";
    let (mut out, mut modules, mut from) = (code.to_owned(), Vec::new(), 0);
    while let Some(start) = code[from..].find(MARK).map(|place| from + place) {
        let body = start + MARK.len();
        let stop = code[body..].find(['{', ';']).map_or(code.len(), |place| body + place);
        let end = if code[stop..].starts_with('{') { closing_brace(code, stop) } else { (stop + 1).min(code.len()) };
        if let Some((_, name)) = code[body..stop].rsplit_once("mod ").filter(|_| code[stop..].starts_with(';')) {
            modules.push(name.trim().to_owned());
        }
        let blank: String = code[start..end].chars().map(|letter| if letter == '\n' { '\n' } else { ' ' }).collect();
        out.replace_range(start..end, &blank);
        from = end;
    }
    (out, modules)
}

fn closing_brace(code: &str, open: usize) -> usize {
    let mut depth = 0;
    for (place, letter) in code[open..].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' if depth == 1 => return open + place + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// First words of the paths that begin at `at`: one, or those of a group in braces.
fn first_words(code: &str, at: usize) -> Vec<(usize, &str)> {
    let word = |at: usize| {
        let start = at + code[at..].len() - code[at..].trim_start().len();
        let length = code[start..].bytes().take_while(|byte| is_word(*byte)).count();
        (start, &code[start..start + length])
    };
    if !code[at..].starts_with('{') {
        return vec![word(at)];
    }
    let end = closing_brace(code, at);
    let (mut depth, mut words) = (0, vec![word(at + 1)]);
    for (place, letter) in code[at..end].char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => words.push(word(at + place + 1)),
            _ => {}
        }
    }
    words
}

/// Modules at the top of the crate that a file of `engine/src` names, each with the place.
fn named_modules(path: &Path, code: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, &str)> = Vec::new();
    for (place, _) in code.match_indices("crate::") {
        found.extend(first_words(code, place + "crate::".len()));
    }
    // `super` once per level of the file's own path leads to the top as well.
    let parts = path.components().count();
    let depth = if path.ends_with("mod.rs") { parts - 1 } else { parts };
    let climb = "super::".repeat(depth);
    for (place, _) in code.match_indices(&climb) {
        found.extend(first_words(code, place + climb.len()));
    }
    found.into_iter().map(|(place, word)| (place, word.to_owned())).collect()
}

#[test]
fn code_is_told_from_comments_strings_and_tests() {
    let text = "// crate::a\nuse crate::{b::{x, y}, c};\nlet s = \"crate::d \\\" \"; let q = '\"'; /* crate::e */\n\
                fn f<'l>(s: &'l str) { crate::g(r#\"crate::h\"#) }\n#[cfg(test)]\nmod tests { use crate::i; }\n\
                #[cfg(test)]\nmod reference;\nuse super::super::k;\n";
    let (code, modules) = shipped(&code(text));
    let named = named_modules(Path::new("one/two.rs"), &code);
    let words: Vec<_> = named.iter().map(|(place, word)| (line_of(&code, *place), word.as_str())).collect();
    assert_eq!(words, [(2, "b"), (2, "c"), (4, "g"), (9, "k")]);
    assert_eq!(modules, ["reference"]);
    assert_eq!(code.len(), text.len());
}

// ---- tables of ARCHITECTURE.md ----

const ARCHITECTURE: &str = "docs/ARCHITECTURE.md";

/// Rows of the table below a heading: its cells, without backticks.
fn table(heading: &str) -> Vec<Vec<String>> {
    let text = text_of(Path::new(ARCHITECTURE));
    let section = text.split(&format!("\n## {heading}\n")).nth(1).unwrap_or_else(|| panic!("no section {heading}"));
    let rows = section.lines().take_while(|line| !line.starts_with("## ")).filter(|line| line.starts_with('|')).skip(2);
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect();
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    assert!(!rows.is_empty(), "section {heading} has no table");
    rows
}

fn words(cell: &str) -> BTreeSet<String> {
    cell.split(',').map(|word| word.trim().to_owned()).filter(|word| word != "nothing").collect()
}

#[test]
fn modules_use_only_what_the_table_lets_them_use() {
    let rows = table("Who may use whom");
    let allowed: BTreeMap<String, BTreeSet<String>> = rows.iter().map(|row| (row[0].clone(), words(&row[1]))).collect();
    let sources = files("engine/src", ".rs");
    let inside = |path: &PathBuf| path.strip_prefix("engine/src").expect("inside").to_owned();
    let module = |path: &Path| {
        let first = path.components().next().expect("a name").as_os_str().to_str().expect("a name");
        first.trim_end_matches(".rs").to_owned()
    };
    let mut for_tests = BTreeSet::new();
    let mut code_of = BTreeMap::new();
    for path in &sources {
        let (code, modules) = shipped(&code(&text_of(path)));
        let folder = if path.ends_with("mod.rs") {
            path.parent().expect("a folder").to_owned()
        } else {
            path.with_extension("")
        };
        for_tests.extend(modules.iter().map(|name| folder.join(format!("{name}.rs"))));
        code_of.insert(path.clone(), code);
    }
    let modules: BTreeSet<String> = sources
        .iter()
        .map(inside)
        .filter(|path| !CRATE_ROOTS.iter().any(|root| path == Path::new(root)))
        .map(|path| module(&path))
        .collect();
    assert_eq!(allowed.keys().cloned().collect::<BTreeSet<_>>(), modules, "rows of the table and modules of the crate");
    for (name, uses) in &allowed {
        assert!(uses.is_subset(&modules), "the row of {name} names what is no module: {uses:?}");
    }
    let mut wrong = Vec::new();
    for (path, code) in code_of.iter().filter(|(path, _)| !for_tests.contains(*path)) {
        let inner = inside(path);
        if CRATE_ROOTS.iter().any(|root| inner == Path::new(root)) {
            continue;
        }
        let user = module(&inner);
        for (place, used) in named_modules(&inner, code) {
            if used != user && modules.contains(&used) && !allowed[&user].contains(&used) {
                wrong.push(format!("{}:{}: {user} uses {used}", path.display(), line_of(code, place)));
            }
        }
    }
    assert!(wrong.is_empty(), "not in the table `Who may use whom` of {ARCHITECTURE}:\n{}", wrong.join("\n"));
}

#[test]
fn files_that_opt_out_of_a_lint_are_those_listed() {
    let listed: BTreeMap<String, BTreeSet<String>> = table("Files that opt out of a lint")
        .iter()
        .map(|row| (row[0].clone(), row[1].split(',').map(|lint| lint.trim().to_owned()).collect()))
        .collect();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in rust_files() {
        let code = code(&text_of(&path));
        // Of a whole file: any lint. Of one item: only the one on unsafe code.
        for (mark, whole) in [("#![expect(", true), ("#![allow(", true), ("#[expect(", false), ("#[allow(", false)] {
            for (place, _) in code.match_indices(mark) {
                let from = place + mark.len();
                let inner = &code[from..from + code[from..].find(']').expect("a closing bracket")];
                let lints =
                    inner.split([',', ')']).map(str::trim).filter(|lint| !lint.is_empty() && !lint.contains('='));
                let lints = lints.filter(|lint| whole || *lint == "unsafe_code").map(str::to_owned);
                let lints: BTreeSet<String> = lints.collect();
                if !lints.is_empty() {
                    found.entry(path.display().to_string()).or_default().extend(lints);
                }
            }
        }
    }
    assert_eq!(found, listed, "found in the tree (left) and listed in {ARCHITECTURE} (right)");
}

// ---- how files begin, and what must not be in them ----

#[test]
fn every_rust_file_opens_by_saying_what_it_is_for() {
    for path in rust_files() {
        let text = text_of(&path);
        let first = text.lines().find(|line| !line.starts_with("#!") && !line.trim().is_empty()).expect("a line");
        assert!(first.starts_with("//! ") && first.len() > 12, "{}: {first}", path.display());
    }
}

#[test]
fn every_probe_and_header_opens_with_its_licence_and_says_what_it_is_for() {
    let sources: Vec<_> = files("ebpf", ".c").into_iter().chain(files("ebpf", ".h")).collect();
    assert!(sources.len() > 10, "{sources:?}");
    for path in sources {
        let text = text_of(&path);
        let mut lines = text.lines();
        let licence = "/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */";
        assert_eq!(lines.next(), Some(licence), "{}", path.display());
        assert!(lines.next().is_some_and(|line| line.starts_with("/*")), "{} has no head", path.display());
    }
}

#[test]
fn nothing_is_left_to_be_done() {
    let marks =
        [concat!("todo", "!("), concat!("unimplemented", "!("), concat!("#[", "ignore"), concat!("#[", "should_panic")];
    for path in rust_files() {
        let text = text_of(&path);
        for mark in marks {
            if let Some(place) = code(&text).find(mark) {
                panic!("{}:{}: {mark}", path.display(), line_of(&text, place));
            }
        }
    }
}

// ---- documents ----

#[test]
fn the_readme_is_short() {
    let lines = text_of(Path::new("README.md")).lines().count();
    assert!(lines < 150, "README.md has {lines} lines");
}

#[test]
fn the_rule_of_the_readme_loads_and_passes_its_tests() {
    let text = text_of(Path::new("README.md"));
    let rule = text.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a rule");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("rule.yml");
    std::fs::write(&path, rule).expect("the rule");
    let output = Command::new(env!("CARGO_BIN_EXE_beewolf")).args(["rules", "test"]).arg(&path).output();
    let output = output.expect("the program runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("2 passed, 0 failed"), "{said}{output:?}");
}

/// Prose of a document: blocks of code blanked out.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        let fence = line.trim_start().starts_with("```");
        inside ^= fence;
        out.push_str(if fence || inside { "\n" } else { line });
    }
    out
}

/// The anchors that a document's headings get.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = |line: &str| line.starts_with('#').then(|| slug(line.trim_start_matches('#').trim()));
    prose(text).lines().filter_map(headings).collect()
}

fn slug(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
        .collect::<String>();
    kept.replace(' ', "-")
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut links = 0;
    for path in documents() {
        let text = prose(&text_of(&path));
        for (place, _) in text.match_indices("](") {
            let target = text[place + 2..].split(')').next().expect("a closing parenthesis");
            if target.contains("://") {
                continue;
            }
            links += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let place = format!("{}:{}: {target}", path.display(), line_of(&text, place));
            let file = if file.is_empty() { path.clone() } else { path.parent().expect("a folder").join(file) };
            assert!(workspace().join(&file).exists(), "{place}: no such file");
            assert!(anchor.is_empty() || anchors(&text_of(&file)).contains(anchor), "{place}: no such heading");
        }
    }
    assert!(links > 10, "{links} links");
}

/// What stands between backticks, with its place.
fn quoted(text: &str) -> Vec<(usize, &str)> {
    let mut place = 0;
    let mut found = Vec::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            found.push((place, part));
        }
        place += part.len() + 1;
    }
    found
}

#[test]
fn paths_named_in_documents_are_there() {
    let mut paths = 0;
    let top: BTreeSet<String> = std::fs::read_dir(workspace())
        .expect("the workspace")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    for path in documents().into_iter().filter(|path| path != Path::new("docs/reference.md")) {
        let text = prose(&text_of(&path));
        for (place, quote) in quoted(&text) {
            let first = quote.split('/').next().unwrap_or_default();
            // What has a blank is no path, what has one of the others stands for several.
            let one = quote.contains('/') && top.contains(first) && !quote.contains([' ', '<', '*', '{', '$', ':']);
            if one {
                paths += 1;
                let there = workspace().join(quote).exists();
                assert!(there, "{}:{}: {quote} is not there", path.display(), line_of(&text, place));
            }
        }
    }
    assert!(paths > 30, "{paths} paths");
}

#[test]
fn commits_named_by_the_recipes_are_in_the_history() {
    const NAME: &str = "house::commits_named_by_the_recipes_are_in_the_history";
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(workspace()).args(arguments).output();
        output
            .ok()
            .filter(|output| output.status.success())
            .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match git(&["rev-parse", "--is-shallow-repository"]).as_deref() {
        Some("false") => {}
        Some(_) => return skip(NAME, "the clone is shallow"),
        None => return skip(NAME, "no git history here"),
    }
    let text = text_of(Path::new("docs/adding.md"));
    let recipes = text.matches("\n## ").count();
    let hex = |quote: &str| (7..=40).contains(&quote.len()) && quote.bytes().all(|byte| byte.is_ascii_hexdigit());
    let commits: BTreeSet<&str> =
        quoted(&text).into_iter().map(|(_, quote)| quote).filter(|quote| hex(quote)).collect();
    assert!(recipes == 7 && commits.len() >= 3, "{recipes} recipes, {commits:?}");
    for section in text.split("\n## ").skip(1) {
        let named = quoted(section).into_iter().any(|(_, quote)| hex(quote));
        assert!(named, "the recipe names no commit: {}", section.lines().next().unwrap_or_default());
    }
    for commit in commits {
        let kind = git(&["cat-file", "-t", commit]);
        assert_eq!(kind.as_deref(), Some("commit"), "{commit}");
    }
}
