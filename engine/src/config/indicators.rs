//! The indicator lists of the configuration: a mapping from their names to their settings.

use crate::{
    indicator::{self, Spec},
    setting::{self, Data, Node, Preset, Problem, Type, Value, Values, comment},
};

/// Most lists.
const MAX_LISTS: usize = 64;
/// The member of the configuration.
pub const NAME: &str = "ioc";

/// One list and its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct IndicatorConfig {
    /// What they say.
    pub spec: Spec,
    values: Values,
}

pub(super) fn read(node: &Node, problems: &mut Vec<Problem>) -> Vec<IndicatorConfig> {
    let members = match &node.data {
        Data::Mapping(members) => members.as_slice(),
        Data::Null => &[],
        Data::Boolean(_) | Data::List(_) | Data::Number(_) | Data::Text(_) => {
            let hint = Some("write `NAME: { path: FILE, type: ip }`".to_owned());
            problems.push(Problem::at(node, format!("`{NAME}` must be a mapping"), hint));
            &[]
        }
    };
    if members.len() > MAX_LISTS {
        let message = format!("`{NAME}` has {} lists, at most {MAX_LISTS} are allowed", members.len());
        problems.push(Problem::at(node, message, None));
        return Vec::new();
    }
    members.iter().filter_map(|(key, value)| one(key, value, problems)).collect()
}

fn one(key: &Node, value: &Node, problems: &mut Vec<Problem>) -> Option<IndicatorConfig> {
    let fits = |name: &&str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let Some(name) = key.text().filter(fits) else {
        let hint = Some("a name has letters, digits, `-`, `_` and `.`".to_owned());
        problems.push(Problem::at(key, "this cannot be the name of a list".to_owned(), hint));
        return None;
    };
    let before = problems.len();
    let values = setting::read(Some(value), key, indicator::ROWS, &[], problems);
    if problems.len() > before {
        return None;
    }
    match Spec::of(name, &values) {
        Ok(spec) => Some(IndicatorConfig { spec, values }),
        Err((message, hint)) => {
            problems.push(Problem::at(key, message, hint));
            None
        }
    }
}

pub(super) fn write(out: &mut String, lists: &[IndicatorConfig], documented: bool) {
    if documented {
        out.push('\n');
        comment(out, 0, indicator::DOC);
    }
    if lists.is_empty() && !documented {
        return;
    }
    out.push_str(&format!("{NAME}:\n"));
    for list in lists {
        out.push_str(&format!("  {}:\n", list.spec.name));
        setting::yaml(out, 4, indicator::ROWS, &list.values, documented);
    }
    if lists.is_empty() {
        comment(out, 2, "To use one, take the first `#` away.");
        let mut example = Values::presets(indicator::ROWS);
        for row in indicator::ROWS.iter().filter(|row| row.preset == Preset::Required) {
            let text = if row.ty == Type::Path { "/etc/beewolf/bad-addresses.txt" } else { "ip" };
            example.set(row.name, Value::Text(text.to_owned()));
        }
        let mut lines = "  bad-addresses:\n".to_owned();
        setting::yaml(&mut lines, 4, indicator::ROWS, &example, true);
        lines.lines().for_each(|line| out.push_str(&format!("#{line}\n")));
        out.push('\n');
    }
}

pub(super) fn json(lists: &[IndicatorConfig]) -> serde_json::Value {
    let settings = |list: &IndicatorConfig| serde_json::Value::Object(setting::json(indicator::ROWS, &list.values));
    serde_json::Value::Object(lists.iter().map(|list| (list.spec.name.clone(), settings(list))).collect())
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn lists_are_read_written_and_checked() {
        let text = "ioc:\n  bad: { path: /x, type: domain, subdomains: true }\n  feed: { path: /y, type: ip, format: csv, column: ioc }\n";
        let config = Config::parse(text).expect("a configuration");
        let names: Vec<_> = config.indicators.iter().map(|list| list.spec.name.as_str()).collect();
        assert_eq!(names, ["bad", "feed"]);
        assert!(config.indicators[0].spec.subdomains);
        assert_eq!(config.indicators[1].spec.columns.value, "ioc");
        for written in [config.plain(), config.documented()] {
            assert_eq!(Config::parse(&written).expect("what was written"), config, "{written}");
        }
        for (text, problem) in [
            ("ioc: 7\n", "`ioc` must be a mapping"),
            ("ioc: { a b: { path: /x, type: ip } }\n", "this cannot be the name of a list"),
            ("ioc: { a: { path: /x } }\n", "`type` is missing"),
            ("ioc: { a: { path: /x, type: ips } }\n", "`type` is `ips`"),
            (
                "ioc: { a: { path: /x, type: ip, format: csv } }\n",
                "the list `a` does not say which column of its file to take",
            ),
        ] {
            let problems = Config::parse(text).expect_err(text);
            assert_eq!(problems[0].message, problem, "{text}");
        }
    }
}
