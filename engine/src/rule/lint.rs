//! What is allowed and still probably not meant.

use regex_syntax::hir::{HirKind, Look};

use super::{
    ast::{Ast, Comparison, Item},
    contradiction::{self, Finding},
    definition::Definitions,
    diagnostic::{Diagnostic, Diagnostics, Place},
    expr::Expr,
    program::{Program, Purpose, Table},
    yaml::Node,
};
use crate::event::{Kind, field::DECIDED_BY_KIND};

/// Looks at one condition.
pub(super) fn condition(ast: &Ast, definitions: &Definitions, diagnostics: &mut Diagnostics) {
    walk(ast, false, &mut Vec::new(), definitions, diagnostics);
}

/// `known` holds the fields that are there wherever this part matters.
fn walk<'a>(
    ast: &'a Ast,
    negated: bool,
    known: &mut Vec<&'a str>,
    definitions: &'a Definitions,
    diagnostics: &mut Diagnostics,
) {
    match ast {
        Ast::And(parts) | Ast::Or(parts) => {
            let before = known.len();
            // A negated `or` is an `and` of negations.
            if matches!(ast, Ast::And(_)) != negated {
                for part in parts {
                    required(part, negated, known, definitions);
                }
            }
            for part in parts {
                walk(part, negated, known, definitions, diagnostics);
            }
            known.truncate(before);
        }
        Ast::Not(inner) => walk(inner, !negated, known, definitions, diagnostics),
        // A macro is judged by whoever uses it: what is known there is not known here.
        Ast::Broken | Ast::Macro(_) => {}
        Ast::Comparison(comparison) => {
            absence(comparison, negated, known, diagnostics);
            capitals(comparison, diagnostics);
            literal(comparison, diagnostics);
        }
    }
}

/// Adds the fields without which a part cannot be true.
fn required<'a>(ast: &'a Ast, negated: bool, known: &mut Vec<&'a str>, definitions: &'a Definitions) {
    match ast {
        Ast::Comparison(comparison) if !negated && !comparison.operator.differs() => {
            known.extend(comparison.fields());
        }
        Ast::And(parts) if !negated => parts.iter().for_each(|part| required(part, negated, known, definitions)),
        Ast::Not(inner) => required(inner, !negated, known, definitions),
        Ast::Macro(name) => {
            if let Some(ast) = definitions.macro_ast(&name.text) {
                required(ast, negated, known, definitions);
            }
        }
        Ast::And(_) | Ast::Broken | Ast::Comparison(_) | Ast::Or(_) => {}
    }
}

/// `!=` and `not` surprise where the field is absent.
fn absence(comparison: &Comparison, negated: bool, known: &[&str], diagnostics: &mut Diagnostics) {
    let differs = comparison.operator.differs();
    let asks_presence = comparison.operator.word() == "exists";
    let unsure = |name: &&str| !known.contains(name) && !DECIDED_BY_KIND.contains(name);
    let Some(name) = comparison.fields().find(unsure).filter(|_| (negated || differs) && !asks_presence) else {
        return;
    };
    let outcome = if negated { "true" } else { "false" };
    let message = format!("an event may lack `{name}`, and then this is {outcome}");
    let hint = if negated {
        format!("write `{name} exists and ...` if that is not meant")
    } else {
        format!(
            "write `not {name} = ...` if it is to be true then; `{name} exists and {name} != ...` says that it is not"
        )
    };
    diagnostics.push(Diagnostic::warning("may-be-absent", comparison.place.clone(), message).hint(hint));
}

/// What `lower` gives has no capitals to compare with.
fn capitals(comparison: &Comparison, diagnostics: &mut Diagnostics) {
    let is_lower = comparison.term.transforms.first().is_some_and(|(transform, _)| transform.name() == "lower");
    let compares =
        ["=", "in", "intersects", "contains", "startswith", "endswith"].contains(&comparison.operator.word());
    if !is_lower || !compares {
        return;
    }
    for item in &comparison.items {
        if let Item::Literal(constant) = item
            && constant.text().is_some_and(|text| text.chars().any(char::is_uppercase))
        {
            let message = format!("`{}` has capital letters, which `lower( )` leaves none of", constant.shown());
            diagnostics.push(Diagnostic::warning("never-equal", constant.place.clone(), message));
        }
    }
}

/// A regular expression that says no more than a string does.
fn literal(comparison: &Comparison, diagnostics: &mut Diagnostics) {
    if comparison.operator.word() != "regex" {
        return;
    }
    let Some(Item::Literal(constant)) = comparison.items.first() else { return };
    let Some(instead) = constant.text().and_then(plainly) else { return };
    let message = format!("the regular expression `{}` is a plain string", constant.shown());
    diagnostics.push(
        Diagnostic::warning("regex-is-literal", constant.place.clone(), message)
            .hint(format!("`{instead}` is faster and clearer")),
    );
}

/// The operator that does what a regular expression does, if that is no more than a string's.
pub(super) fn plainly(pattern: &str) -> Option<&'static str> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let is_start = |kind: &HirKind| matches!(kind, HirKind::Look(Look::Start));
    let is_end = |kind: &HirKind| matches!(kind, HirKind::Look(Look::End));
    let is_literal = |kind: &HirKind| matches!(kind, HirKind::Literal(_));
    let whole = std::slice::from_ref(&hir);
    let parts = if let HirKind::Concat(parts) = hir.kind() { parts.as_slice() } else { whole };
    let kinds: Vec<&HirKind> = parts.iter().map(regex_syntax::hir::Hir::kind).collect();
    match kinds.as_slice() {
        [literal] if is_literal(literal) => Some("contains"),
        [start, literal, end] if is_start(start) && is_literal(literal) && is_end(end) => Some("="),
        [start, literal] if is_start(start) && is_literal(literal) => Some("startswith"),
        [literal, end] if is_literal(literal) && is_end(end) => Some("endswith"),
        _ => None,
    }
}

/// Looks at how the parts of a whole condition are joined.
pub(super) fn joins(expr: &Expr, node: &Node, diagnostics: &mut Diagnostics) {
    for finding in contradiction::find(expr) {
        let (message, hint) = match finding {
            Finding::Excluded(text) => {
                (format!("{text} are never true together"), "no event can be both; perhaps `or` is meant")
            }
            Finding::Exhausted(text) => {
                (format!("one of {text} is always true"), "this part leaves nothing out; perhaps `and` is meant")
            }
        };
        diagnostics.push(Diagnostic::warning("contradiction", node.place.clone(), message).hint(hint));
    }
}

/// Looks for an ATT&CK technique among the tags.
pub(super) fn technique(tags: &[String], place: &Place, diagnostics: &mut Diagnostics) {
    let is_one = |tag: &String| {
        let id = tag.to_ascii_lowercase();
        id.strip_prefix("attack.t").is_some_and(|id| id.starts_with(|first: char| first.is_ascii_digit()))
    };
    if !tags.iter().any(is_one) {
        let warning = Diagnostic::warning("no-technique", place.clone(), "the rule names no ATT&CK technique");
        diagnostics.push(warning.hint("add a tag such as `attack.t1059.004`"));
    }
}

/// Looks at the kinds a whole rule is for.
pub(super) fn kinds(expr: &Expr, node: &Node, diagnostics: &mut Diagnostics) {
    if programs(expr).iter().any(|program| matches!(program, Program::Const(true))) {
        let message = "every event of some kind matches this condition";
        diagnostics.push(Diagnostic::warning("always-true", node.place.clone(), message));
    } else {
        some_kinds(expr, node, diagnostics);
    }
}

/// The same for a condition whose matches are counted or are steps: there it may be as wide as a kind.
pub(super) fn some_kinds(expr: &Expr, node: &Node, diagnostics: &mut Diagnostics) {
    let programs = programs(expr);
    if programs.iter().all(|program| matches!(program, Program::Const(false))) {
        let warning = Diagnostic::warning("never-true", node.place.clone(), "no event can match this condition");
        diagnostics.push(warning.hint("no kind of event has all the fields it asks for"));
    } else if is_of_every_kind(&programs) {
        let hint = "name the kinds it is for, so that others need not be watched: `event.action in (exec, ...)`";
        diagnostics.push(of_every_kind(&node.place).hint(hint));
    }
}

/// The same for a Falco rule.
pub(super) fn every_kind(expr: &Expr, place: &Place, diagnostics: &mut Diagnostics) {
    if is_of_every_kind(&programs(expr)) {
        let hint = "name the calls it is for, `evt.type in (execve, ...)`, or say `warn_evttypes: false`";
        diagnostics.push(of_every_kind(place).hint(hint));
    }
}

fn is_of_every_kind(programs: &[Program]) -> bool {
    programs.iter().all(|program| !matches!(program, Program::Const(false)))
}

fn of_every_kind(place: &Place) -> Diagnostic {
    Diagnostic::warning("every-kind", place.clone(), "this condition looks at events of every kind")
}

fn programs(expr: &Expr) -> Vec<Program> {
    let mut table = Table::default();
    Kind::ALL.iter().map(|kind| Program::new(expr, *kind, Purpose::Alert, &mut table)).collect()
}
