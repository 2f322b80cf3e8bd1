//! A rule's file and a guard's table.

use std::ops::Range;

use crate::rules::diagnostics::Sink;
use crate::rules::document::{Fields, Node, Text, Value, as_text};

/// A text in both languages.
#[derive(Clone, Debug)]
pub(in crate::rules) struct Bi {
    pub(in crate::rules) zh: Text,
    pub(in crate::rules) en: Text,
}

/// A number with its place.
#[derive(Clone, Debug)]
pub(in crate::rules) struct NumberDoc {
    pub(in crate::rules) value: i64,
    pub(in crate::rules) file: usize,
    pub(in crate::rules) span: Range<usize>,
}

/// `name = { value = …, unit = …, doc = …, by_grade = { high = … } }`
#[derive(Clone, Debug)]
pub(in crate::rules) struct ParamDoc {
    pub(in crate::rules) name: Text,
    pub(in crate::rules) value: Node,
    pub(in crate::rules) unit: Option<Text>,
    pub(in crate::rules) doc: Option<Text>,
    pub(in crate::rules) by_grade: Vec<(Text, Node)>,
}

/// `[[escalate]]`
#[derive(Clone, Debug)]
pub(in crate::rules) struct EscalationDoc {
    pub(in crate::rules) when: Text,
    pub(in crate::rules) floor: Text,
    pub(in crate::rules) weight: Option<u32>,
}

/// `[[support]]`
#[derive(Clone, Debug)]
pub(in crate::rules) struct SupportDoc {
    pub(in crate::rules) rules: Vec<Text>,
    pub(in crate::rules) families: Vec<Text>,
    pub(in crate::rules) floor: Text,
    pub(in crate::rules) span: Range<usize>,
}

/// `[[examples]]`
#[derive(Clone, Debug)]
pub(in crate::rules) struct ExampleDoc {
    pub(in crate::rules) name: Text,
    /// Its name for the pages in Chinese.
    pub(in crate::rules) zh: Option<Text>,
    pub(in crate::rules) given: Text,
    pub(in crate::rules) expect: Vec<Text>,
    /// Of an example of the whole pack: alerts before this moment are not what it is about.
    pub(in crate::rules) from: Option<Text>,
}

/// `[[lint.allow]]`: a remark of `rules lint` that is meant to be so.
#[derive(Clone, Debug)]
pub(in crate::rules) struct AllowDoc {
    /// The remark's code.
    pub(in crate::rules) code: Text,
    /// Only about this parameter or value.
    pub(in crate::rules) about: Option<Text>,
    /// Why.
    pub(in crate::rules) reason: Text,
}

/// `[card]`: what people want to know of a rule before they trust it.
#[derive(Clone, Debug)]
pub(in crate::rules) struct CardDoc {
    /// What it catches.
    pub(in crate::rules) catches: Bi,
    /// What it must not catch.
    pub(in crate::rules) spares: Bi,
    /// Which data it needs.
    pub(in crate::rules) needs: Bi,
    /// How to tune it.
    pub(in crate::rules) tune: Bi,
    /// Where the typology leaves a choice, what was chosen.
    pub(in crate::rules) choices: Option<Bi>,
}

/// A rule's file.
#[derive(Clone, Debug)]
pub(in crate::rules) struct RuleDoc {
    pub(in crate::rules) file: usize,
    pub(in crate::rules) id: Text,
    pub(in crate::rules) name: Text,
    pub(in crate::rules) version: Text,
    pub(in crate::rules) code: Text,
    pub(in crate::rules) title: Bi,
    pub(in crate::rules) family: Text,
    pub(in crate::rules) weight: NumberDoc,
    pub(in crate::rules) mode: Option<Text>,
    pub(in crate::rules) phases: Vec<Text>,
    pub(in crate::rules) subject: Text,
    pub(in crate::rules) about: Option<Text>,
    pub(in crate::rules) target_held: Text,
    pub(in crate::rules) target_settled: Text,
    pub(in crate::rules) guards: Vec<Text>,
    pub(in crate::rules) floor: Option<Text>,
    pub(in crate::rules) card: Option<CardDoc>,
    pub(in crate::rules) params: Vec<ParamDoc>,
    pub(in crate::rules) features: Vec<(Text, Text)>,
    pub(in crate::rules) when: Text,
    pub(in crate::rules) balance_unknown: Option<Text>,
    pub(in crate::rules) escalations: Vec<EscalationDoc>,
    pub(in crate::rules) supports: Vec<SupportDoc>,
    pub(in crate::rules) text: Bi,
    pub(in crate::rules) examples: Vec<ExampleDoc>,
    pub(in crate::rules) allows: Vec<AllowDoc>,
}

/// One guard.
#[derive(Clone, Debug)]
pub(in crate::rules) struct GuardDoc {
    pub(in crate::rules) id: Text,
    pub(in crate::rules) title: Bi,
    pub(in crate::rules) when: Text,
    pub(in crate::rules) effect: Text,
    /// `all`: every rule outside the list family names it.
    pub(in crate::rules) scope: Option<Text>,
    pub(in crate::rules) allows: Vec<AllowDoc>,
}

impl GuardDoc {
    /// Whether findings of a rule ask it.
    pub(in crate::rules) fn is_of(&self, rule: &RuleDoc) -> bool {
        let is_named = rule.guards.iter().any(|guard| guard.value == self.id.value);
        let is_for_all = self.scope.as_ref().is_some_and(|scope| scope.value == "all");
        is_named || (is_for_all && rule.family.value != "list")
    }
}

pub(in crate::rules) const RULE_KEYS: &[&str] = &[
    "id", "name", "version", "code", "title", "family", "weight", "mode", "phases", "subject",
    "about", "target", "guards", "floor", "card", "params", "features", "when", "escalate",
    "support", "text", "examples", "lint",
];

/// Keys of a parameter that is written in full.
pub(in crate::rules) const PARAM_KEYS: &[&str] = &["value", "unit", "doc", "by_grade"];

/// The id of a rule, for those that name it: it is known even where its file cannot be read.
pub(super) fn rule_id(root: &Node) -> Option<String> {
    root.text("id")
}

pub(super) fn read_rule(file: usize, root: &Node, sink: &mut Sink<'_>) -> Option<RuleDoc> {
    let fields = Fields::open(root, "a rule", RULE_KEYS, sink)?;
    let id = fields.require_text("id", sink);
    let name = fields.require_text("name", sink);
    let version = fields.require_text("version", sink);
    let code = fields.require_text("code", sink);
    let title = fields.require("title", sink).and_then(|node| read_bi(node, sink));
    let family = fields.require_text("family", sink);
    let weight = fields.require("weight", sink).and_then(|node| {
        let value = fields.number("weight", 1..=100, sink)?;
        let file = node.file;
        Some(NumberDoc { value, file, span: node.span.clone() })
    });
    let mode = fields.text("mode", sink);
    fields.require("phases", sink);
    let phases = fields.texts("phases", sink);
    let subject = fields.require_text("subject", sink);
    let about = fields.text("about", sink);
    let target = fields.require("target", sink).and_then(|node| {
        let target = Fields::open(node, "[target]", &["held", "settled"], sink)?;
        let held = target.require_text("held", sink);
        let settled = target.require_text("settled", sink);
        Some((held?, settled?))
    });
    let guards = fields.texts("guards", sink);
    let floor = fields.text("floor", sink);
    let card = fields.get("card").and_then(|node| read_card(node, sink));
    let params = read_params(&fields, sink);
    let features: Vec<(Text, Text)> = fields
        .pairs("features", sink)
        .iter()
        .filter_map(|(name, node)| Some((name.clone(), as_text(node, sink)?)))
        .collect();
    let when = fields.require("when", sink).and_then(|node| {
        let when = Fields::open(node, "[when]", &["alert", "balance_unknown"], sink)?;
        let alert = when.require_text("alert", sink);
        let unknown = when.text("balance_unknown", sink);
        Some((alert?, unknown))
    });
    let escalations = read_escalations(&fields, sink);
    let supports = read_supports(&fields, sink);
    let text = fields.require("text", sink).and_then(|node| read_bi(node, sink));
    let examples = read_examples(&fields, &["name", "zh", "given", "expect"], sink);
    let allows = read_allows(&fields, sink);
    let (target_held, target_settled) = target?;
    let (when, balance_unknown) = when?;
    let id = id?;
    // What only names the rule is reported when it is bad and stands in the way of nothing: the
    // rest is checked all the same.
    let title = title.unwrap_or_else(|| Bi { zh: id.clone(), en: id.clone() });
    Some(RuleDoc {
        file,
        name: name.unwrap_or_else(|| id.clone()),
        version: version.unwrap_or_else(|| id.clone()),
        code: code.unwrap_or_else(|| id.clone()),
        title,
        family: family?,
        weight: weight.unwrap_or_else(|| NumberDoc { value: 1, file, span: id.span.clone() }),
        id,
        mode,
        phases,
        subject: subject?,
        about,
        target_held,
        target_settled,
        guards,
        floor,
        card,
        params,
        features,
        when,
        balance_unknown,
        escalations,
        supports,
        text: text?,
        examples,
        allows,
    })
}

pub(super) fn read_guard(node: &Node, sink: &mut Sink<'_>) -> Option<GuardDoc> {
    let known = &["id", "title", "when", "effect", "scope", "lint"];
    let fields = Fields::open(node, "a guard", known, sink)?;
    let id = fields.require_text("id", sink);
    let title = fields.require("title", sink).and_then(|node| read_bi(node, sink));
    let when = fields.require_text("when", sink);
    let effect = fields.require_text("effect", sink);
    let scope = fields.text("scope", sink);
    let allows = read_allows(&fields, sink);
    Some(GuardDoc { id: id?, title: title?, when: when?, effect: effect?, scope, allows })
}

pub(super) fn read_bi(node: &Node, sink: &mut Sink<'_>) -> Option<Bi> {
    let fields = Fields::open(node, "a text", &["zh", "en"], sink)?;
    let zh = fields.require_text("zh", sink);
    let en = fields.require_text("en", sink);
    Some(Bi { zh: zh?, en: en? })
}

fn read_card(node: &Node, sink: &mut Sink<'_>) -> Option<CardDoc> {
    let known = &["catches", "spares", "needs", "tune", "choices"];
    let fields = Fields::open(node, "[card]", known, sink)?;
    let mut both = |key| fields.require(key, sink).and_then(|node| read_bi(node, sink));
    let (catches, spares) = (both("catches"), both("spares"));
    let (needs, tune) = (both("needs"), both("tune"));
    let choices = fields.get("choices").and_then(|node| read_bi(node, sink));
    Some(CardDoc { catches: catches?, spares: spares?, needs: needs?, tune: tune?, choices })
}

fn read_params(fields: &Fields<'_>, sink: &mut Sink<'_>) -> Vec<ParamDoc> {
    let mut params = Vec::new();
    for (name, node) in fields.pairs("params", sink) {
        if !matches!(node.value, Value::Table(_)) {
            let (name, by_grade) = (name.clone(), Vec::new());
            let (unit, doc) = (None, None);
            params.push(ParamDoc { name, value: node.clone(), unit, doc, by_grade });
            continue;
        }
        let Some(param) = Fields::open(node, "a parameter", PARAM_KEYS, sink) else { continue };
        let doc = param.text("doc", sink);
        let unit = param.text("unit", sink);
        let by_grade = param.pairs("by_grade", sink).to_vec();
        if let Some(value) = param.require("value", sink) {
            let (name, value) = (name.clone(), value.clone());
            params.push(ParamDoc { name, value, unit, doc, by_grade });
        }
    }
    params
}

fn read_escalations(fields: &Fields<'_>, sink: &mut Sink<'_>) -> Vec<EscalationDoc> {
    let mut escalations = Vec::new();
    for node in fields.items("escalate", sink) {
        let known = &["when", "floor", "weight"];
        let Some(item) = Fields::open(node, "an escalation", known, sink) else { continue };
        let when = item.require_text("when", sink);
        let floor = item.require_text("floor", sink);
        let weight = item.number("weight", 1..=100, sink).map(|w| w as u32);
        if let (Some(when), Some(floor)) = (when, floor) {
            escalations.push(EscalationDoc { when, floor, weight });
        }
    }
    escalations
}

fn read_supports(fields: &Fields<'_>, sink: &mut Sink<'_>) -> Vec<SupportDoc> {
    let mut supports = Vec::new();
    for node in fields.items("support", sink) {
        let known = &["rules", "families", "floor"];
        let Some(item) = Fields::open(node, "a support", known, sink) else { continue };
        let (rules, families) = (item.texts("rules", sink), item.texts("families", sink));
        if let Some(floor) = item.require_text("floor", sink) {
            supports.push(SupportDoc { rules, families, floor, span: node.span.clone() });
        }
    }
    supports
}

pub(super) fn read_examples(
    fields: &Fields<'_>,
    known: &'static [&'static str],
    sink: &mut Sink<'_>,
) -> Vec<ExampleDoc> {
    let mut examples = Vec::new();
    for node in fields.items("examples", sink) {
        let Some(item) = Fields::open(node, "an example", known, sink) else { continue };
        let name = item.require_text("name", sink);
        let zh = item.text("zh", sink);
        let given = item.require_text("given", sink);
        item.require("expect", sink);
        let expect = item.texts("expect", sink);
        let from = item.text("from", sink);
        if let (Some(name), Some(given)) = (name, given) {
            examples.push(ExampleDoc { name, zh, given, expect, from });
        }
    }
    examples
}

pub(super) fn read_allows(fields: &Fields<'_>, sink: &mut Sink<'_>) -> Vec<AllowDoc> {
    let mut allows = Vec::new();
    let lint = fields.get("lint").and_then(|n| Fields::open(n, "[lint]", &["allow"], sink));
    for node in lint.map_or(&[][..], |lint| lint.items("allow", sink)) {
        let known = &["code", "about", "reason"];
        let Some(item) = Fields::open(node, "an allowed remark", known, sink) else {
            continue;
        };
        let code = item.require_text("code", sink);
        let about = item.text("about", sink);
        let reason = item.require_text("reason", sink);
        if let (Some(code), Some(reason)) = (code, reason) {
            allows.push(AllowDoc { code, about, reason });
        }
    }
    allows
}
