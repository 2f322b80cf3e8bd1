//! The compiler: a pack as written becomes a [`Plan`].
//!
//! Order of work: parameters and features of a rule, its conditions, then guards, texts and
//! evidence. Cells that decide whether a rule fires are computed at every visit; cells only read
//! afterwards wait until a rule may fire. The exception are cells of another role than the
//! subject's: at the subject's gate it is too late to compute them.

mod cells;
mod evidence;
mod literal;
mod lower;
mod member;
mod operand;
mod policy;
mod rule;
mod scope;
mod signals;
mod template;

pub(super) use literal::{clock, duration, working_days};
pub use member::signature;
pub(super) use rule::words;

use crate::model::money::Currency;

use super::diagnostics::Sink;
use super::plan::{Overlay, Plan, RulePlan};
use super::source::Pack;
use cells::{Builder, Settled};

/// What every rule of a pack is compiled with.
struct Compiler<'a, 'f> {
    pack: &'a Pack,
    currency: Currency,
    builder: Builder,
    sink: &'a mut Sink<'f>,
}

/// Compiles a pack whose form has been read; everything wrong goes to the sink.
pub(super) fn compile(pack: &Pack, sha256: String, sink: &mut Sink<'_>) -> Option<Plan> {
    let policy_doc = pack.policy.as_ref();
    let currency = policy_doc.and_then(|doc| policy::currency(doc, sink));
    let country = policy_doc.and_then(|doc| policy::country(doc, sink));
    let policy = policy_doc.and_then(|doc| policy::compile(doc, &pack.calendars, sink));
    let mut compiler = Compiler {
        pack,
        // Without a policy the rules are still checked, for their own errors.
        currency: currency.unwrap_or(Currency::CNY),
        builder: Builder::default(),
        sink,
    };
    compiler.builder.known_ids.clone_from(&pack.rule_ids);
    let mut order: Vec<usize> = (0..pack.rules.len()).collect();
    order.sort_by(|a, b| pack.rules[*a].id.value.cmp(&pack.rules[*b].id.value));
    order.retain(|index| compiler.is_on(*index));
    let ids = order.iter().map(|index| pack.rules[*index].id.value.clone());
    compiler.builder.rule_ids = ids.collect();
    let guards = compiler.guards();
    let rules: Vec<Option<RulePlan>> = order.iter().map(|i| compiler.rule(*i, &order)).collect();
    repoint(pack, compiler.sink);
    let mut rules: Vec<RulePlan> = rules.into_iter().collect::<Option<_>>()?;
    signals::rank(&mut rules, &compiler.builder.signals, pack, &order, compiler.sink);
    if !compiler.sink.is_empty() {
        return None;
    }
    let Settled { program, payment, queries, signals, mut parts } = compiler.builder.settle();
    for (index, rule) in rules.iter().enumerate() {
        parts[rule.subject as usize].gated_rules.push(index as u16);
    }
    let doc = policy_doc?;
    let overlays = overlays(pack, compiler.sink);
    Some(Plan {
        pack_id: doc.pack_id.value.clone(),
        pack_version: doc.pack_version.value.clone(),
        pack_sha256: sha256,
        currency: currency?,
        country,
        payment,
        parts,
        queries,
        signals,
        program,
        rules,
        guards: guards.into_iter().collect::<Option<_>>()?,
        policy: policy?,
        overlays,
    })
}

/// A value that an overlay gave a parameter is wrong where the overlay stands, not where the
/// shipped rule uses it.
fn repoint(pack: &Pack, sink: &mut Sink<'_>) {
    for rule in &pack.rules {
        for param in rule.params.iter().filter(|param| param.value.file != rule.file) {
            let place = (param.value.file, param.value.span.clone());
            sink.repoint(rule.file, &format!("params.{}", param.name.value), place);
        }
    }
}

/// The overlays of a pack, with what they touch.
fn overlays(pack: &Pack, sink: &Sink<'_>) -> Vec<Overlay> {
    let of = |(index, manifest): (usize, &super::overlay::ManifestDoc)| {
        let is_own = |file: usize| pack.overlays.manifest_of(sink.path(file)) == Some(index);
        let changed = pack.overlays.touched.iter().filter(|touched| touched.manifest == index);
        let changed =
            changed.map(|t| t.rule.as_ref().map_or("policy", |rule| &rule.value).to_owned());
        let rules = pack.rules.iter().filter(|rule| is_own(rule.file));
        let guards = pack.guards.iter().filter(|guard| is_own(guard.id.file));
        let calendars = pack.calendars.iter().filter(|calendar| is_own(calendar.file));
        let mut touches: Vec<String> = changed
            .chain(rules.map(|rule| rule.id.value.clone()))
            .chain(guards.map(|guard| format!("guard {}", guard.id.value)))
            .chain(calendars.map(|_| "calendar".to_owned()))
            .collect();
        touches.sort();
        Overlay {
            folder: manifest.folder.clone(),
            name: manifest.name.value.clone(),
            author: manifest.author.value.clone(),
            approver: manifest.approver.as_ref().map(|approver| approver.value.clone()),
            valid_from: manifest.valid_from.value.clone(),
            touches,
        }
    };
    pack.overlays.manifests.iter().enumerate().map(of).collect()
}
