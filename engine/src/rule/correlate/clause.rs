//! Boolean conditions over names of rules, as Sigma's extended correlations have them.
//!
//! They become a list of clauses, any of which may hold: what has to be in the window, and what must not be.

use super::measure::Clause;

/// Clauses one condition may come to.
const MAX_CLAUSES: usize = 256;
/// Nesting a condition may have.
const MAX_DEPTH: usize = 32;

/// What is wrong with a condition: a message, and the bytes it is about.
pub(in crate::rule) type Fault = (String, std::ops::Range<usize>);

/// A name in a condition, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Word<'t> {
    text: &'t str,
    start: usize,
}

#[derive(Debug)]
enum Tree {
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
    Slot(usize),
}

/// The names a condition has, each once, in their order.
pub(in crate::rule) fn names(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for word in words(text) {
        let is_word = !["(", ")"].contains(&word.text) && keyword(word.text).is_none();
        if is_word && !names.contains(&word.text) {
            names.push(word.text);
        }
    }
    names
}

/// Reads a condition; `slots` are the names it may use, in order.
pub(in crate::rule) fn parse(text: &str, slots: &[String]) -> Result<Vec<Clause>, Fault> {
    let words = words(text);
    let mut parser = Parser { words: &words, at: 0, end: text.len(), slots };
    let tree = parser.any(0)?;
    if let Some(word) = parser.peek() {
        return Err(parser.fault(format!("`{}` is not expected here", word.text)));
    }
    let clauses = clauses(&tree, false)
        .ok_or_else(|| (format!("this condition comes to more than {MAX_CLAUSES} combinations"), 0..text.len()))?;
    if clauses.iter().any(|clause| clause.present == 0) {
        let message = "this condition is true when nothing happens; it must name a rule that has to match";
        return Err((message.to_owned(), 0..text.len()));
    }
    if clauses.is_empty() {
        return Err(("this condition contradicts itself".to_owned(), 0..text.len()));
    }
    Ok(clauses)
}

fn keyword(word: &str) -> Option<&'static str> {
    ["and", "or", "not"].into_iter().find(|keyword| word.eq_ignore_ascii_case(keyword))
}

fn words(text: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = None;
    for (at, character) in text.char_indices().chain([(text.len(), ' ')]) {
        let ends = character.is_whitespace() || "()".contains(character);
        match (start, ends) {
            (None, false) => start = Some(at),
            (Some(from), true) => {
                words.extend(text.get(from..at).map(|text| Word { text, start: from }));
                start = None;
            }
            (None, true) | (Some(_), false) => {}
        }
        if "()".contains(character) {
            words.extend(text.get(at..at + 1).map(|text| Word { text, start: at }));
        }
    }
    words
}

struct Parser<'t> {
    words: &'t [Word<'t>],
    at: usize,
    end: usize,
    slots: &'t [String],
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Word<'t>> {
        self.words.get(self.at)
    }

    fn fault(&self, message: String) -> Fault {
        let range = self.peek().map_or(self.end..self.end, |word| word.start..word.start + word.text.len());
        (message, range)
    }

    fn takes(&mut self, expected: &str) -> bool {
        let found = self.peek().is_some_and(|word| word.text == expected || keyword(word.text) == Some(expected));
        self.at += usize::from(found);
        found
    }

    fn any(&mut self, depth: usize) -> Result<Tree, Fault> {
        let mut parts = vec![self.all(depth)?];
        while self.takes("or") {
            parts.push(self.all(depth)?);
        }
        Ok(Tree::Any(parts))
    }

    fn all(&mut self, depth: usize) -> Result<Tree, Fault> {
        let mut parts = vec![self.one(depth)?];
        while self.takes("and") {
            parts.push(self.one(depth)?);
        }
        Ok(Tree::All(parts))
    }

    fn one(&mut self, depth: usize) -> Result<Tree, Fault> {
        if depth > MAX_DEPTH {
            return Err(self.fault(format!("more than {MAX_DEPTH} parts inside each other")));
        }
        if self.takes("not") {
            return Ok(Tree::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.takes("(") {
            let inner = self.any(depth + 1)?;
            return if self.takes(")") { Ok(inner) } else { Err(self.fault("`)` is missing".to_owned())) };
        }
        let Some(word) = self.peek().filter(|word| word.text != ")" && keyword(word.text).is_none()) else {
            return Err(self.fault("the name of a rule is expected here".to_owned()));
        };
        let Some(slot) = self.slots.iter().position(|name| name == word.text) else {
            return Err(self.fault(format!("`{}` is not among `rules`", word.text)));
        };
        self.at += 1;
        Ok(Tree::Slot(slot))
    }
}

/// Disjunctive normal form; `None` if it grows beyond bounds.
fn clauses(tree: &Tree, negated: bool) -> Option<Vec<Clause>> {
    match tree {
        Tree::Slot(slot) => {
            let bit = 1 << slot;
            Some(vec![if negated { Clause { present: 0, absent: bit } } else { Clause { present: bit, absent: 0 } }])
        }
        Tree::Not(inner) => clauses(inner, !negated),
        Tree::All(parts) | Tree::Any(parts) if matches!(tree, Tree::All(_)) == negated => {
            let mut any = Vec::new();
            for part in parts {
                any.extend(clauses(part, negated)?);
            }
            any.dedup();
            (any.len() <= MAX_CLAUSES).then_some(any)
        }
        Tree::All(parts) | Tree::Any(parts) => {
            let mut all = vec![Clause::default()];
            for part in parts {
                let more = clauses(part, negated)?;
                let joined = all.iter().flat_map(|a| more.iter().map(move |b| join(*a, *b)));
                let mut both: Vec<Clause> = Vec::new();
                for clause in joined.filter(|clause| clause.present & clause.absent == 0) {
                    if !both.contains(&clause) {
                        both.push(clause);
                    }
                }
                if both.len() > MAX_CLAUSES {
                    return None;
                }
                all = both;
            }
            Some(all)
        }
    }
}

fn join(a: Clause, b: Clause) -> Clause {
    Clause { present: a.present | b.present, absent: a.absent | b.absent }
}

/// The clauses that ask for `wanted` of `slots` sources; `None` if there are too many.
pub(in crate::rule) fn combinations(slots: usize, wanted: usize) -> Option<Vec<Clause>> {
    let mut masks: Vec<(u64, usize)> = vec![(0, 0)];
    for _ in 0..wanted {
        masks = masks
            .iter()
            .flat_map(|(mask, next)| (*next..slots).map(move |slot| (mask | 1 << slot, slot + 1)))
            .collect();
        if masks.len() > MAX_CLAUSES * 16 {
            return None;
        }
    }
    (masks.len() <= MAX_CLAUSES).then(|| masks.into_iter().map(|(present, _)| Clause { present, absent: 0 }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(u64, u64)>, Fault> {
        let slots = ["a", "b", "c"].map(str::to_owned);
        parse(text, &slots).map(|clauses| clauses.iter().map(|clause| (clause.present, clause.absent)).collect())
    }

    #[test]
    fn conditions_become_clauses() {
        for (text, expected) in [
            ("a", vec![(1, 0)]),
            ("a and b", vec![(3, 0)]),
            ("a AND b AND c", vec![(7, 0)]),
            ("a or b and c", vec![(1, 0), (6, 0)]),
            ("(a or b) and c", vec![(5, 0), (6, 0)]),
            ("a and not b", vec![(1, 2)]),
            ("a and not (b or c)", vec![(1, 6)]),
            ("a and not (b and c)", vec![(1, 2), (1, 4)]),
            ("a and (b or not a)", vec![(3, 0)]),
            ("not not a", vec![(1, 0)]),
        ] {
            assert_eq!(read(text), Ok(expected), "{text}");
        }
        assert_eq!(names("(b or a) and NOT b"), ["b", "a"]);
    }

    #[test]
    fn what_is_no_condition_is_refused_with_its_place() {
        for (text, message, place) in [
            ("", "the name of a rule is expected here", 0..0),
            ("a and", "the name of a rule is expected here", 5..5),
            ("a d", "`d` is not expected here", 2..3),
            ("(a", "`)` is missing", 2..2),
            ("a and d", "`d` is not among `rules`", 6..7),
            ("a and not a", "this condition contradicts itself", 0..11),
            ("not a", "this condition is true when nothing happens; it must name a rule that has to match", 0..5),
            ("a or not b", "this condition is true when nothing happens; it must name a rule that has to match", 0..10),
        ] {
            assert_eq!(read(text), Err((message.to_owned(), place)), "{text}");
        }
        assert!(read(&"(".repeat(1_000)).is_err());
        assert_eq!(read(&format!("{}c", "(a or b) and ".repeat(40))), Ok(vec![(5, 0), (7, 0), (6, 0)]));
    }

    #[test]
    fn some_of_many_are_all_their_combinations() {
        let masks = |slots, wanted| -> Option<Vec<u64>> {
            combinations(slots, wanted).map(|clauses| clauses.iter().map(|clause| clause.present).collect())
        };
        assert_eq!(masks(3, 2), Some(vec![3, 5, 6]));
        assert_eq!(masks(3, 3), Some(vec![7]));
        assert_eq!(masks(2, 3), Some(Vec::new()));
        assert_eq!(masks(64, 32), None);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[abc() nortd\\PC]{0,60}") {
            drop(read(&text));
            drop(names(&text));
        }
    }
}
