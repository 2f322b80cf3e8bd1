//! One rule, one guard.

use std::collections::BTreeSet;

use super::Compiler;
use super::lower::Lowering;
use super::policy::{action, bilingual};
use super::scope::{self, Scope};
use crate::rules::describe;
use crate::rules::diagnostics::meant_or_list;
use crate::rules::document::Text;
use crate::rules::plan::feature::PaymentField;
use crate::rules::plan::program::{CellRef, ExprId, Node};
use crate::rules::plan::view::Role;
use crate::rules::plan::{
    Escalation, EvidencePlan, GuardEffect, GuardPlan, Mode, Phases, Piece, RulePlan, Support,
    TargetSpec, Template,
};
use crate::rules::source::{GuardDoc, RuleDoc};
use crate::rules::text::Language;

const MODES: &[(&str, Option<Mode>)] = &[
    ("live", Some(Mode::Live)),
    ("shadow", Some(Mode::Shadow)),
    ("signal", Some(Mode::Signal)),
    ("off", None),
];
const ABOUT: &[(&str, Role)] = &[("payer", Role::Payer), ("payee", Role::Payee)];
const SUBJECTS: &[(&str, Role)] = &[
    ("payer", Role::Payer),
    ("payee", Role::Payee),
    ("device", Role::Device),
    ("network", Role::Network),
];
const OPENING_SUBJECTS: &[(&str, Role)] = &[
    ("account", Role::Payer),
    ("customer", Role::PayerCustomer),
    ("device", Role::Device),
    ("phone", Role::Phone),
    ("agent", Role::Agent),
];
const TARGETS: &[(&str, TargetSpec)] = &[
    ("payment", TargetSpec::Payment),
    ("payer", TargetSpec::Payer),
    ("payee", TargetSpec::Payee),
    ("opening", TargetSpec::Opening),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Pre,
    Post,
    Opening,
}

const PHASES: &[(&str, Phase)] =
    &[("pre", Phase::Pre), ("post", Phase::Post), ("opening", Phase::Opening)];
const EFFECTS: &[(&str, GuardEffect)] =
    &[("remove", GuardEffect::Remove), ("lower", GuardEffect::Lower)];

/// The closed sets of a rule's file, for who completes it.
pub(in crate::rules) mod words {
    use super::{ABOUT, EFFECTS, MODES, OPENING_SUBJECTS, PHASES, SUBJECTS, TARGETS};

    fn of<T>(set: &'static [(&'static str, T)]) -> Vec<&'static str> {
        set.iter().map(|(word, _)| *word).collect()
    }

    pub(in crate::rules) fn mode_words() -> Vec<&'static str> {
        of(MODES)
    }

    pub(in crate::rules) fn about_words() -> Vec<&'static str> {
        of(ABOUT)
    }

    pub(in crate::rules) fn effect_words() -> Vec<&'static str> {
        of(EFFECTS)
    }

    pub(in crate::rules) fn phase_words() -> Vec<&'static str> {
        of(PHASES)
    }

    pub(in crate::rules) fn target_words() -> Vec<&'static str> {
        of(TARGETS)
    }

    /// Of payments and of openings, each word once.
    pub(in crate::rules) fn subject_words() -> Vec<&'static str> {
        let mut words = of(SUBJECTS);
        words.extend(of(OPENING_SUBJECTS));
        words.sort_unstable();
        words.dedup();
        words
    }
}

impl<'f> Compiler<'_, 'f> {
    /// Whether a rule is in the plan at all.
    pub(super) fn is_on(&self, index: usize) -> bool {
        self.pack.rules[index].mode.as_ref().is_none_or(|mode| mode.value != "off")
    }

    /// Every guard, in the order of the plan.
    pub(super) fn guards(&mut self) -> Vec<Option<GuardPlan>> {
        let pack = self.pack;
        guard_order(&pack.guards).into_iter().map(|guard| self.guard(guard)).collect()
    }

    fn guard(&mut self, doc: &GuardDoc) -> Option<GuardPlan> {
        let effect = self.choose(&doc.effect, "effect of a guard", EFFECTS);
        if let Some(scope) = &doc.scope {
            self.choose(scope, "scope of a guard", &[("all", ())])?;
        }
        let mut scope = Scope::default();
        let when = self.lowering(&mut scope, &doc.when).condition(&doc.when);
        if when.as_ref().is_some_and(|(id, _)| self.builder.program.reads_signals(*id)) {
            let message = "a guard cannot ask about signals";
            let hint = "ask in the rule's condition".to_owned();
            let span = doc.when.span.clone();
            self.sink.report(doc.when.file, span, message, "signals", Some(hint));
        }
        Some(GuardPlan {
            id: doc.id.value.clone(),
            title: bilingual(&doc.title),
            when: when?.0,
            effect: effect?,
        })
    }

    fn lowering<'s>(&'s mut self, scope: &'s mut Scope, text: &Text) -> Lowering<'s, 'f> {
        Lowering {
            builder: &mut self.builder,
            visible: scope.features.len(),
            scope,
            sink: &mut *self.sink,
            currency: self.currency,
            text: text.clone(),
        }
    }

    /// Compiles a rule; `order` is the plan's order of rules, as indexes into the pack.
    pub(super) fn rule(&mut self, index: usize, order: &[usize]) -> Option<RulePlan> {
        let pack = self.pack;
        let doc = &pack.rules[index];
        let mode = match &doc.mode {
            None => Some(Some(Mode::Live)),
            Some(mode) => self.choose(mode, "mode", MODES),
        };
        let is_opening = doc.phases.iter().any(|phase| phase.value == "opening");
        let subjects = if is_opening { OPENING_SUBJECTS } else { SUBJECTS };
        let subject = self.choose(&doc.subject, "subject", subjects);
        let about = match &doc.about {
            Some(text) => self.choose(text, "party a finding is about", ABOUT),
            None if subject == Some(Role::Payee) => Some(Role::Payee),
            None => Some(Role::Payer),
        };
        let held = self.choose(&doc.target_held, "target", TARGETS);
        let settled = self.choose(&doc.target_settled, "target", TARGETS);
        let phases: Vec<Phase> =
            doc.phases.iter().filter_map(|phase| self.choose(phase, "phase", PHASES)).collect();
        let phases = Phases {
            pre: phases.contains(&Phase::Pre),
            post: phases.contains(&Phase::Post),
            opening: phases.contains(&Phase::Opening),
        };
        let floor = match &doc.floor {
            Some(word) => action(word, self.sink).map(Some),
            None => Some(None),
        };
        let family = self.family(&doc.family);
        let mut guards: Vec<u16> =
            doc.guards.iter().filter_map(|guard| self.guard_index(guard)).collect();
        // Lists are overridden by nobody.
        if doc.family.value != "list" {
            let everywhere = self.everywhere().into_iter().filter(|g| !guards.contains(g));
            guards.extend(everywhere.collect::<Vec<_>>());
        }
        let supports = self.supports(doc, order);
        let logic = self.logic(doc, subject.unwrap_or(Role::Payer));
        let logic = logic?;
        self.foreign_parts(doc, phases, &logic);
        Some(RulePlan {
            id: doc.id.value.clone(),
            name: doc.name.value.clone(),
            version: doc.version.value.clone(),
            code: doc.code.value.clone(),
            title: bilingual(&doc.title),
            family: family?,
            weight: doc.weight.value as u32,
            mode: mode??,
            phases,
            subject: subject?,
            target_held: held?,
            target_settled: settled?,
            about: about?,
            when: logic.when,
            gate: logic.gate,
            signals: logic.signals,
            is_remembered: false,
            rank: 0,
            guards,
            floor: floor?,
            escalations: logic.escalations,
            supports,
            balance_unknown: logic.balance_unknown,
            text: logic.text,
            evidence: logic.evidence,
        })
    }

    /// Everything of a rule that is an expression.
    fn logic(&mut self, doc: &RuleDoc, subject: Role) -> Option<Logic> {
        let params =
            scope::params(&doc.params, subject, self.currency, &mut self.builder, self.sink);
        let features = scope::features(&doc.features, self.sink);
        let mut scope = Scope { params, features };
        let mut lowering = self.lowering(&mut scope, &doc.when);
        // In order, so that a feature finds those above it done: no recursion through a long file.
        for index in 0..lowering.visible {
            lowering.lower_feature(index);
        }
        let when = lowering.condition(&doc.when);
        let mut evidence = Vec::new();
        if let Some((_, expr)) = &when {
            lowering.evidence(expr, &mut evidence);
        }
        let mut escalations = Vec::new();
        for escalation in &doc.escalations {
            let condition = lowering.condition(&escalation.when);
            if let Some((_, expr)) = &condition {
                lowering.evidence(expr, &mut evidence);
            }
            let floor = action(&escalation.floor, lowering.sink);
            if let (Some((when, _)), Some(floor)) = (condition, floor) {
                escalations.push(Escalation { when, floor, weight: escalation.weight });
            }
        }
        let balance_unknown =
            doc.balance_unknown.as_ref().map(|text| lowering.condition(text).map(|(id, _)| id));
        let zh = lowering.template(&doc.text.zh, Language::Zh);
        let en = lowering.template(&doc.text.en, Language::En);
        self.unused_features(&scope, doc);
        let (when, _) = when?;
        let (gate, signals) = self.gate(doc, when, &escalations, [&zh, &en]);
        let text = Template { zh, en };
        let balance_unknown = balance_unknown.flatten();
        Some(Logic { when, gate, signals, escalations, balance_unknown, text, evidence })
    }

    /// What is tried before signals are looked up, and the signals that the rule asks about.
    fn gate(
        &mut self,
        doc: &RuleDoc,
        when: ExprId,
        escalations: &[Escalation],
        texts: [&[Piece]; 2],
    ) -> (ExprId, Vec<u16>) {
        let shown = texts.into_iter().flatten().filter_map(|piece| match piece {
            Piece::Value { expr, .. } => Some(*expr),
            Piece::Literal(_) => None,
        });
        let read = shown.chain(escalations.iter().map(|e| e.when)).chain([when]);
        let program = &self.builder.program;
        let signals: BTreeSet<u16> = read
            .flat_map(|id| program.below(id))
            .filter_map(|id| match program.nodes[id.0 as usize] {
                Node::Load(CellRef::Signal(number)) => Some(number),
                _ => None,
            })
            .collect();
        let parts = program.conjuncts(when);
        let (last, first): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| program.reads_signals(*part));
        if last.is_empty() {
            return (when, signals.into_iter().collect());
        }
        let gate = first.into_iter().reduce(|a, b| self.builder.add(Node::And(a, b)));
        if gate.is_none() {
            let message = "a rule that asks about signals needs a condition of its own beside them";
            let hint = "say with && at which events it is worth looking signals up".to_owned();
            let span = doc.when.span.clone();
            self.sink.report(doc.file, span, message, "signals only", Some(hint));
        }
        (gate.unwrap_or(when), signals.into_iter().collect())
    }

    /// What a payment has and an opening has not, or the other way round, is reported.
    fn foreign_parts(&mut self, doc: &RuleDoc, phases: Phases, logic: &Logic) {
        let escalations = logic.escalations.iter().map(|e| e.when);
        let read: Vec<ExprId> =
            escalations.chain([logic.when]).flat_map(|id| self.builder.program.below(id)).collect();
        for id in read {
            let (what, of_payment, of_opening) = match self.builder.program.nodes[id.0 as usize] {
                Node::Load(CellRef::State(role, _)) => {
                    (describe::role(role), role.of_payments(), role.of_openings())
                }
                Node::Load(CellRef::Payment(cell)) => {
                    let field = self.builder.payment[usize::from(cell)];
                    let opening = field == PaymentField::OpeningReason;
                    (if opening { "opening" } else { "payment" }, !opening, opening)
                }
                _ => continue,
            };
            let message = if phases.opening && !of_opening {
                format!("an opening has no `{what}`")
            } else if (phases.pre || phases.post) && !of_payment {
                format!("a payment has no `{what}`")
            } else {
                continue;
            };
            let hint = "openings know account, customer, device, phone, agent and opening; payments \
                        payer, payee, their customers, device, network, pair and payment";
            let span = doc.when.span.clone();
            self.sink.report(doc.file, span, message, "not there", Some(hint.to_owned()));
            return;
        }
    }

    /// Features that nothing reads are reported.
    fn unused_features(&mut self, scope: &Scope, doc: &RuleDoc) {
        for index in 0..scope.features.len() {
            if scope.features[index].used {
                continue;
            }
            let (name, _) = &doc.features[index];
            let message = format!("feature `{}` is never used", name.value);
            let hint = "use it in a condition or a text, or remove it".to_owned();
            self.sink.report(doc.file, name.span.clone(), message, "unused", Some(hint));
        }
    }

    fn family(&mut self, text: &Text) -> Option<usize> {
        let policy = self.pack.policy.as_ref()?;
        let mut names: Vec<&str> = policy.families.iter().map(|(n, _)| n.value.as_str()).collect();
        names.sort_unstable();
        let found = names.iter().position(|name| *name == text.value);
        if found.is_none() {
            let hint = meant_or_list(&text.value, names);
            let message = format!("`{}` is not a family of the policy", text.value);
            self.sink.report(text.file, text.span.clone(), message, "unknown", Some(hint));
        }
        found
    }

    fn guard_index(&mut self, text: &Text) -> Option<u16> {
        let order = guard_order(&self.pack.guards);
        let found = order.iter().position(|guard| guard.id.value == text.value);
        // That there are none at all has been said once.
        if found.is_none() && !order.is_empty() {
            let hint = meant_or_list(&text.value, order.iter().map(|g| g.id.value.as_str()));
            let message = format!("there is no guard `{}`", text.value);
            self.sink.report(text.file, text.span.clone(), message, "unknown guard", Some(hint));
        }
        found.map(|index| index as u16)
    }

    /// Guards that every rule outside the list family names.
    fn everywhere(&self) -> Vec<u16> {
        let order = guard_order(&self.pack.guards);
        let all = order.iter().enumerate().filter(|(_, guard)| guard.scope.is_some());
        all.map(|(index, _)| index as u16).collect()
    }

    fn supports(&mut self, doc: &RuleDoc, order: &[usize]) -> Vec<Support> {
        let mut supports = Vec::new();
        for support in &doc.supports {
            let mut rules = Vec::new();
            for text in &support.rules {
                let rule_id = |index: &usize| self.pack.rules[*index].id.value.as_str();
                if let Some(at) = order.iter().position(|index| rule_id(index) == text.value) {
                    rules.push(at as u16);
                } else if !self.pack.rule_ids.contains(&text.value) {
                    let hint = meant_or_list(&text.value, order.iter().map(rule_id));
                    let message = format!("there is no rule `{}`", text.value);
                    self.sink.report(doc.file, text.span.clone(), message, "unknown", Some(hint));
                }
            }
            let families = support.families.iter().filter_map(|f| self.family(f)).collect();
            if let Some(floor) = action(&support.floor, self.sink) {
                supports.push(Support { rules, families, floor });
            }
        }
        supports
    }

    /// Reads one of a set of words.
    fn choose<T: Copy>(&mut self, text: &Text, what: &str, known: &[(&str, T)]) -> Option<T> {
        let found = known.iter().find(|(word, _)| *word == text.value);
        if found.is_none() {
            let hint = meant_or_list(&text.value, known.iter().map(|(word, _)| *word));
            let message = format!("`{}` is not a {what}", text.value);
            self.sink.report(text.file, text.span.clone(), message, "unknown word", Some(hint));
        }
        found.map(|(_, value)| *value)
    }
}

/// What of a rule is made of expressions.
struct Logic {
    when: ExprId,
    gate: ExprId,
    signals: Vec<u16>,
    escalations: Vec<Escalation>,
    balance_unknown: Option<ExprId>,
    text: Template,
    evidence: Vec<EvidencePlan>,
}

/// Guards in the order of the plan: by the number in their id, then by id.
fn guard_order(guards: &[GuardDoc]) -> Vec<&GuardDoc> {
    let mut order: Vec<&GuardDoc> = guards.iter().collect();
    let number =
        |id: &str| id.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<u32>().unwrap_or(0);
    order.sort_by_key(|guard| (number(&guard.id.value), guard.id.value.clone()));
    order
}
