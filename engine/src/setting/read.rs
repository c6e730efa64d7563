//! YAML to values: strict, and with every problem found, not only the first.

use std::time::Duration;

use super::{Data, Node, Row, Type, Value, Values, duration_text, size_text, unit};

/// Longest text a setting takes, in bytes.
const MAX_TEXT: usize = 1024;
/// Most items of a list.
const MAX_ITEMS: usize = 1000;

/// Something wrong in a file of settings. The author of the file mends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong: lower case, no full stop.
    pub message: String,
    /// What to write instead, where that can be said.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem at a part of the file.
    #[must_use]
    pub fn at(node: &Node, message: String, hint: Option<String>) -> Self {
        Self { line: node.line, column: node.column, message, hint }
    }
}

/// Reads the settings of a table from a mapping. Whatever is wrong is added to `problems` and has its
/// preset. Members named in `others` are the caller's.
pub fn read(node: Option<&Node>, at: &Node, rows: &[Row], others: &[&str], problems: &mut Vec<Problem>) -> Values {
    let mut values = Values::presets(rows);
    let mut given = Vec::new();
    if let Some(node) = node {
        level(node, "", rows, others, &mut values, &mut given, problems);
    }
    for row in rows {
        if row.preset == super::Preset::Required && !given.contains(&row.name) {
            problems.push(Problem::at(
                at,
                format!("`{}` is missing", row.name),
                Some(format!("{}: {}", row.name, row.ty.describe())),
            ));
        }
    }
    values
}

fn level(
    node: &Node,
    prefix: &str,
    rows: &[Row],
    others: &[&str],
    values: &mut Values,
    given: &mut Vec<&'static str>,
    problems: &mut Vec<Problem>,
) {
    let Data::Mapping(members) = &node.data else {
        if !matches!(node.data, Data::Null) {
            let what = if prefix.is_empty() { "settings".to_owned() } else { format!("`{prefix}`") };
            problems.push(Problem::at(
                node,
                format!("{what} must be a mapping, found {}", node.type_name()),
                Some("write `name: value` lines".to_owned()),
            ));
        }
        return;
    };
    for (key, value) in members {
        let Some(name) = key.text() else {
            problems.push(Problem::at(key, format!("a setting's name cannot be {}", key.type_name()), None));
            continue;
        };
        let full = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
        if let Some(row) = rows.iter().find(|row| row.name == full) {
            given.push(row.name);
            match one(value, row) {
                Ok(read) => values.set(row.name, read),
                Err((message, hint)) => {
                    problems.push(Problem::at(value, format!("`{full}` {message}"), hint));
                }
            }
        } else if rows.iter().any(|row| row.name.strip_prefix(&full).is_some_and(|rest| rest.starts_with('.'))) {
            level(value, &full, rows, others, values, given, problems);
        } else if !(prefix.is_empty() && others.contains(&name)) {
            problems.push(Problem::at(key, format!("unknown setting `{full}`"), Some(nearest(&full, rows, others))));
        }
    }
}

type Wrong = (String, Option<String>);

fn one(node: &Node, row: &Row) -> Result<Value, Wrong> {
    let expected = || (format!("must be {}, found {}", row.ty.describe(), node.type_name()), None);
    if matches!(node.data, Data::Null) {
        return if row.preset == super::Preset::Absent { Ok(Value::Absent) } else { Err(expected()) };
    }
    let string = node.text();
    match row.ty {
        Type::Boolean => {
            let Data::Boolean(flag) = &node.data else { return Err(expected()) };
            Ok(Value::Boolean(*flag))
        }
        Type::Integer { min, max } => {
            let number = whole(node).ok_or_else(expected)?;
            bounded(number, min, max, |number| number.to_string()).map(Value::Number)
        }
        Type::Size { min, max } => {
            let number = whole(node)
                .or_else(|| string.and_then(unit::size))
                .ok_or_else(|| (expected().0, Some("write bytes, or a number with KiB, MiB or GiB".to_owned())))?;
            bounded(number, min, max, size_text).map(Value::Number)
        }
        Type::Duration { min, max } => {
            let zero = (whole(node) == Some(0)).then_some(Duration::ZERO);
            let time = zero
                .or_else(|| string.and_then(unit::duration))
                .ok_or_else(|| (expected().0, Some("write a number with ms, s, m, h or d".to_owned())))?;
            bounded(time, min, max, duration_text).map(Value::Duration)
        }
        Type::Path | Type::Text => {
            let text = string.ok_or_else(expected)?;
            short(text, row.ty)?;
            Ok(Value::Text(text.to_owned()))
        }
        Type::Word(words) => {
            let text = string.ok_or_else(expected)?;
            if words.contains(&text) {
                Ok(Value::Text(text.to_owned()))
            } else {
                Err((format!("is `{text}`"), Some(format!("one of {}", words.join(", ")))))
            }
        }
        Type::Paths | Type::Texts => {
            let item_type = if row.ty == Type::Paths { Type::Path } else { Type::Text };
            // One item stands for a list of one.
            let items = if let Data::List(items) = &node.data { items.as_slice() } else { std::slice::from_ref(node) };
            if items.len() > MAX_ITEMS {
                return Err((format!("has {} items, at most {MAX_ITEMS} are allowed", items.len()), None));
            }
            let mut paths = Vec::with_capacity(items.len());
            for item in items {
                let text = item.text().ok_or_else(expected)?;
                short(text, item_type)?;
                paths.push(text.to_owned());
            }
            Ok(Value::List(paths))
        }
    }
}

fn short(text: &str, ty: Type) -> Result<(), Wrong> {
    if text.len() > MAX_TEXT {
        return Err((format!("is {} bytes long, at most {MAX_TEXT} are allowed", text.len()), None));
    }
    if text.is_empty() && ty == Type::Path {
        return Err(("is empty".to_owned(), Some("write a path".to_owned())));
    }
    if text.contains('\0') {
        return Err(("contains a zero byte".to_owned(), None));
    }
    Ok(())
}

fn whole(node: &Node) -> Option<u64> {
    if let Data::Number(number) = &node.data { Some(*number) } else { None }
}

fn bounded<T: PartialOrd>(value: T, min: T, max: T, text: impl Fn(T) -> String) -> Result<T, Wrong> {
    if value < min {
        Err((format!("is {}, less than {}", text(value), text(min)), None))
    } else if value > max {
        Err((format!("is {}, more than {}", text(value), text(max)), None))
    } else {
        Ok(value)
    }
}

/// The hint for a name that does not exist: the nearest that does, or all of that level.
fn nearest(name: &str, rows: &[Row], others: &[&str]) -> String {
    let names: Vec<&str> = rows.iter().map(|row| row.name).chain(others.iter().copied()).collect();
    let best = names.iter().map(|known| (distance(name, known), known)).min();
    if let Some((steps, known)) = best
        && steps <= 2.max(name.len() / 4)
    {
        return format!("did you mean `{known}`?");
    }
    let (level, _) = name.rsplit_once('.').unwrap_or(("", name));
    let mut here: Vec<&str> = names
        .iter()
        .filter_map(|known| if level.is_empty() { Some(*known) } else { known.strip_prefix(level)?.strip_prefix('.') })
        .filter_map(|rest| rest.split('.').next())
        .collect();
    here.sort_unstable();
    here.dedup();
    format!("known here: {}", here.join(", "))
}

/// Number of single-character changes between two names, bounded by their lengths.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut costs: Vec<usize> = (0..=b.len()).collect();
    for (row, from) in a.chars().take(64).enumerate() {
        let mut diagonal = row;
        let mut left = row + 1;
        if let Some(first) = costs.first_mut() {
            *first = left;
        }
        for (cost, to) in costs.iter_mut().skip(1).zip(&b) {
            let best = (diagonal + usize::from(from != *to)).min(left + 1).min(*cost + 1);
            diagonal = *cost;
            *cost = best;
            left = best;
        }
    }
    costs.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{super::Preset, *};

    const ROWS: &[Row] = &[
        Row {
            name: "limits.ring",
            ty: Type::Size { min: 4096, max: 1 << 30 },
            preset: Preset::Number(8192),
            doc: "Size.",
        },
        Row {
            name: "status",
            ty: Type::Duration { min: Duration::ZERO, max: Duration::from_secs(60) },
            preset: Preset::Duration(Duration::from_secs(10)),
            doc: "Pace.",
        },
        Row { name: "path", ty: Type::Path, preset: Preset::Required, doc: "Where." },
        Row { name: "level", ty: Type::Word(&["low", "high"]), preset: Preset::Text("low"), doc: "How much." },
    ];

    fn check(text: &str) -> (Values, Vec<String>) {
        let mut problems = Vec::new();
        let values = match super::super::parse(text, &mut problems) {
            Ok(Some(node)) => read(Some(&node), &node, ROWS, &["sinks"], &mut problems),
            Ok(None) => Values::presets(ROWS),
            Err(problem) => {
                problems.push(problem);
                Values::presets(ROWS)
            }
        };
        let lines = problems
            .iter()
            .map(|it| format!("{}:{} {} ({})", it.line, it.column, it.message, it.hint.as_deref().unwrap_or("-")))
            .collect();
        (values, lines)
    }

    #[test]
    fn good_settings_are_read() {
        let (values, problems) = check("limits: { ring: 64KiB }\nstatus: 5s\npath: /x\nlevel: high\nsinks: []\n");
        assert_eq!(problems, [""; 0]);
        assert_eq!(values.number("limits.ring"), 65_536);
        assert_eq!(values.duration("status"), Duration::from_secs(5));
        assert_eq!((values.text("path"), values.text("level")), (Some("/x"), Some("high")));
    }

    #[test]
    fn every_problem_is_found_with_its_place() {
        let (_, problems) = check("limits:\n  rign: 1\n  ring: 1\nstatus: 2m\nlevel: medium\nnonsense: 1\n3: 4\n");
        assert_eq!(
            problems,
            [
                "2:3 unknown setting `limits.rign` (did you mean `limits.ring`?)",
                "3:9 `limits.ring` is 1, less than 4KiB (-)",
                "4:9 `status` is 2m, more than 1m (-)",
                "5:8 `level` is `medium` (one of low, high)",
                "6:1 unknown setting `nonsense` (known here: level, limits, path, sinks, status)",
                "7:1 a setting's name cannot be a whole number (-)",
                "1:1 `path` is missing (path: a path)",
            ]
        );
    }

    #[test]
    fn what_is_no_settings_file_is_refused_with_a_place() {
        assert_eq!(check("- a\n").1[0], "1:1 settings must be a mapping, found a list (write `name: value` lines)");
        assert_eq!(
            check("path: a\npath: b\nnew: 1\n").1,
            [
                "2:1 `path` stands twice (the first is in line 1)",
                "3:1 unknown setting `new` (known here: level, limits, path, sinks, status)"
            ]
        );
        assert!(check("a: [1\n").1[0].contains("not YAML"));
        assert!(check("---\na: 1\n---\nb: 1\n").1[0].contains("second document"));
        assert_eq!(check(&"[".repeat(100)).1, ["1:17 more than 16 levels (-)"]);
        assert_eq!(check(&"[".repeat(100_000)).1, ["1:256 not YAML: recursion limit exceeded (-)"]);
        assert!(check(&"- ".repeat(100_000)).1[0].contains("more than 16 levels"));
        assert!(check("a: &x 1\nb: *x\n").1[0].starts_with("2:4 an alias is not allowed here"));
        assert!(check("path: !!str 1\n").1[0].contains("a tag is not allowed here"));
        assert_eq!(check(&format!("# {}\npath: '[[[[[[[[[[[[[[[[[['\n", "-".repeat(200))).1, [""; 0]);
        assert!(check("path: \"a\\0b\"\n").1[0].contains("zero byte"));
    }
}
