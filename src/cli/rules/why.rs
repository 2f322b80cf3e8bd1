//! `rules why`: an alert, rule by rule and condition by condition, in words; held against the pack
//! that is said to have raised it.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use clap::ValueEnum;
use serde::Serialize;
use serde_json::Value;

use super::{WhyArgs, load};
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::rules::SourceFile;
use crate::rules::hindsight::{self, Condition, Joint, Outcome, Part, Told};
use crate::rules::operator;
use crate::rules::plan::Plan;
use crate::rules::plan::program::CompareOp;
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
    let (files, plan) = load(&args.pack, printer)?;
    let sha256 = word(&alert, "/requested_by/rule_pack/sha256").to_owned();
    let is_same_pack = sha256 == plan.pack_sha256;
    let pack = is_same_pack.then_some((files.as_slice(), &plan));
    let explained = Explained::of(&alert, pack, args.lang);
    match args.format {
        Format::Json => printer.data(&serde_json::to_string_pretty(&explained)?),
        Format::Table => printer.data(&draw(&explained, args.lang)),
        Format::Csv => super::table::print_flat(&serde_json::to_value(&explained)?, printer)?,
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
    let Some(last) = found.last() else {
        return Err(match &args.id {
            Some(id) if !alerts.is_empty() => {
                anyhow!("none of the {} alerts has an id that begins with `{id}`", alerts.len())
            }
            _ => anyhow!("there is no alert in it"),
        });
    };
    let one_episode = found.iter().all(|a| word(a, "/alert_id") == word(last, "/alert_id"));
    if !one_episode {
        return Err(anyhow!("there are {} alerts; name one with --id", found.len()));
    }
    if word(last, "/schema") != "alert.v1" {
        return Err(anyhow!(match word(last, "/schema") {
            "" => "this is not an alert.v1: it has no `schema`".to_owned(),
            other => format!("this is not an alert.v1: its schema is `{other}`"),
        }));
    }
    Ok((*last).clone())
}

fn word<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// An alert in words: each rule with its conditions and guards.
#[derive(Debug, Serialize)]
struct Explained<'a> {
    alert: &'a str,
    revision: Option<u64>,
    action: &'a str,
    target: Option<&'a str>,
    score: Option<u64>,
    time: &'a str,
    pack: &'a str,
    /// Whether the pack read here is the one that raised it.
    is_same_pack: bool,
    rules: Vec<ExplainedRule<'a>>,
}

#[derive(Debug, Serialize)]
struct ExplainedRule<'a> {
    rule: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    weight: Option<u64>,
    text: &'a str,
    conditions: Vec<Line<'a>>,
    /// What would have asked for a stronger measure.
    escalations: Vec<EscalationTold<'a>>,
    guards: Vec<GuardTold<'a>>,
}

#[derive(Debug, Serialize)]
struct EscalationTold<'a> {
    floor: String,
    conditions: Vec<Line<'a>>,
}

/// One condition.
#[derive(Debug, Serialize)]
struct Line<'a> {
    /// How it stands to the one before it.
    #[serde(skip_serializing_if = "str::is_empty")]
    joined: &'static str,
    #[serde(skip)]
    depth: usize,
    value: String,
    seen: String,
    wanted: String,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    window: Option<&'a Value>,
    /// Events behind it that the alert names.
    events: usize,
}

#[derive(Debug, Serialize)]
struct GuardTold<'a> {
    guard: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    outcome: &'static str,
}

impl<'a> Explained<'a> {
    fn of(alert: &'a Value, pack: Option<(&[SourceFile], &'a Plan)>, lang: Lang) -> Self {
        let rules = list(alert, "reasons").iter().map(|reason| {
            let id = word(reason, "/rule_id");
            let rule = pack.and_then(|(_, plan)| plan.rules.iter().find(|rule| rule.id == id));
            let text = word(reason, lang.pick("/text/zh", "/text/en"));
            let (conditions, escalations) = conditions(alert, id, text, pack, lang);
            ExplainedRule {
                rule: id,
                name: rule.map(|rule| rule.name.as_str()),
                weight: reason.get("weight").and_then(Value::as_u64),
                text,
                conditions,
                escalations,
                guards: guards(alert, id, pack.map(|(_, plan)| plan), lang),
            }
        });
        let target = [word(alert, "/target/display"), word(alert, "/target/account")];
        Self {
            alert: word(alert, "/alert_id"),
            revision: alert.get("revision").and_then(Value::as_u64),
            action: word(alert, "/action"),
            target: target.into_iter().find(|name| !name.is_empty()),
            score: alert.get("score").and_then(Value::as_u64),
            time: word(alert, "/timing/event_time"),
            pack: word(alert, "/requested_by/rule_pack/id"),
            is_same_pack: pack.is_some(),
            rules: rules.collect(),
        }
    }
}

/// The conditions of a rule and of what would have asked for more; without the pack those that the
/// alert carries.
fn conditions<'a>(
    alert: &'a Value,
    id: &str,
    reason: &str,
    pack: Option<(&[SourceFile], &Plan)>,
    lang: Lang,
) -> (Vec<Line<'a>>, Vec<EscalationTold<'a>>) {
    let own: Vec<&Value> =
        list(alert, "evidence").iter().filter(|e| word(e, "/rule_id") == id).collect();
    let told: Vec<Told<'_>> = own
        .iter()
        .map(|evidence| Told {
            feature: word(evidence, "/feature"),
            op: word(evidence, "/op"),
            value: word(evidence, "/value"),
            threshold: word(evidence, "/threshold"),
            unit: word(evidence, "/unit"),
        })
        .collect();
    let parts = pack.and_then(|(files, plan)| {
        hindsight::of((files, plan), id, (&told, reason), lang.language())
    });
    let Some(mut parts) = parts else {
        let carried = own.iter().map(|evidence| carried(evidence, lang));
        return (carried.collect(), Vec::new());
    };
    let lines = |part: &Part| {
        let mut lines: Vec<Line<'_>> =
            part.conditions.iter().map(|condition| line(condition, &own, lang)).collect();
        // The first joins nothing.
        if let Some(first) = lines.first_mut().filter(|line| line.depth == 0) {
            first.joined = if first.joined == and(lang) { "" } else { first.joined };
        }
        lines
    };
    let whole = parts.remove(0);
    let escalations = parts.iter().map(|part| EscalationTold {
        floor: part.escalates_to.clone().unwrap_or_default(),
        conditions: lines(part),
    });
    (lines(&whole), escalations.collect())
}

/// A condition that is known from the alert only.
fn carried<'a>(evidence: &'a Value, lang: Lang) -> Line<'a> {
    let unit = word(evidence, "/unit");
    let written = |key| format_plain(word(evidence, key), unit, lang.language());
    let op = CompareOp::ALL.iter().find(|op| op.word() == word(evidence, "/op"));
    let op = op.map_or("", |op| operator(*op, lang.language()));
    Line {
        joined: "",
        depth: 0,
        value: word(evidence, "/feature").to_owned(),
        seen: written("/value"),
        wanted: format!("{op} {}", written("/threshold")),
        outcome: outcome(Outcome::Held, lang),
        window: evidence.get("window"),
        events: list(evidence, "events").len(),
    }
}

fn line<'a>(condition: &Condition, own: &[&'a Value], lang: Lang) -> Line<'a> {
    let evidence = own.iter().find(|evidence| word(evidence, "/feature") == condition.value);
    let joined = match condition.joint {
        Joint::And => and(lang),
        Joint::Or => lang.pick("或", "or"),
        Joint::Where => lang.pick("若", "where"),
        Joint::Then => lang.pick("则", "then"),
        Joint::Otherwise => lang.pick("否则", "otherwise"),
    };
    Line {
        joined,
        depth: condition.depth,
        value: condition.value.clone(),
        seen: condition
            .seen
            .clone()
            .unwrap_or_else(|| lang.pick("告警未携带", "not in the alert").to_owned()),
        wanted: condition.wanted.clone(),
        outcome: outcome(condition.outcome, lang),
        window: evidence.and_then(|evidence| evidence.get("window")),
        events: evidence.map_or(0, |evidence| list(evidence, "events").len()),
    }
}

fn and(lang: Lang) -> &'static str {
    lang.pick("且", "and")
}

fn outcome(outcome: Outcome, lang: Lang) -> &'static str {
    match outcome {
        Outcome::Held => lang.pick("成立", "held"),
        Outcome::NotHeld => lang.pick("未成立", "did not hold"),
        Outcome::Missing => lang.pick("缺值，无法判断", "could not be said: no value"),
        Outcome::NotHeldOrMissing => lang.pick("未成立或缺值", "did not hold, or had no value"),
        Outcome::NotAsked => lang.pick("未问及", "not asked"),
        Outcome::Untold => lang.pick("告警未说明", "the alert does not tell"),
    }
}

fn guards<'a>(
    alert: &'a Value,
    id: &str,
    plan: Option<&'a Plan>,
    lang: Lang,
) -> Vec<GuardTold<'a>> {
    let own = list(alert, "guards").iter().filter(|g| word(g, "/rule_id") == id);
    own.map(|guard| {
        let name = word(guard, "/guard_id");
        let title =
            plan.and_then(|plan| plan.guards.iter().find(|g| g.id == name)).map(|g| match lang {
                Lang::Zh => g.title.zh.as_str(),
                Lang::En => g.title.en.as_str(),
            });
        let outcome = match word(guard, "/result") {
            "not_applicable" => lang.pick("不适用", "did not apply"),
            "not_evaluable" => lang.pick("无法判断", "could not be said"),
            "lowered" => lang.pick("降低", "halved the weight"),
            _ => lang.pick("剔除", "removed the finding"),
        };
        GuardTold { guard: name, title, outcome }
    })
    .collect()
}

fn draw(explained: &Explained<'_>, lang: Lang) -> String {
    let number = |number: Option<u64>| number.map_or(String::new(), |number| number.to_string());
    let mut text = format!(
        "{} {}.{}: {} {}, {} {}\n",
        lang.pick("告警", "Alert"),
        explained.alert,
        number(explained.revision),
        explained.action,
        explained.target.unwrap_or_default(),
        lang.pick("评分", "score"),
        number(explained.score),
    );
    for rule in &explained.rules {
        let (id, name, weight) = (rule.rule, rule.name.unwrap_or_default(), number(rule.weight));
        let word = lang.pick("权重", "weight");
        text += &format!("\n{id} {name} ({word} {weight}): {}\n", rule.text);
        text += &table(&rule.conditions, lang);
        for escalation in &rule.escalations {
            let asks = lang.pick("更强措施", "Asks for more");
            text += &format!("{asks}: {}\n", escalation.floor);
            text += &table(&escalation.conditions, lang);
        }
        for guard in &rule.guards {
            let title = guard.title.unwrap_or_default();
            text += &format!("  {} {title}: {}\n", guard.guard, guard.outcome);
        }
    }
    text.trim_end().to_owned()
}

fn table(conditions: &[Line<'_>], lang: Lang) -> String {
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(match lang {
        Lang::Zh => ["条件", "观察值", "要求", "结果"],
        Lang::En => ["condition", "seen", "wanted", "outcome"],
    });
    for line in conditions {
        let indent = "  ".repeat(line.depth);
        let joined = match line.joined {
            // What all else is joined by needs no word.
            "" => String::new(),
            word if word == and(lang) && line.depth == 0 => String::new(),
            word => format!("{word} "),
        };
        let value = format!("{indent}{joined}{}", line.value);
        table.add_row([value.as_str(), &line.seen, &line.wanted, line.outcome]);
    }
    format!("{table}\n")
}
