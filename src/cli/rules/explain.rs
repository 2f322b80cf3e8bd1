//! `rules explain`: a rule (what the engine evaluates, what it shares, what it costs), a guard, or
//! a field or function of the language.

use std::collections::BTreeSet;

use anyhow::anyhow;

use super::data::{Data, fields};
use super::{ExplainArgs, load};
use crate::cli::Failure;
use crate::cli::printer::{Format, Printer};
use crate::model::alert::Bilingual;
use crate::rules::cards;
use crate::rules::catalogue::{FUNCTIONS, Gives, MEMBERS, Member, RECORDS, type_word};
use crate::rules::describe;
use crate::rules::diagnostics::did_you_mean;
use crate::rules::lint::cost;
use crate::rules::plan::{GuardEffect, Piece, Plan, RulePlan, TargetSpec};
use crate::rules::signature;

pub(super) fn run(args: &ExplainArgs, printer: &Printer) -> Result<(), Failure> {
    let (files, plan) = load(&args.pack, printer)?;
    let word = args.what.trim();
    let explained = if let Some(rule) = rule_called(&plan, word) {
        rule_as_data(&plan, rule, &cards::of(&files, &rule.id))
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

fn rule_called<'p>(plan: &'p Plan, word: &str) -> Option<&'p RulePlan> {
    plan.rules.iter().find(|rule| rule.id.eq_ignore_ascii_case(word) || rule.name == word)
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

fn rule_as_data(plan: &Plan, rule: &RulePlan, card: &[(&'static str, Bilingual)]) -> Data {
    let family = &plan.policy.families[rule.family];
    let escalations = rule.escalations.iter().map(|e| {
        fields([
            ("floor", e.floor.word().into()),
            ("weight", e.weight.map_or(Data::None, Data::from)),
            ("when", describe::expression(plan, e.when).into()),
        ])
    });
    let supports = rule.supports.iter().map(|s| {
        let rules = s.rules.iter().map(|i| plan.rules[usize::from(*i)].id.as_str());
        let families = s.families.iter().map(|i| plan.policy.families[*i].name.as_str());
        let with: Vec<&str> = rules.chain(families).collect();
        fields([("floor", s.floor.word().into()), ("with any of", with.join(", ").into())])
    });
    let guards = rule.guards.iter().map(|index| &plan.guards[usize::from(*index)]).map(|guard| {
        Data::from(format!("{} {} ({})", guard.id, guard.title.en, effect_word(guard.effect)))
    });
    let judged = match (rule.phases.pre, rule.phases.post) {
        _ if rule.phases.opening => "when an account is opened",
        (true, true) => "at a payment's first event and when it settles",
        (true, false) => "at a payment's first event",
        _ => "when a payment settles",
    };
    let target = format!(
        "{} while it can be held, {} once it has settled",
        target_word(rule.target_held),
        target_word(rule.target_settled)
    );
    fields([
        ("rule", format!("{} {}", rule.id, rule.name).into()),
        ("title", both(&rule.title)),
        ("card", Data::Fields(card.iter().map(|(name, text)| (*name, both(text))).collect())),
        ("changed or added by", changed_by(plan, &rule.id).into()),
        ("family", format!("{}, which counts {} at most", family.name, family.cap).into()),
        ("weight", rule.weight.into()),
        ("mode", rule.mode.word().into()),
        ("judged", judged.into()),
        ("about", describe::role(rule.subject).into()),
        ("target", target.into()),
        ("floor", rule.floor.map_or("none", |floor| floor.word()).into()),
        ("condition", describe::expression(plan, rule.when).into()),
        ("escalations", Data::List(escalations.collect())),
        ("supports", Data::List(supports.collect())),
        ("guards", Data::List(guards.collect())),
        ("values", Data::List(values(plan, rule))),
        ("cost", cost_words(plan, rule).into()),
        ("text", template(plan, &rule.text.en).into()),
    ])
}

/// The cells a rule reads, what each costs and who else reads it.
fn values(plan: &Plan, rule: &RulePlan) -> Vec<Data> {
    let cell = |cell: cost::Cell, when: &'static str| {
        let feature = cost::feature(plan, cell);
        let others: Vec<&str> =
            cost::readers(plan, cell).into_iter().filter(|id| *id != rule.id).collect();
        let others = if others.is_empty() { "nobody".to_owned() } else { others.join(", ") };
        fields([
            (
                "value",
                format!("{}.{}", describe::role(cell.0), describe::feature(plan, feature)).into(),
            ),
            ("cost", cost::of_cell(feature).into()),
            ("computed", when.into()),
            ("shared with", others.into()),
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

fn template(plan: &Plan, pieces: &[Piece]) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(words) => words.clone(),
        Piece::Value { expr, ty, .. } => format!("{{{}}}", describe::value(plan, *expr, *ty)),
    };
    pieces.iter().map(piece).collect()
}

fn target_word(target: TargetSpec) -> &'static str {
    match target {
        TargetSpec::Payment => "the payment",
        TargetSpec::Payer => "the payer's account",
        TargetSpec::Payee => "the payee's account",
        TargetSpec::Opening => "the account that is opened",
    }
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
        ("conditions that use it", users.join(", ").into()),
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
