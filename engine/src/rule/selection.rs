//! Which of the rules that were read are to be used: by tag, folder and id.

use std::path::Path;

use super::{
    correlate,
    diagnostic::{Diagnostic, Diagnostics, Place, Source, did_you_mean},
    loaded::Loaded,
};

/// What is wanted of all rules. Empty lists want everything and exclude nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Rules with one of these tags; `attack.t1059` stands for `attack.t1059.004`, too.
    pub tags: Vec<String>,
    /// Rules in a folder of one of these names, or below it.
    pub folders: Vec<String>,
    /// Tags, folders and ids of rules that are left out.
    pub exclude: Vec<String>,
}

impl Selection {
    /// Whether a rule is wanted.
    #[must_use]
    pub fn takes(&self, rule: &Loaded) -> bool {
        let wanted =
            |words: &[String], has: &dyn Fn(&str) -> bool| words.is_empty() || words.iter().any(|word| has(word));
        wanted(&self.tags, &|tag| has_tag(rule, tag))
            && wanted(&self.folders, &|folder| is_in(rule, folder))
            && !self.exclude.iter().any(|word| rule.id == *word || has_tag(rule, word) || is_in(rule, word))
    }

    /// Leaves out the rules that are not wanted; one that a wanted rule refers to stays and makes no alerts. Warns
    /// about words that no rule has.
    pub(super) fn apply(&self, rules: &mut Vec<Loaded>, diagnostics: &mut Diagnostics) {
        let tags = || rules.iter().flat_map(|rule| rule.tags.iter().map(String::as_str));
        let folders = || rules.iter().flat_map(folders_of);
        let ids = || rules.iter().map(|rule| rule.id.as_str());
        for tag in self.tags.iter().filter(|tag| !rules.iter().any(|rule| has_tag(rule, tag))) {
            diagnostics.push(nothing("tag", tag, did_you_mean(tag, tags())));
        }
        for folder in self.folders.iter().filter(|folder| !rules.iter().any(|rule| is_in(rule, folder))) {
            diagnostics.push(nothing("folder", folder, did_you_mean(folder, folders())));
        }
        let names = |word: &str, rule: &Loaded| rule.id == word || has_tag(rule, word) || is_in(rule, word);
        for word in self.exclude.iter().filter(|word| !rules.iter().any(|rule| names(word, rule))) {
            let near = did_you_mean(word, ids().chain(tags()).chain(folders()));
            diagnostics.push(nothing("id, tag or folder", word, near));
        }
        let needed = correlate::needed(rules, |rule| self.takes(rule));
        for rule in rules.iter_mut().filter(|rule| !self.takes(rule)) {
            rule.silenced = true;
        }
        rules.retain(|rule| self.takes(rule) || needed.contains(&rule.id));
    }
}

fn nothing(what: &str, word: &str, near: Option<String>) -> Diagnostic {
    let place = Place::whole(&Source::new("selection", ""));
    Diagnostic::warning("selects-nothing", place, format!("no rule has the {what} `{word}`")).hint_if(near)
}

fn has_tag(rule: &Loaded, wanted: &str) -> bool {
    rule.tags.iter().any(|tag| {
        let (head, rest) = tag.split_at_checked(wanted.len()).unwrap_or((tag, "x"));
        head.eq_ignore_ascii_case(wanted) && (rest.is_empty() || rest.starts_with('.'))
    })
}

fn is_in(rule: &Loaded, folder: &str) -> bool {
    folders_of(rule).any(|name| name == folder)
}

/// The names of the folders that a rule's file is in.
fn folders_of(rule: &Loaded) -> impl Iterator<Item = &str> {
    let above = Path::new(&rule.place.source.name).parent();
    above.into_iter().flat_map(Path::iter).filter_map(|name| name.to_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::{Loader, sigma::Fieldmap};

    fn check(selection: &Selection, expected: &[&str], warnings: &[&str]) {
        let rule = |id: &str, tag: &str| {
            format!(
                "id: {id}\ntitle: T\nseverity: low\ntags: [{tag}]\nwhen: event.action = exec and process.name = a\n"
            )
        };
        let sources = [
            Source::new("rules/execution/a.yml", rule("a", "attack.t1059.004")),
            Source::new("rules/persistence/b.yml", rule("b", "attack.t1505")),
            Source::new("rules/persistence/c.yml", rule("c", "attack.t10590")),
        ];
        let (rules, problems) = Loader::new(Fieldmap::builtin()).with_selection(selection.clone()).read(&sources);
        let ids: Vec<_> = rules.iter().map(|rule| rule.id.as_str()).collect();
        assert_eq!(ids, expected, "{selection:?}");
        let found = problems.sorted().into_iter().filter(|problem| problem.code == "selects-nothing");
        assert_eq!(found.map(|problem| problem.message.as_str()).collect::<Vec<_>>(), warnings, "{selection:?}");
    }

    #[test]
    fn rules_are_selected_by_tag_folder_and_id() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let none = Selection::default();
        check(&none, &["a", "b", "c"], &[]);
        check(&Selection { tags: words(&["attack.T1059"]), ..none.clone() }, &["a"], &[]);
        check(&Selection { folders: words(&["persistence"]), ..none.clone() }, &["b", "c"], &[]);
        check(&Selection { exclude: words(&["c", "execution"]), ..none.clone() }, &["b"], &[]);
        check(
            &Selection { tags: words(&["attack.t1505", "attack.t1506"]), exclude: words(&["x"]), ..none },
            &["b"],
            &["no rule has the tag `attack.t1506`", "no rule has the id, tag or folder `x`"],
        );
    }
}
