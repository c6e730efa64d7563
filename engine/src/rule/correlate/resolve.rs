//! From names to rules and fields: everything that can be said of rules over several events only
//! once all rules have been read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::{
    Correlation, MAX_CHAIN, Measure, Slot,
    draft::{self, Draft, Part},
};
use crate::{
    event::{
        Kind,
        field::{self, Field},
        value::Type,
    },
    rule::{
        Filter,
        ast::Name,
        diagnostic::{Diagnostic, Diagnostics, did_you_mean},
        loaded::{Loaded, State},
        program::Purpose,
        reason::{Code, Reason},
        sigma::{Fieldmap, Target},
        test::Case,
        typed::Typed,
    },
};

/// Resolves what rules say of other rules. Those that cannot be resolved are left out and reported;
/// `broken` are ids and names of rules that were left out and reported before.
pub(in crate::rule) fn resolve(
    mut rules: Vec<Loaded>,
    broken: &HashSet<String>,
    target: &Target,
    diagnostics: &mut Diagnostics,
) -> Vec<Loaded> {
    let Target::Ours(fieldmap) = target else {
        for rule in rules.iter_mut().filter(|rule| rule.draft.is_some()) {
            rule.state = State::Rejected("events of other products are looked at one by one".to_owned());
        }
        return rules;
    };
    if rules.iter().all(|rule| rule.draft.is_none()) {
        return rules;
    }
    let mut resolver = Resolver::new(rules, broken, fieldmap, diagnostics);
    for rule in 0..resolver.rules.len() {
        resolver.visit(rule, &mut Vec::new());
    }
    resolver.finish()
}

/// How far a rule has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Done,
    Failed,
    New,
    Open,
}

/// What is known of a rule that has been visited.
#[derive(Clone, Debug, Default)]
struct Known {
    kinds: BTreeSet<Kind>,
    lineage: String,
}

struct Resolver<'r> {
    rules: Vec<Loaded>,
    progress: Vec<Progress>,
    known: Vec<Known>,
    /// By rule: the rules its slots stand for, if they are rules.
    slots: Vec<Vec<Option<usize>>>,
    ids: HashMap<String, usize>,
    names: HashMap<String, Vec<usize>>,
    silenced: HashSet<usize>,
    broken: &'r HashSet<String>,
    fieldmap: &'r Fieldmap,
    diagnostics: &'r mut Diagnostics,
}

impl<'r> Resolver<'r> {
    fn new(
        rules: Vec<Loaded>,
        broken: &'r HashSet<String>,
        fieldmap: &'r Fieldmap,
        diagnostics: &'r mut Diagnostics,
    ) -> Self {
        let mut ids = HashMap::new();
        let mut names: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, rule) in rules.iter().enumerate() {
            ids.entry(rule.id.clone()).or_insert(index);
            if let Some(name) = &rule.name {
                names.entry(name.clone()).or_default().push(index);
            }
        }
        Self {
            progress: vec![Progress::New; rules.len()],
            known: vec![Known::default(); rules.len()],
            slots: vec![Vec::new(); rules.len()],
            silenced: HashSet::new(),
            rules,
            ids,
            names,
            broken,
            fieldmap,
            diagnostics,
        }
    }

    fn finish(self) -> Vec<Loaded> {
        let Self { rules, progress, silenced, .. } = self;
        let kept = rules.into_iter().zip(progress).enumerate();
        kept.filter(|(_, (_, progress))| *progress == Progress::Done)
            .map(|(index, (rule, _))| Loaded { silenced: silenced.contains(&index), ..rule })
            .collect()
    }

    /// Resolves a rule after all it refers to; `open` are the rules on the way to it.
    fn visit(&mut self, index: usize, open: &mut Vec<usize>) -> Progress {
        let progress = self.progress.get(index).copied().unwrap_or(Progress::Failed);
        if progress != Progress::New {
            return progress;
        }
        self.set(index, Progress::Open);
        open.push(index);
        let done = self.resolve_one(index, open);
        open.pop();
        let progress = if done.is_some() { Progress::Done } else { Progress::Failed };
        self.set(index, progress);
        progress
    }

    fn set(&mut self, index: usize, progress: Progress) {
        if let Some(slot) = self.progress.get_mut(index) {
            *slot = progress;
        }
    }

    fn resolve_one(&mut self, index: usize, open: &mut Vec<usize>) -> Option<()> {
        let rule = self.rules.get(index)?;
        // One that is switched off asks for nothing.
        let draft = rule.draft.clone().filter(|_| !matches!(rule.state, State::Disabled(_)));
        let Some(draft) = draft else {
            let known = Known {
                kinds: Filter::new(&rule.condition, Purpose::Alert).kinds().collect(),
                lineage: rule.content_hash.clone(),
            };
            *self.known.get_mut(index)? = known;
            return Some(());
        };
        let references: Vec<Option<usize>> = self.references(index, &draft, open)?;
        self.labels(&draft, &references)?;
        *self.slots.get_mut(index)? = references.clone();
        let mut lineage = Sha256::new();
        lineage.update(&self.rules.get(index)?.content_hash);
        let mut kinds = BTreeSet::new();
        let mut slots = Vec::new();
        let mut missing: Vec<Option<Reason>> = Vec::new();
        for (number, (source, reference)) in draft.sources.iter().zip(&references).enumerate() {
            let of_source = self.known_of(index, source, *reference)?;
            lineage.update(&of_source.lineage);
            let (slot, reason) = self.slot(&draft, number, *reference, &of_source)?;
            if reason.is_none() {
                kinds.extend(of_source.kinds);
            }
            slots.push(slot);
            missing.push(reason);
        }
        self.same_types(&draft, &slots)?;
        let lineage = data_encoding::HEXLOWER.encode(&lineage.finalize());
        *self.known.get_mut(index)? = Known { kinds, lineage: lineage.clone() };
        if draft.silences {
            self.silenced.extend(references.iter().flatten());
        }
        let rule = self.rules.get_mut(index)?;
        rule.state = state(&draft.measure, &missing);
        let Draft { measure, within_ns, case, .. } = draft;
        // One that can never match remembers nothing.
        let can_match = !matches!(rule.state, State::Dormant(_));
        rule.correlation = can_match.then_some(Correlation { slots, measure, within_ns, case, lineage });
        Some(())
    }

    /// The rules that a draft refers to, all of them resolved; `None` if one is not.
    fn references(&mut self, index: usize, draft: &Draft, open: &mut Vec<usize>) -> Option<Vec<Option<usize>>> {
        let (mut found, mut fine) = (Vec::new(), true);
        for source in &draft.sources {
            let draft::Source::Rule(name) = source else {
                found.push(None);
                continue;
            };
            let target = self.find(index, name);
            let usable = target.is_some_and(|target| self.usable(target, name, open));
            // Every problem is to be told: after one the other references are looked at too.
            fine &= usable;
            found.push(target);
        }
        fine.then_some(found)
    }

    fn usable(&mut self, target: usize, name: &Name, open: &mut Vec<usize>) -> bool {
        if let Some(start) = open.iter().position(|rule| *rule == target) {
            let ids = open.iter().skip(start).chain([&target]).filter_map(|rule| self.rules.get(*rule));
            let way: Vec<&str> = ids.map(|rule| rule.id.as_str()).collect();
            let message = format!("this rule refers to itself: {}", way.join(" -> "));
            self.diagnostics.push(
                Diagnostic::error("rule-cycle", name.place.clone(), message).hint("a rule can build on others only"),
            );
            return false;
        }
        if open.len() > MAX_CHAIN {
            let message = format!("more than {MAX_CHAIN} rules build on each other");
            self.diagnostics.push(Diagnostic::error("too-deep", name.place.clone(), message));
            return false;
        }
        self.visit(target, open) == Progress::Done
    }

    /// The rule of an id or name. A name of the same file goes before those of others.
    fn find(&mut self, from: usize, name: &Name) -> Option<usize> {
        if let Some(index) = self.ids.get(&name.text) {
            return Some(*index);
        }
        let named = self.names.get(&name.text).map(Vec::as_slice).unwrap_or_default();
        let file = |index: &usize| self.rules.get(*index).map(|rule| &rule.place.source);
        let here: Vec<usize> = named.iter().copied().filter(|index| file(index) == file(&from)).collect();
        match (here.as_slice(), named) {
            ([one], _) | ([], [one]) => return Some(*one),
            ([], []) if self.broken.contains(&name.text) => {}
            ([], []) => {
                let words = self.ids.keys().chain(self.names.keys()).map(String::as_str);
                let mut sorted: Vec<&str> = words.collect();
                sorted.sort_unstable();
                let hint = did_you_mean(&name.text, sorted)
                    .unwrap_or_else(|| "it has to be the id or the name of a rule that is loaded too".to_owned());
                let message = format!("unknown rule `{}`", name.text);
                self.diagnostics.push(Diagnostic::error("unknown-rule", name.place.clone(), message).hint(hint));
            }
            (several @ [_, ..], _) | ([], several) => {
                let message = format!("{} rules have the name `{}`", several.len(), name.text);
                let error = Diagnostic::error("ambiguous-rule", name.place.clone(), message);
                self.diagnostics.push(error.hint("refer to the rule by its id"));
            }
        }
        None
    }

    /// Whether everything that the author calls a rule is one of the rules that are correlated.
    fn labels(&mut self, draft: &Draft, references: &[Option<usize>]) -> Option<()> {
        let sources = draft.sources.iter().zip(references);
        let known: Vec<&str> = sources.flat_map(|(source, target)| self.words(source, *target)).flatten().collect();
        let unknown = |label: &&Name| !known.contains(&label.text.as_str());
        let errors: Vec<Diagnostic> = { draft.labels.iter().filter(unknown) }
            .map(|label| {
                let hint = did_you_mean(&label.text, known.iter().copied());
                let message = format!("`{}` is no rule or step that is correlated here", label.text);
                let hint = hint.unwrap_or_else(|| format!("they are {}", known.join(", ")));
                Diagnostic::error("unknown-rule", label.place.clone(), message).hint(hint)
            })
            .collect();
        let fine = errors.is_empty();
        errors.into_iter().for_each(|error| self.diagnostics.push(error));
        fine.then_some(())
    }

    /// What a source is called: as its author does, by its id, and by its name.
    fn words<'w>(&'w self, source: &'w draft::Source, target: Option<usize>) -> [Option<&'w str>; 3] {
        let label = match source {
            draft::Source::Condition(name, _) => Some(name.as_str()),
            draft::Source::Own => None,
            draft::Source::Rule(name) => Some(name.text.as_str()),
        };
        let rule = target.and_then(|target| self.rules.get(target));
        [label, rule.map(|rule| rule.id.as_str()), rule.and_then(|rule| rule.name.as_deref())]
    }

    fn known_of(&self, index: usize, source: &draft::Source, reference: Option<usize>) -> Option<Known> {
        let own = |condition| Known {
            kinds: Filter::new(condition, Purpose::Alert).kinds().collect(),
            lineage: String::new(),
        };
        Some(match source {
            draft::Source::Condition(_, condition) => own(condition),
            draft::Source::Own => own(&self.rules.get(index)?.condition),
            draft::Source::Rule(_) => self.known.get(reference?)?.clone(),
        })
    }

    /// A slot, and why it can never be filled, if it cannot.
    fn slot(
        &mut self,
        draft: &Draft,
        number: usize,
        reference: Option<usize>,
        known: &Known,
    ) -> Option<(Slot, Option<Reason>)> {
        let draft_source = draft.sources.get(number)?;
        let source = match draft_source {
            draft::Source::Condition(_, condition) => super::Source::Condition(condition.clone()),
            draft::Source::Own => super::Source::Own,
            draft::Source::Rule(_) => super::Source::Rule(self.rules.get(reference?)?.id.clone()),
        };
        let mut missing = reference.and_then(|target| {
            let rule = self.rules.get(target)?;
            let reason = match &rule.state {
                State::Active | State::Degraded(_) => None,
                State::Disabled(_) | State::Dormant(_) | State::Rejected(_) => rule.state.reason(),
            }?;
            let text = format!("the rule `{}` cannot match: {reason}", rule.id);
            Some(Reason::new(Code::MemberCannotFire, rule.id.clone(), text))
        });
        let mut place = |parts: &[Part], missing: &mut Option<Reason>| -> Option<Vec<Vec<&'static Field>>> {
            let mut fields = Vec::new();
            for part in parts {
                let name = self.name_in(part, draft_source, reference, draft.case)?;
                let found = match (draft.case, reference) {
                    (Case::Folded, Some(target)) => {
                        let mut found = Vec::new();
                        let reason = self.mapped(target, &name.text, &mut found);
                        if found.is_empty() {
                            let reason = reason.unwrap_or_else(|| "no event carries it".to_owned());
                            let text = format!("`{}`: {reason}", name.text);
                            missing.get_or_insert_with(|| Reason::new(Code::FieldNotCarried, name.text.clone(), text));
                        }
                        found
                    }
                    (Case::Exact, _) | (Case::Folded, None) => vec![self.native_field(&name, known)?],
                };
                fields.push(found);
            }
            Some(fields)
        };
        let by = place(&draft.by, &mut missing);
        let of = place(&draft.of, &mut missing);
        Some((Slot { source, by: by?, of: of? }, missing))
    }

    /// The name a part has in a source.
    fn name_in(&mut self, part: &Part, source: &draft::Source, reference: Option<usize>, case: Case) -> Option<Name> {
        if part.fields.is_empty() {
            return Some(part.name.clone());
        }
        let labels = self.words(source, reference);
        if let Some(name) = labels.into_iter().flatten().find_map(|label| part.fields.get(label)) {
            return Some(name.clone());
        }
        let step = labels.into_iter().flatten().next().unwrap_or_default().to_owned();
        if case == Case::Folded {
            let message = format!("the alias `{}` names no field of the rule `{step}`", part.name.text);
            let warning = Diagnostic::warning("missing-key", part.name.place.clone(), message);
            self.diagnostics.push(warning.hint(format!("add `{step}: FIELD`; `{}` itself is taken", part.name.text)));
            return Some(part.name.clone());
        }
        let message = format!("`{}` names no field for the step `{step}`", part.name.text);
        let error = Diagnostic::error("missing-key", part.name.place.clone(), message);
        self.diagnostics.push(error.hint(format!("add `{step}: FIELD`")));
        None
    }

    fn native_field(&mut self, name: &Name, known: &Known) -> Option<&'static Field> {
        let field = field::find(&name.text)?;
        let (with, without): (Vec<Kind>, Vec<Kind>) =
            known.kinds.iter().copied().partition(|kind| field.row(*kind).is_some());
        let names = |kinds: &[Kind]| kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        if with.is_empty() && !without.is_empty() {
            let message = format!("no event that can match here has `{}`", field.name);
            let error = Diagnostic::error("wrong-field", name.place.clone(), message);
            self.diagnostics.push(error.hint(format!("they are of the kinds {}", names(&without))));
            return None;
        }
        if !without.is_empty() {
            let message =
                format!("events of the kinds {} have no `{}` and are not counted", names(&without), field.name);
            self.diagnostics.push(Diagnostic::warning("may-be-absent", name.place.clone(), message));
        }
        Some(field)
    }

    /// Where a Sigma field of a rule is: in each of the log sources of the rules behind it. Returns why
    /// it is not there.
    fn mapped(&self, target: usize, name: &str, found: &mut Vec<&'static Field>) -> Option<String> {
        let rule = self.rules.get(target)?;
        let mut reason = None;
        if let Some(draft) = &rule.draft {
            let part = draft.by.iter().find(|part| part.name.text == name);
            for (source, slot) in draft.sources.iter().zip(self.slots.get(target)?) {
                let Some(slot) = slot else {
                    found.extend(field::find(name));
                    continue;
                };
                let labels = self.words(source, Some(*slot));
                let alias = labels.into_iter().flatten().find_map(|label| part?.fields.get(label));
                reason = self.mapped(*slot, alias.map_or(name, |alias| &alias.text), found).or(reason);
            }
            return reason;
        }
        let mut add = |field: &'static Field| {
            if !found.iter().any(|known| known.name == field.name) {
                found.push(field);
            }
        };
        match &rule.logsource {
            Some(logsource) => match self.fieldmap.place(logsource, name) {
                Ok(fields) => fields.into_iter().for_each(add),
                Err(why) => reason = Some(why),
            },
            None => field::find(name).into_iter().for_each(&mut add),
        }
        reason
    }

    /// Values that are compared must be of one type. Sigma compares texts.
    fn same_types(&mut self, draft: &Draft, slots: &[Slot]) -> Option<()> {
        if draft.case == Case::Folded {
            return Some(());
        }
        let mut fine = Some(());
        for (number, part) in draft.by.iter().enumerate() {
            let fields = slots.iter().filter_map(|slot| slot.by.get(number)).flatten();
            let mut types: BTreeMap<&str, &str> = BTreeMap::new();
            for field in fields {
                types.entry(sort(field.any().ty)).or_insert(field.name);
            }
            if types.len() > 1 {
                let words: Vec<String> = types
                    .values()
                    .filter_map(|name| field::find(name))
                    .map(|field| format!("`{}` is {}", field.name, Typed::of(field.any()).words()))
                    .collect();
                let message = format!("values of different types are never equal: {}", words.join(", "));
                self.diagnostics.push(Diagnostic::error("wrong-type", part.name.place.clone(), message));
                fine = None;
            }
        }
        fine
    }
}

/// Types whose values can be equal have the same word.
fn sort(ty: Type) -> &'static str {
    match ty {
        Type::Boolean => "boolean",
        Type::Integer | Type::NumericKeyword => "number",
        Type::Ip => "address",
        Type::Keyword | Type::Word(_) => "text",
        Type::Time => "time",
    }
}

/// Whether a rule can match, given why some of its slots cannot be filled.
fn state(measure: &Measure, missing: &[Option<Reason>]) -> State {
    let mut reasons: Vec<Reason> = Vec::new();
    for reason in missing.iter().flatten() {
        if !reasons.contains(reason) {
            reasons.push(reason.clone());
        }
    }
    let fillable = |slot: usize| missing.get(slot).is_some_and(Option::is_none);
    match (reasons.is_empty(), measure.can_hold(missing.len(), fillable)) {
        (true, true) => State::Active,
        (false, true) => State::Degraded(reasons),
        (true, false) => State::Dormant(vec![Reason::contradiction()]),
        (false, false) => State::Dormant(reasons),
    }
}
