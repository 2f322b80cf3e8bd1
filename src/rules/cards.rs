//! `docs/rules/`: what each rule catches, what it must not catch, which data it needs and how it is
//! tuned, in two languages, printed from the rules' own files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::diagnostics::{Diagnostic, Sink};
use super::document::{Node, Value};
use super::source::{self, Bi, Pack, ParamDoc, RuleDoc};
use super::{SourceFile, sorted};
use crate::model::alert::Bilingual;

/// Which of a text's two languages.
type Pick = fn(&Bi) -> &str;

/// The words of one language.
struct Words {
    folder: &'static str,
    pick: Pick,
    /// Of the index.
    title: &'static str,
    intro: &'static str,
    columns: &'static str,
    no_card: &'static str,
    catches: &'static str,
    spares: &'static str,
    needs: &'static str,
    tune: &'static str,
    choices: &'static str,
    guards: &'static str,
    alone: &'static str,
    by_score: &'static str,
    supported: &'static str,
    judged: &'static str,
    params: &'static str,
    examples: &'static str,
}

const LANGUAGES: &[Words] = &[
    Words {
        folder: "zh",
        pick: |text| &text.zh.value,
        title: "规则手册",
        intro: "由规则文件生成，请勿手改：在 `rules/` 中修改规则的 `[card]`。阈值是起始值，请用自己的数据校准。",
        columns: "| 规则 | 名称 | 规则族 | 权重 | 单独时 |\n|---|---|---|---|---|",
        no_card: "（此规则没有说明卡）",
        catches: "识别",
        spares: "不应误伤",
        needs: "所需数据",
        tune: "如何调整",
        choices: "取舍",
        guards: "防误拦",
        alone: "单独触发时请求",
        by_score: "由得分决定",
        supported: "有其他规则支持时",
        judged: "判断时点",
        params: "| 参数 | 值 | 单位 | 含义 |\n|---|---|---|---|",
        examples: "示例",
    },
    Words {
        folder: "en",
        pick: |text| &text.en.value,
        title: "The rules",
        intro: "Printed from the rules' own files: change a rule's `[card]` under `rules/`, not here. Thresholds are \
                starting values: calibrate them on your own data.",
        columns: "| rule | name | family | weight | alone |\n|---|---|---|---|---|",
        no_card: "(this rule has no card)",
        catches: "Catches",
        spares: "Must not catch",
        needs: "Needs",
        tune: "Tune",
        choices: "Choices",
        guards: "Guards",
        alone: "Asks for, alone",
        by_score: "as the score says",
        supported: "with support",
        judged: "Judged",
        params: "| parameter | value | unit | meaning |\n|---|---|---|---|",
        examples: "Examples",
    },
];

/// The pages, by path below `docs/rules/`.
///
/// # Errors
/// What is wrong with the pack's files.
pub fn pages(files: &[SourceFile]) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let files = sorted(files);
    let mut sink = Sink::new(&files);
    let pack = source::read(&files, &mut sink);
    if !sink.is_empty() {
        return Err(sink.into_sorted());
    }
    let mut folders: BTreeMap<&str, Vec<&RuleDoc>> = BTreeMap::new();
    for rule in &pack.rules {
        let folder = sink.path(rule.file).rsplit_once('/').map_or("rules", |(folder, _)| folder);
        folders.entry(folder).or_default().push(rule);
    }
    folders.values_mut().for_each(|rules| rules.sort_by(|a, b| a.id.value.cmp(&b.id.value)));
    let mut pages = BTreeMap::new();
    for words in LANGUAGES {
        let mut index = format!("# {}\n\n{}\n\n{}\n", words.title, words.intro, words.columns);
        for (folder, rules) in &folders {
            let name = folder.replace('/', "_");
            let mut page = format!("# {}: {folder}\n\n{}\n", words.title, words.intro);
            for rule in rules {
                let _ = writeln!(
                    index,
                    "| [{id}]({name}.md#{anchor}) | {title} | {family} | {weight} | {alone} |",
                    id = rule.id.value,
                    anchor = rule.id.value.to_lowercase(),
                    title = (words.pick)(&rule.title),
                    family = rule.family.value,
                    weight = rule.weight.value,
                    alone = rule.floor.as_ref().map_or(words.by_score, |floor| &floor.value),
                );
                page += &section(&pack, rule, words);
            }
            pages.insert(format!("{}/{name}.md", words.folder), page);
        }
        pages.insert(format!("{}/README.md", words.folder), index);
    }
    Ok(pages)
}

/// A rule's card: heading and text in both languages; empty where there is none.
#[must_use]
pub fn of(files: &[SourceFile], id: &str) -> Vec<(&'static str, Bilingual)> {
    let files = sorted(files);
    let mut sink = Sink::new(&files);
    let pack = source::read(&files, &mut sink);
    let rule = pack.rules.iter().find(|rule| rule.id.value == id);
    let Some(card) = rule.and_then(|rule| rule.card.as_ref()) else { return Vec::new() };
    let both = |text: &Bi| Bilingual { zh: text.zh.value.clone(), en: text.en.value.clone() };
    let parts = [
        ("catches", Some(&card.catches)),
        ("must not catch", Some(&card.spares)),
        ("needs", Some(&card.needs)),
        ("tune", Some(&card.tune)),
        ("choices", card.choices.as_ref()),
    ];
    parts.into_iter().filter_map(|(name, text)| Some((name, both(text?)))).collect()
}

fn section(pack: &Pack, rule: &RuleDoc, words: &Words) -> String {
    let pick = words.pick;
    let mut text =
        format!("\n## {}\n\n**{}** (`{}`)\n\n", rule.id.value, pick(&rule.title), rule.name.value);
    let mut line = |heading: &str, what: &str| {
        let _ = writeln!(text, "- {heading}: {what}");
    };
    match &rule.card {
        None => line(words.catches, words.no_card),
        Some(card) => {
            line(words.catches, pick(&card.catches));
            line(words.spares, pick(&card.spares));
            line(words.needs, pick(&card.needs));
            line(words.tune, pick(&card.tune));
            if let Some(choices) = &card.choices {
                line(words.choices, pick(choices));
            }
        }
    }
    let phases: Vec<&str> = rule.phases.iter().map(|phase| phase.value.as_str()).collect();
    line(words.judged, &format!("{} · {}", phases.join(", "), rule.subject.value));
    let alone = rule.floor.as_ref().map_or(words.by_score.to_owned(), |f| format!("`{}`", f.value));
    line(words.alone, &alone);
    for support in &rule.supports {
        let with = support.rules.iter().chain(&support.families).map(|word| word.value.as_str());
        let with: Vec<&str> = with.collect();
        line(words.supported, &format!("`{}` ({})", support.floor.value, with.join(", ")));
    }
    let guards = rule.guards.iter().filter_map(|id| {
        let guard = pack.guards.iter().find(|guard| guard.id.value == id.value)?;
        Some(format!("{} {}", id.value, pick(&guard.title)))
    });
    let guards: Vec<String> = guards.collect();
    if !guards.is_empty() {
        line(words.guards, &guards.join("; "));
    }
    if !rule.params.is_empty() {
        let _ = writeln!(text, "\n{}", words.params);
        rule.params.iter().for_each(|param| text += &row(param));
    }
    let _ = writeln!(text, "\n{}:\n", words.examples);
    for example in &rule.examples {
        let fires = if example.expect.is_empty() { "－" } else { "＋" };
        let zh = example.zh.as_ref().filter(|_| words.folder == "zh");
        let _ = writeln!(text, "- {fires} {}", zh.unwrap_or(&example.name).value);
    }
    text
}

fn row(param: &ParamDoc) -> String {
    let text = |text: &Option<super::document::Text>| {
        text.as_ref().map_or(String::new(), |text| text.value.clone())
    };
    let grades =
        param.by_grade.iter().map(|(grade, node)| format!(", {}: {}", grade.value, shown(node)));
    let value = shown(&param.value) + &grades.collect::<String>();
    format!("| `{}` | {value} | {} | {} |\n", param.name.value, text(&param.unit), text(&param.doc))
}

fn shown(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.value.clone(),
        Value::Integer(value) => value.to_string(),
        Value::Float(raw) => raw.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Bool | Value::Table(_) | Value::Other => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::shipped;

    #[test]
    fn the_pages_are_fresh() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/rules");
        let fresh = pages(&shipped::files()).expect("the shipped pack is readable");
        let update = std::env::var("INSTA_UPDATE").as_deref() == Ok("always");
        for (path, text) in &fresh {
            let whole = format!("{root}/{path}");
            if update {
                let folder = whole.rsplit_once('/').expect("in a folder").0;
                std::fs::create_dir_all(folder).expect("writable");
                std::fs::write(&whole, text).expect("writable");
            }
            let there = std::fs::read_to_string(&whole).unwrap_or_default();
            assert!(there == *text, "{path} is stale: run this test with INSTA_UPDATE=always");
        }
        for language in LANGUAGES {
            let folder = std::fs::read_dir(format!("{root}/{}", language.folder)).expect("there");
            for entry in folder {
                let name = entry.expect("readable").file_name().to_string_lossy().into_owned();
                let path = format!("{}/{name}", language.folder);
                assert!(fresh.contains_key(&path), "{path} belongs to no folder of the pack");
            }
        }
    }

    #[test]
    fn every_shipped_rule_has_a_card_and_every_example_a_name_in_both_languages() {
        let files = shipped::files();
        let files = sorted(&files);
        let mut sink = Sink::new(&files);
        let pack = source::read(&files, &mut sink);
        for rule in &pack.rules {
            assert!(rule.card.is_some(), "{}", rule.id.value);
            for example in &rule.examples {
                let zh = example.zh.as_ref().map_or("", |zh| zh.value.as_str());
                assert!(!zh.is_ascii(), "{}: {}", rule.id.value, example.name.value);
            }
        }
    }
}
