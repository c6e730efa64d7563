//! `docs/reference.md`: every field, event kind, sink and setting.

use crate::{
    alert, config,
    event::{
        Kind, common,
        field::{Origin, Row},
        process,
        value::Type,
    },
    indicator,
    rule::{
        op::{self, Takes},
        overriding, transform,
    },
    setting::{self, Preset},
    sink,
};

/// The text of `docs/reference.md`.
#[must_use]
pub fn reference() -> String {
    let mut out = String::from(
        "# Reference\n\n\
         Made from the tables in the sources; `UPDATE_GOLDEN=1 cargo test` writes it anew.\n\n\
         Origin `ECS` means that the Elastic Common Schema ",
    );
    out.push_str(alert::ECS_VERSION);
    out.push_str(
        " defines the name; `ours` that Beewolf does, and that the form `ecs` has it below `beewolf`.\n\
         A type followed by `[]` is a list. Whatever is not known is left out.\n\n\
         ## Fields of every event\n\n",
    );
    fields(&mut out, common::ROWS);
    out.push_str("\n## Fields of the process, its parent and its ancestors\n\nEvery event has them.\n\n");
    fields(&mut out, process::ROWS);
    out.push_str("\n## Event kinds\n");
    for kind in Kind::ALL {
        of_kind(&mut out, *kind);
    }
    language(&mut out);
    out.push_str("\n## Alerts\n\nAn alert has the members of the event that completed the match, and these.\n\n");
    table(&mut out, &["member", "type", "origin", "meaning"]);
    for member in alert::MEMBERS {
        let cells =
            [code(member.name), type_name(member.ty, member.array), origin(member.origin), member.doc.to_owned()];
        row(&mut out, &cells);
    }
    out.push_str("\n## Sinks\n\nSettings that every sink has:\n\n");
    settings(&mut out, sink::COMMON);
    let remote: Vec<_> = sink::ALL.iter().filter(|sink| sink.remote()).map(|sink| code(sink.name())).collect();
    out.push_str(&format!("\nSettings of {}, besides:\n\n", remote.join(" and ")));
    settings(&mut out, sink::SPOOL);
    for it in sink::ALL {
        out.push_str(&format!("\n### {}\n\n{}\n\n", it.name(), it.doc()));
        settings(&mut out, it.rows());
    }
    out.push_str(&format!(
        "\n## Configuration\n\nOne YAML file, by default `{}`. A dot in a name is a level of the file.\n\n",
        config::DEFAULT_PATH
    ));
    settings(&mut out, config::ROWS);
    out.push_str(&format!("\n`sinks`: {}\n", config::SINKS_DOC));
    out.push_str(&format!("\n`{}`: {}\n\n", config::INDICATORS, indicator::DOC));
    settings(&mut out, indicator::ROWS);
    out
}

/// Operators and transforms, from their own sentences.
fn language(out: &mut String) {
    out.push_str(
        "\n## Conditions\n\n\
         A comparison is a field, an operator and what the operator takes. Where it takes one value, another field may \
         stand instead; of a list field, one element has to pass, `all(field)` asks for every one, and `field[1]` for the second alone. A comparison with \
         something absent is false.\n\n\
         Numbers are decimal, `0x` hexadecimal or `0o` octal; bytes may have `KB`, `MB`, `GB`, `KiB`, `MiB` or `GiB`, \
         lengths of time `ns`, `us`, `ms`, `s`, `m`, `h` or `d`.\n\n",
    );
    table(out, &["operator", "meaning", "takes", "example"]);
    for it in op::ALL {
        let takes = match (it.takes(), it.relation().is_some()) {
            (Takes::Nothing, _) => "nothing",
            (Takes::List, true) => "a list or a list field",
            (Takes::List, false) => "a list",
            (Takes::One, true) => "a value or a field",
            (Takes::One, false) => "a value",
            (Takes::OneOrList, true) => "a value, a list or a field",
            (Takes::OneOrList, false) => "a value or a list",
        };
        row(out, &[code(it.word()), it.doc().to_owned(), takes.to_owned(), code(it.example())]);
    }
    out.push_str(
        "\nA transform makes another value of a text; of a list, of each element. They nest, on either side.\n\n",
    );
    table(out, &["transform", "gives", "meaning", "example"]);
    for it in transform::ALL {
        let gives = it.gives().words().to_owned();
        row(out, &[code(&format!("{}( )", it.name())), gives, it.doc().to_owned(), code(it.example())]);
    }
    out.push_str(
        "\nA file with nothing but `lists` and `macros` defines them for the rules of its folder and of the folders below; one in \
         a folder named `common` for those of the folder above, too. The nearest definition of a name counts, and a macro \
         sees what stands where it is defined.\n\n\
         `field in ioc:NAME` asks an indicator list of the configuration; the alert then names the list and the indicator.\n\n\
         Rules are changed from a second file, which may stand anywhere among the paths of the rules:\n\n```yaml\n",
    );
    out.push_str(overriding::EXAMPLE);
    out.push_str("```\n");
}

fn of_kind(out: &mut String, kind: Kind) {
    out.push_str(&format!(
        "\n### {}\n\n`event.category` {}, `event.type` {}.\n\n",
        kind.name(),
        kind.category().join(", "),
        kind.ecs_type().join(", ")
    ));
    if kind.rows().is_empty() {
        out.push_str("No fields of its own.\n");
    } else {
        fields(out, kind.rows());
    }
    out.push_str("\nSources, best first:\n\n");
    table(out, &["source", "hooks", "sees the outcome", "does not see", "racy fields", "absent fields"]);
    for source in kind.sources() {
        let names = |names: &[&str]| names.iter().map(|name| code(name)).collect::<Vec<_>>().join(", ");
        let cells = [
            source.name.to_owned(),
            names(source.hooks),
            if source.outcome { "yes" } else { "no" }.to_owned(),
            source.misses.to_owned(),
            names(source.racy),
            names(source.absent),
        ];
        row(out, &cells);
    }
}

fn fields(out: &mut String, rows: &[Row]) {
    table(out, &["field", "type", "origin", "meaning"]);
    for it in rows {
        row(out, &[code(it.name), type_name(it.ty, it.array), origin(it.origin), it.doc.to_owned()]);
    }
}

fn settings(out: &mut String, rows: &[setting::Row]) {
    table(out, &["setting", "value", "default", "meaning"]);
    for it in rows {
        let preset = match it.preset {
            Preset::Absent => "absent".to_owned(),
            Preset::Required => "must be given".to_owned(),
            Preset::Boolean(_) | Preset::Duration(_) | Preset::List(_) | Preset::Number(_) | Preset::Text(_) => {
                code(&setting::scalar(&it.preset.value(), it.ty))
            }
        };
        row(out, &[code(it.name), it.ty.describe(), preset, it.doc.to_owned()]);
    }
}

/// The type of a field in a word or a list of words.
pub(crate) fn type_name(ty: Type, array: bool) -> String {
    let name = match ty {
        Type::Boolean => "boolean".to_owned(),
        Type::Integer => "integer".to_owned(),
        Type::Ip => "address".to_owned(),
        Type::Keyword => "string".to_owned(),
        Type::NumericKeyword => "number as string".to_owned(),
        Type::Time => "time".to_owned(),
        // Capabilities: the list is the kernel's and long.
        Type::Word(words) if words.len() > 12 => "word".to_owned(),
        Type::Word(words) => words.join(" or "),
    };
    if array { format!("{name} []") } else { name }
}

pub(crate) fn origin(origin: Origin) -> String {
    match origin {
        Origin::Ecs => "ECS".to_owned(),
        Origin::Ours => "ours".to_owned(),
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn table(out: &mut String, heads: &[&str]) {
    row(out, &heads.iter().map(|head| (*head).to_owned()).collect::<Vec<_>>());
    row(out, &vec!["---".to_owned(); heads.len()]);
}

fn row(out: &mut String, cells: &[String]) {
    out.push('|');
    for cell in cells {
        out.push_str(&format!(" {} |", cell.replace('|', "\\|")));
    }
    out.push('\n');
}
