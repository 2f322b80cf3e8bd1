//! `docs/rules/`: what each rule catches, what it must not catch, which data it needs and how it is
//! tuned, in two languages, printed from the rules' own files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::diagnostics::{Diagnostic, Sink};
use super::phrase::{Phrases, values};
use super::plan::Plan;
use super::plan::program::Type;
use super::source::{self, Bi, Pack, ParamDoc, RuleDoc};
use super::text::{Language, format_value};
use super::written::condition;
use super::{SourceFile, compile, sorted};
use crate::limits;
use crate::model::measure::Action;

/// Which of a text's two languages.
type Pick = fn(&Bi) -> &str;

/// The words of one language.
struct Words {
    folder: &'static str,
    language: Language,
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
    /// Of an escalation: before its condition.
    further: &'static str,
    supported: &'static str,
    /// In the index, before the strongest measure of escalations.
    up_to: &'static str,
    weight: &'static str,
    where_it_holds: fn(&str, &str) -> String,
    also: &'static str,
    judged: &'static str,
    looks_back: &'static str,
    known_parties: fn(i32) -> String,
    condition: &'static str,
    params: &'static str,
    examples: &'static str,
}

const LANGUAGES: &[Words] = &[
    Words {
        folder: "zh",
        language: Language::Zh,
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
        further: "更强措施",
        supported: "有其他规则支持时",
        up_to: "，最高 ",
        weight: "，权重",
        where_it_holds: |asked, condition| format!("{asked}，条件：{condition}"),
        also: "；",
        judged: "判断时点",
        looks_back: "回看",
        known_parties: |days| format!("另需 {days} 天的往来记忆：新启动的进程把所有人都当作新对手"),
        condition: "条件（原文）",
        params: "| 参数 | 值 | 单位 | 含义 |\n|---|---|---|---|",
        examples: "示例",
    },
    Words {
        folder: "en",
        language: Language::En,
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
        further: "Asks for more",
        supported: "With support",
        up_to: ", up to ",
        weight: ", weight",
        where_it_holds: |asked, condition| format!("{asked}, where {condition}"),
        also: "; ",
        judged: "Judged",
        looks_back: "Looks back",
        known_parties: |days| {
            format!(
                "and remembers {days} days of who paid whom: to a process that began later \
                 everybody is new"
            )
        },
        condition: "Condition, as written",
        params: "| parameter | value | unit | meaning |\n|---|---|---|---|",
        examples: "Examples",
    },
];

/// The pages, by path below `docs/rules/`.
///
/// # Errors
/// What is wrong with the pack's files.
pub fn pages(files: &[SourceFile]) -> Result<BTreeMap<String, String>, Vec<Diagnostic>> {
    let plan = compile(files)?;
    let files = sorted(files);
    let mut sink = Sink::new(&files);
    let pack = source::read(&files, &mut sink);
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
                    alone = alone(rule, words),
                );
                page += &section(&pack, &plan, rule, words);
            }
            pages.insert(format!("{}/{name}.md", words.folder), page);
        }
        pages.insert(format!("{}/README.md", words.folder), index);
    }
    Ok(pages)
}

/// What a rule asks for alone, in the index: its floor, and the strongest that an escalation asks
/// for.
fn alone(rule: &RuleDoc, words: &Words) -> String {
    let floor = rule.floor.as_ref().map_or(words.by_score, |floor| &floor.value);
    let escalated = rule.escalations.iter().filter_map(|e| Action::parse(&e.floor.value)).max();
    let own = rule.floor.as_ref().and_then(|floor| Action::parse(&floor.value));
    match escalated.filter(|strongest| own.is_none_or(|own| own < *strongest)) {
        Some(strongest) => format!("{floor}{}{}", words.up_to, strongest.word()),
        None => floor.to_owned(),
    }
}

fn section(pack: &Pack, plan: &Plan, rule: &RuleDoc, words: &Words) -> String {
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
    let phrases = Phrases { params: &rule.params, language: words.language };
    for escalation in &rule.escalations {
        let weight = escalation.weight.map_or(String::new(), |n| format!("{} {n}", words.weight));
        let condition = phrases.condition(&escalation.when.value);
        let asked = format!("`{}`{weight}", escalation.floor.value);
        line(words.further, &(words.where_it_holds)(&asked, &condition));
    }
    for support in &rule.supports {
        let with = support.rules.iter().chain(&support.families).map(|word| word.value.as_str());
        let with: Vec<&str> = with.collect();
        line(words.supported, &format!("`{}` ({})", support.floor.value, with.join(", ")));
    }
    if let Some(compiled) = plan.rules.iter().find(|compiled| compiled.id == rule.id.value) {
        let (reach_ms, working_days) = plan.reach(compiled);
        let mut back = Vec::new();
        if working_days > 0 {
            back.push(format!("`{working_days}wd`"));
        }
        if reach_ms > 0 {
            back.push(format_value(Type::Duration, reach_ms, plan.currency, None, words.language));
        }
        if plan.asks_who_is_known(compiled) {
            back.push((words.known_parties)(limits::PAIR_DAYS));
        }
        if !back.is_empty() {
            line(words.looks_back, &back.join(words.also));
        }
    }
    let guards = rule.guards.iter().filter_map(|id| {
        let guard = pack.guards.iter().find(|guard| guard.id.value == id.value)?;
        Some(format!("{} {}", id.value, pick(&guard.title)))
    });
    let guards: Vec<String> = guards.collect();
    if !guards.is_empty() {
        line(words.guards, &guards.join("; "));
    }
    let _ = writeln!(text, "\n{}:\n\n```text\n{}```", words.condition, condition(rule));
    if !rule.params.is_empty() {
        let _ = writeln!(text, "\n{}", words.params);
        rule.params.iter().for_each(|param| text += &row(param, words));
    }
    let _ = writeln!(text, "\n{}:\n", words.examples);
    for example in &rule.examples {
        let fires = if example.expect.is_empty() { "－" } else { "＋" };
        let zh = example.zh.as_ref().filter(|_| words.folder == "zh");
        let _ = writeln!(text, "- {fires} {}", zh.unwrap_or(&example.name).value);
    }
    text
}

fn row(param: &ParamDoc, words: &Words) -> String {
    let text = |text: &Option<super::document::Text>| {
        text.as_ref().map_or(String::new(), |text| text.value.clone())
    };
    let (value, unit) = (values(param, "", words.language), text(&param.unit));
    format!("| `{}` | {value} | {unit} | {} |\n", param.name.value, text(&param.doc))
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
    fn a_card_tells_what_makes_its_rule_ask_for_more() {
        let pages = pages(&shipped::files()).expect("the shipped pack compiles");
        for (page, told) in [
            (
                "en/mule.md",
                "- Asks for more: `stop_payment`, where `cycles` is at least 2 (`cycles`), or (`payer.grade` is known, and `payer.grade` is `high`)",
            ),
            (
                "en/mule.md",
                "- Asks for more: `review`, weight 50, where `terminals` is at least 2 (`min_terminals`)",
            ),
            ("zh/mule.md", "- 更强措施: `credit_only`，条件：`cancelled` 成立，或 `revoked` 成立"),
            (
                "en/README.md",
                "| [M01](mule.md#m01) | Pass-through without a balance | flow | 50 | review, up to stop_payment |",
            ),
            ("zh/README.md", "| review，最高 delay |"),
            (
                "en/mule.md",
                "flow_ratio      = payer.flow(params.window).without('own', 'payroll', 'benign').ratio()\n",
            ),
        ] {
            assert!(pages[page].contains(told), "{page}: {told}");
        }
    }

    #[test]
    fn grades_with_values_of_their_own_stand_beside_the_value() {
        let mut files = shipped::files();
        let m02 = files.iter_mut().find(|file| file.path.contains("m02_")).expect("shipped");
        let (from, to) =
            ("value = \"10000.00\",", "value = \"10000.00\", by_grade = { high = \"3000.00\" },");
        assert!(m02.text.contains(from));
        m02.text = m02.text.replacen(from, to, 1);
        let pages = pages(&files).expect("it compiles");
        let row = "| `min_sum` | 10000.00, 3000.00 for grade `high` | CNY | together |";
        assert!(pages["en/mule.md"].contains(row));
        assert!(
            pages["zh/mule.md"]
                .contains("| `min_sum` | 10000.00，风险等级为 `high` 时 3000.00 | CNY |")
        );
    }

    #[test]
    fn a_rule_that_asks_who_is_new_needs_a_memory_and_its_card_says_so() {
        let files = shipped::files();
        let plan = compile(&files).expect("the shipped pack compiles");
        let pages = pages(&files).expect("likewise");
        assert!(pages["en/victim.md"].contains("- Looks back: 180 d; and remembers 180 days"));
        let asking = plan.rules.iter().filter(|rule| plan.asks_who_is_known(rule));
        let asking: Vec<&str> = asking.map(|rule| rule.id.as_str()).collect();
        assert!(asking.contains(&"R07") && asking.contains(&"V01") && !asking.contains(&"M01"));
        for id in asking {
            let written = crate::rules::written::of(&files, id).expect("a rule");
            let needs = written.card.into_iter().find(|(part, _)| *part == "needs");
            let (_, needs) = needs.expect("a card");
            assert!(!needs.en.contains("nothing beyond"), "{id}: {}", needs.en);
            assert!(!needs.zh.contains("只需"), "{id}: {}", needs.zh);
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
