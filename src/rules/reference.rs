//! `rules/README.md`: the language reference, printed from the catalogue.

use std::fmt::Write as _;

use super::catalogue::{FUNCTIONS, Gives, MEMBERS, Owner, WordSet, type_word};
use super::compile::signature;
use super::keys::{KEYS, Key};
use super::lint::{LINTS, Lint};
use crate::limits;
use crate::model::time::DAY;

const HEAD: &str = "\
# The rule language

<!-- Printed from src/rules/catalogue.rs; a test compares. Change it there. -->

A pack is a folder: `policy.toml` (families, caps, bands, measures, episodes, breaker), `guards.toml`, `calendar.toml`
(holidays and make-up working days) and one file for each rule. `goshawk rules check --rules DIR` reports every defect at once, `goshawk rules test` runs
the examples in the files, `goshawk rules list` lists the rules.

## A rule's file
";

const EXPRESSIONS: &str = "\
## Expressions

CEL syntax: `&& || ! == != < <= > >= + - * / in ? :`, strings in single or double quotes. A missing value makes
what rests on it missing, except `false && x` and `true || x`; a rule whose condition is missing is counted as not
evaluable. Amounts, ratios, whole numbers and durations do not mix: `amount * 0.02` (at most six digits) is an
amount, `amount / amount` and `duration / duration` are ratios. Words compare with `==`, `!=` and `in` only.
";

/// The reference as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut text = HEAD.to_owned();
    let _ = writeln!(text, "\n| key | 含义 | meaning |\n|---|---|---|");
    for Key { shown, zh, en, .. } in KEYS {
        let _ = writeln!(text, "| {shown} | {zh} | {en} |");
    }
    let _ = write!(text, "\n{EXPRESSIONS}");
    let days = limits::WINDOW_MAX / DAY;
    let _ = writeln!(
        text,
        "A window is at most {days} days. It is given as a duration, or in working days (`5wd`): from the midnight of \
         the fifth working day back, by `calendar.toml`.\n\n## Functions\n"
    );
    let _ = writeln!(text, "| function | 含义 | meaning |\n|---|---|---|");
    for (_, signature, zh, en) in FUNCTIONS {
        let _ = writeln!(text, "| `{signature}` | {zh} | {en} |");
    }
    for (owner, heading) in Owner::ALL {
        let _ = writeln!(text, "\n## {heading}\n\n| | gives | 含义 | meaning |\n|---|---|---|---|");
        for member in MEMBERS.iter().filter(|member| member.owner == *owner) {
            let gives = match member.gives {
                Gives::Value(ty) => type_word(ty).to_owned(),
                Gives::Word(set) => format!("a word ({})", set.title()),
                Gives::Record(owner) => owner.word().to_owned(),
            };
            let (signature, zh, en) = (signature(member), member.zh, member.en);
            let _ = writeln!(text, "| `{signature}` | {gives} | {zh} | {en} |");
        }
    }
    let _ = writeln!(text, "\n## Words\n\n| set | words |\n|---|---|");
    for set in WordSet::ALL {
        let words: Vec<String> = set.words().iter().map(|word| format!("`{word}`")).collect();
        let _ = writeln!(text, "| {} | {} |", set.title(), words.join(" "));
    }
    let _ =
        writeln!(text, "\n## Remarks of `rules lint`\n\n| code | 含义 | meaning |\n|---|---|---|");
    for Lint { code, zh, en } in LINTS {
        let _ = writeln!(text, "| `{code}` | {zh} | {en} |");
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_readme_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/rules/README.md");
        let fresh = super::reference();
        if std::env::var("INSTA_UPDATE").as_deref() == Ok("always") {
            std::fs::write(path, &fresh).expect("writable");
        }
        let there = std::fs::read_to_string(path).unwrap_or_default();
        assert!(there == fresh, "rules/README.md is stale: run this test with INSTA_UPDATE=always");
    }
}
