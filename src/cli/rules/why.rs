//! `rules why`: an alert, rule by rule and condition by condition, in words; held against the pack
//! that is said to have raised it.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use serde_json::{Value, json};

use super::{WhyArgs, load};
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::rules::plan::{Plan, RulePlan};
use crate::rules::text::{Language, format_plain};

/// The language of the words.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Lang {
    /// Chinese.
    Zh,
    /// English.
    #[default]
    En,
}

impl Lang {
    fn language(self) -> Language {
        match self {
            Self::Zh => Language::Zh,
            Self::En => Language::En,
        }
    }

    fn pick(self, zh: &'static str, en: &'static str) -> &'static str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

pub(super) fn run(args: &WhyArgs, printer: &Printer) -> Result<(), Failure> {
    let alert = alert(args).map_err(Failure::Usage)?;
    let (_, plan) = load(&args.pack, printer)?;
    let sha256 = word(&alert, "/requested_by/rule_pack/sha256").to_owned();
    let is_same_pack = sha256 == plan.pack_sha256;
    let explained = explain(&alert, is_same_pack.then_some(&plan), args.lang);
    match args.format {
        Format::Json => printer.data(&serde_json::to_string_pretty(&explained)?),
        Format::Table => printer.data(&draw(&explained, args.lang)),
        Format::Csv => super::table::print_flat(&explained, printer)?,
    }
    if is_same_pack {
        return Ok(());
    }
    printer.warn(&format!(
        "The alert was raised by pack {sha256}, the pack read here is {}. What the alert carries is \
         explained; what did not hold is only known with the pack that raised it: name it with \
         --rules and --overlay.",
        plan.pack_sha256
    ));
    Err(Failure::Silent)
}

/// The alert of a file or of the standard input: one object, or one of several lines.
fn alert(args: &WhyArgs) -> anyhow::Result<Value> {
    let mut text = String::new();
    if args.alert == Path::new("-") {
        std::io::stdin().read_to_string(&mut text).context("cannot read the standard input")?;
    } else {
        let shown = args.alert.display();
        text =
            std::fs::read_to_string(&args.alert).with_context(|| format!("cannot read {shown}"))?;
    }
    let alerts: Vec<Value> = serde_json::Deserializer::from_str(&text)
        .into_iter()
        .collect::<Result<_, _>>()
        .context("the alert is not JSON")?;
    let is_wanted = |alert: &&Value| {
        args.id.as_ref().is_none_or(|id| word(alert, "/alert_id").starts_with(id.as_str()))
    };
    let found: Vec<&Value> = alerts.iter().filter(is_wanted).collect();
    let last = found.last().ok_or_else(|| anyhow!("there is no such alert"))?;
    let one_episode = found.iter().all(|a| word(a, "/alert_id") == word(last, "/alert_id"));
    if !one_episode {
        return Err(anyhow!("there are {} alerts; name one with --id", found.len()));
    }
    if word(last, "/schema") != "alert.v1" {
        return Err(anyhow!("this is not an alert.v1"));
    }
    Ok((*last).clone())
}

fn word<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The alert as data: each rule with its conditions and guards.
fn explain(alert: &Value, plan: Option<&Plan>, lang: Lang) -> Value {
    let rules: Vec<Value> = list(alert, "reasons")
        .iter()
        .map(|reason| {
            let id = word(reason, "/rule_id");
            let rule = plan.and_then(|plan| plan.rules.iter().find(|rule| rule.id == id));
            json!({
                "rule": id,
                "name": rule.map(|rule| rule.name.clone()),
                "weight": reason.get("weight"),
                "text": word(reason, lang.pick("/text/zh", "/text/en")),
                "conditions": conditions(alert, id, rule, lang),
                "guards": guards(alert, id, plan, lang),
            })
        })
        .collect();
    let target = [word(alert, "/target/display"), word(alert, "/target/account")];
    json!({
        "alert": word(alert, "/alert_id"),
        "revision": alert.get("revision"),
        "action": word(alert, "/action"),
        "target": target.into_iter().find(|name| !name.is_empty()),
        "score": alert.get("score"),
        "time": word(alert, "/timing/event_time"),
        "pack": word(alert, "/requested_by/rule_pack/id"),
        "pack_is_the_one_read": plan.is_some(),
        "rules": rules,
    })
}

fn conditions(alert: &Value, id: &str, rule: Option<&RulePlan>, lang: Lang) -> Vec<Value> {
    let own = || list(alert, "evidence").iter().filter(|e| word(e, "/rule_id") == id);
    let mut conditions: Vec<Value> = own()
        .map(|evidence| {
            let unit = word(evidence, "/unit");
            let written = |key| format_plain(word(evidence, key), unit, lang.language());
            json!({
                "value": word(evidence, "/feature"),
                "seen": written("/value"),
                "wanted": format!("{} {}", operator(word(evidence, "/op"), lang), written("/threshold")),
                "outcome": lang.pick("成立", "holds"),
                "window": evidence.get("window"),
                "events": list(evidence, "events").len(),
            })
        })
        .collect();
    // What decided nothing is not in the alert; the pack knows that it was asked.
    let silent = rule.into_iter().flat_map(|rule| &rule.evidence).filter(|planned| {
        !own().any(|e| {
            word(e, "/feature") == planned.name && word(e, "/op") == planned.operator.word()
        })
    });
    conditions.extend(silent.map(|planned| {
        json!({
            "value": planned.name,
            "seen": lang.pick("告警未携带", "not in the alert"),
            "wanted": operator(planned.operator.word(), lang),
            "outcome": lang.pick("未成立或无法判断", "did not hold, or could not be said"),
        })
    }));
    conditions
}

fn guards(alert: &Value, id: &str, plan: Option<&Plan>, lang: Lang) -> Vec<Value> {
    let own = list(alert, "guards").iter().filter(|g| word(g, "/rule_id") == id);
    own.map(|guard| {
        let name = word(guard, "/guard_id");
        let title =
            plan.and_then(|plan| plan.guards.iter().find(|g| g.id == name)).map(|g| match lang {
                Lang::Zh => g.title.zh.clone(),
                Lang::En => g.title.en.clone(),
            });
        let outcome = match word(guard, "/result") {
            "not_applicable" => lang.pick("不适用", "did not apply"),
            "not_evaluable" => lang.pick("无法判断", "could not be said"),
            "lowered" => lang.pick("降低", "halved the weight"),
            _ => lang.pick("剔除", "removed the finding"),
        };
        json!({ "guard": name, "title": title, "outcome": outcome })
    })
    .collect()
}

fn operator(op: &str, lang: Lang) -> &'static str {
    match op {
        ">=" => lang.pick("不低于", "at least"),
        "<=" => lang.pick("不高于", "at most"),
        ">" => lang.pick("高于", "more than"),
        "<" => lang.pick("低于", "less than"),
        "!=" => lang.pick("不是", "not"),
        _ => lang.pick("是", "is"),
    }
}

fn draw(explained: &Value, lang: Lang) -> String {
    let cell = |value: &Value, key: &str| match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    };
    let mut text = format!(
        "{} {}.{}: {} {}, {} {}\n",
        lang.pick("告警", "Alert"),
        cell(explained, "alert"),
        cell(explained, "revision"),
        cell(explained, "action"),
        cell(explained, "target"),
        lang.pick("评分", "score"),
        cell(explained, "score"),
    );
    for rule in list(explained, "rules") {
        let (id, name) = (cell(rule, "rule"), cell(rule, "name"));
        let weight = lang.pick("权重", "weight");
        text +=
            &format!("\n{id} {name} ({weight} {}): {}\n", cell(rule, "weight"), cell(rule, "text"));
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
        table.set_header(match lang {
            Lang::Zh => ["条件", "观察值", "要求", "结果"],
            Lang::En => ["condition", "seen", "wanted", "outcome"],
        });
        for condition in list(rule, "conditions") {
            table.add_row(["value", "seen", "wanted", "outcome"].map(|key| cell(condition, key)));
        }
        text += &format!("{table}\n");
        for guard in list(rule, "guards") {
            let (name, title) = (cell(guard, "guard"), cell(guard, "title"));
            text += &format!("  {name} {title}: {}\n", cell(guard, "outcome"));
        }
    }
    text.trim_end().to_owned()
}
