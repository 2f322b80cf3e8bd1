//! `rules explain`: a rule in its author's words (with `--plan` also what the engine evaluates,
//! what it shares and what it costs), a guard, or a field or function of the language.

use std::collections::BTreeSet;

use anyhow::anyhow;

use super::data::{Data, fields};
use super::{ExplainArgs, load};
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::model::alert::Bilingual;
use crate::rules::catalogue::{FUNCTIONS, Gives, MEMBERS, Member, RECORDS, type_word};
use crate::rules::describe;
use crate::rules::diagnostics::did_you_mean;
use crate::rules::lint::cost;
use crate::rules::plan::{GuardEffect, Plan, RulePlan, Support};
use crate::rules::signature;
use crate::rules::written::{self, Written};

pub(super) fn run(args: &ExplainArgs, printer: &Printer) -> Result<(), Failure> {
    let (files, plan) = load(&args.pack, printer)?;
    let word = args.what.trim();
    let explained = if let Some(rule) = written::of(&files, word) {
        let compiled = plan.rules.iter().find(|compiled| compiled.id == rule.id);
        rule_as_data(&plan, &rule, compiled, args.plan)
    } else if let Some(guard) = plan.guards.iter().find(|g| g.id.eq_ignore_ascii_case(word)) {
        let users = |r: &&RulePlan| {
            r.guards.iter().any(|index| plan.guards[usize::from(*index)].id == guard.id)
        };
        let users: Vec<&str> = plan.rules.iter().filter(users).map(|r| r.id.as_str()).collect();
        fields([
            ("guard", guard.id.clone().into()),
            ("title", both(&guard.title)),
            ("when", describe::expression(&plan, guard.when).into()),
            ("effect", effect_word(guard.effect).into()),
            ("rules", users.join(", ").into()),
        ])
    } else {
        match language(&plan, word) {
            Some(found) => found,
            None => return Err(Failure::Usage(unknown(&plan, word))),
        }
    };
    match args.format {
        Format::Json => printer.data(&serde_json::to_string_pretty(&explained.json())?),
        Format::Table => printer.data(explained.text(0).trim_end()),
        Format::Csv => super::table::print_flat(&explained.json(), printer)?,
    }
    Ok(())
}

fn unknown(plan: &Plan, word: &str) -> anyhow::Error {
    let last = word.rsplit('.').next().unwrap_or(word);
    let rules = plan.rules.iter().flat_map(|rule| [rule.id.as_str(), rule.name.as_str()]);
    let language = MEMBERS.iter().map(|m| m.name).chain(FUNCTIONS.iter().map(|(name, ..)| *name));
    let known: Vec<&str> = rules.chain(language).chain(RECORDS.iter().map(|(w, ..)| *w)).collect();
    match did_you_mean(last, known) {
        Some(hint) => anyhow!("nothing is called `{word}`; {hint}"),
        None => anyhow!("nothing is called `{word}`: name a rule, a guard, a field or a function"),
    }
}

fn both(title: &Bilingual) -> Data {
    format!("{} / {}", title.zh, title.en).into()
}

/// Overlays that touch a rule.
fn changed_by(plan: &Plan, id: &str) -> String {
    let touching = plan.overlays.iter().filter(|overlay| overlay.touches.iter().any(|t| t == id));
    touching.map(|overlay| overlay.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// A rule in its author's words; what the engine makes of it where that is asked for.
fn rule_as_data(plan: &Plan, rule: &Written, compiled: Option<&RulePlan>, with_plan: bool) -> Data {
    let family = plan.policy.families.iter().find(|family| family.name == rule.family);
    let family = match family {
        Some(family) => format!("{}, which counts {} at most", family.name, family.cap),
        None => rule.family.clone(),
    };
    let params = rule.params.iter().map(|param| {
        fields([
            ("name", param.name.clone().into()),
            ("value", param.value.clone().into()),
            ("unit", param.unit.clone().into()),
            ("meaning", param.doc.clone().into()),
        ])
    });
    let escalations = rule.escalations.iter().map(|escalation| {
        fields([
            ("floor", escalation.floor.clone().into()),
            ("weight", escalation.weight.map_or(Data::None, Data::from)),
            ("when", escalation.when.en.clone().into()),
            ("when_zh", escalation.when.zh.clone().into()),
        ])
    });
    let mut told = vec![
        ("rule", format!("{} {}", rule.id, rule.name).into()),
        ("title", both(&rule.title)),
        ("card", Data::Fields(rule.card.iter().map(|(name, text)| (*name, both(text))).collect())),
        ("changed_or_added_by", changed_by(plan, &rule.id).into()),
        ("family", family.into()),
        ("weight", (rule.weight as u32).into()),
        ("mode", rule.mode.clone().into()),
        ("judged", judged(&rule.phases).into()),
        ("subject", rule.subject.clone().into()),
        ("target", target(&rule.targets).into()),
        ("condition", Data::Block(rule.condition.clone())),
        ("parameters", Data::List(params.collect())),
        ("asks_for_alone", rule.floor.as_deref().unwrap_or("what the score says").into()),
        ("asks_for_more", Data::List(escalations.collect())),
    ];
    if let Some(compiled) = compiled {
        let guards = compiled.guards.iter().map(|index| &plan.guards[usize::from(*index)]);
        let guards = guards.filter(|guard| {
            // Guards for all rules are in the plan of rules about openings too, where those about
            // a payment's sides never apply.
            !compiled.phases.opening || rule.guards.contains(&guard.id)
        });
        let guards = guards.map(|guard| {
            Data::from(format!("{} {} ({})", guard.id, guard.title.en, effect_word(guard.effect)))
        });
        told.extend([
            ("with_support", Data::List(supports(plan, compiled))),
            ("guards", Data::List(guards.collect())),
        ]);
    }
    told.push(("text", both(&rule.text)));
    match compiled {
        None => told.push(("plan", "it is off: the engine knows nothing of it".into())),
        Some(compiled) if with_plan => told.push(("plan", plan_as_data(plan, compiled))),
        Some(compiled) => told.push(("cost", cost_words(plan, compiled).into())),
    }
    Data::Fields(told)
}

/// What the engine evaluates, what it shares and what it costs.
fn plan_as_data(plan: &Plan, rule: &RulePlan) -> Data {
    fields([
        ("condition", describe::expression(plan, rule.when).into()),
        ("about", describe::role(rule.about).into()),
        ("cost", cost_words(plan, rule).into()),
        ("values", Data::List(values(plan, rule))),
    ])
}

fn supports(plan: &Plan, rule: &RulePlan) -> Vec<Data> {
    let support = |support: &Support| {
        let rules = support.rules.iter().map(|i| plan.rules[usize::from(*i)].id.as_str());
        let families = support.families.iter().map(|i| plan.policy.families[*i].name.as_str());
        let with: Vec<&str> = rules.chain(families).collect();
        fields([("floor", support.floor.word().into()), ("with_any_of", with.join(", ").into())])
    };
    rule.supports.iter().map(support).collect()
}

fn judged(phases: &[String]) -> &'static str {
    let has = |phase: &str| phases.iter().any(|known| known == phase);
    match (has("opening"), has("pre"), has("post")) {
        (true, ..) => "when an account is opened",
        (_, true, true) => "at a payment's first event and when it settles",
        (_, true, false) => "at a payment's first event",
        _ => "when a payment settles",
    }
}

fn target([held, settled]: &[String; 2]) -> String {
    let words = |target: &str| match target {
        "opening" => "the opening".to_owned(),
        "payment" => "the payment".to_owned(),
        side => format!("the {side}'s account"),
    };
    match held == settled {
        true => words(held),
        false => {
            let (held, settled) = (words(held), words(settled));
            format!("{held} while it can be held, {settled} once it has settled")
        }
    }
}

/// The cells a rule reads, what each costs and who else reads it.
fn values(plan: &Plan, rule: &RulePlan) -> Vec<Data> {
    let cell = |cell: cost::Cell, when: &'static str| {
        let feature = cost::feature(plan, cell);
        let others: Vec<&str> =
            cost::readers(plan, cell).into_iter().filter(|id| *id != rule.id).collect();
        let others = if others.is_empty() { "nobody".to_owned() } else { others.join(", ") };
        fields([
            ("value", describe::state(plan, cell.0, feature).into()),
            ("cost", cost::of_cell(feature).into()),
            ("computed", when.into()),
            ("shared_with", others.into()),
        ])
    };
    let deciding = cost::deciding_cells(plan, rule);
    let later = cost::later_cells(plan, rule);
    deciding
        .into_iter()
        .map(|c| cell(c, "to decide"))
        .chain(later.into_iter().map(|c| cell(c, "where it may fire")))
        .collect()
}

fn cost_words(plan: &Plan, rule: &RulePlan) -> String {
    let all = cost::of_rule(plan, rule);
    let own: u32 = cost::deciding_cells(plan, rule)
        .into_iter()
        .filter(|cell| cost::readers(plan, *cell).len() == 1)
        .map(|cell| cost::of_cell(cost::feature(plan, cell)))
        .sum();
    format!("{all} reads at each payment it is tried at, {own} of them for this rule alone")
}

fn effect_word(effect: GuardEffect) -> &'static str {
    match effect {
        GuardEffect::Remove => "removes the finding",
        GuardEffect::Lower => "halves its weight and takes its floor",
    }
}

/// A record, a field or a function of the language.
fn language(plan: &Plan, word: &str) -> Option<Data> {
    let bare = word.split('(').next().unwrap_or(word);
    let last = bare.rsplit('.').next().unwrap_or(bare);
    let record = bare.split_once('.').and_then(|(first, _)| {
        RECORDS.iter().find(|(name, ..)| *name == first).map(|(_, owner, _)| *owner)
    });
    let alone = FUNCTIONS.iter().filter(|(name, ..)| *name == last && !bare.contains('.'));
    let mut found: Vec<Data> = alone
        .map(|(_, signature, zh, en)| {
            fields([
                ("function", (*signature).into()),
                ("meaning_zh", (*zh).into()),
                ("meaning", (*en).into()),
            ])
        })
        .collect();
    let members = MEMBERS.iter().filter(|m| m.name == last);
    found.extend(members.filter(|m| record.is_none_or(|owner| owner == m.owner)).map(member));
    if let Some((name, owner, _)) = RECORDS.iter().find(|(name, ..)| *name == bare) {
        let members: Vec<String> =
            MEMBERS.iter().filter(|m| m.owner == *owner).map(signature).collect();
        let members = members.into_iter().map(Data::from).collect();
        found.push(fields([("record", (*name).into()), ("members", Data::List(members))]));
    }
    if found.is_empty() {
        return None;
    }
    let users: BTreeSet<&str> = plan
        .rules
        .iter()
        .filter(|rule| {
            let expressions = rule.escalations.iter().map(|e| e.when).chain([rule.when]);
            expressions.into_iter().any(|id| {
                let printed = describe::expression(plan, id);
                printed.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == last)
            })
        })
        .map(|rule| rule.id.as_str())
        .collect();
    let users: Vec<&str> = users.into_iter().collect();
    Some(fields([
        ("language", Data::List(found)),
        ("conditions_that_use_it", users.join(", ").into()),
    ]))
}

fn member(member: &Member) -> Data {
    let gives = match member.gives {
        Gives::Value(ty) => type_word(ty).to_owned(),
        Gives::Word(set) => format!("a word: {}", set.words().join(", ")),
        Gives::Record(owner) => format!("{}, on which more can be asked", owner.word()),
    };
    fields([
        ("of", member.owner.word().into()),
        ("written", signature(member).into()),
        ("gives", gives.into()),
        ("meaning_zh", member.zh.into()),
        ("meaning", member.en.into()),
    ])
}
