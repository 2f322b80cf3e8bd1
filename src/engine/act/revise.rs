//! An event is judged once more: what it says now takes the place of what it said, and what follows
//! for open episodes is published as a correction.

use std::collections::BTreeSet;

use super::super::held::Origin;
use super::super::judge::Held;
use super::super::{Revised, StepOutput};
use super::episode::{Change, Episode, TargetKey, Verdict};
use super::finding::Finding;
use super::left::Trace;
use super::signals::Signal;
use super::{Act, Item, by_target, record};
use crate::model::alert::{Bilingual, Correction, CorrectionReason, EventRef};
use crate::model::event::Body;

impl Act {
    /// Takes the rules that hold at an event that has been judged before.
    pub(super) fn again(&mut self, item: &Item<'_>, held_here: &[Held], output: &mut StepOutput) {
        let (time_ms, number) = item.moment();
        let before = self.left.take(number);
        for Trace { rule_id, signal, .. } in &before {
            if let Some([about, from]) = *signal {
                self.signals.take_back(&Signal { rule: rule_id, time_ms, about, from });
            }
        }
        let judged = self.judge(item, held_here, output);
        let mut records: Vec<_> =
            judged.iter().map(|judged| record(item.view, judged.at, judged.made())).collect();
        records.sort_by_key(|record| record.rule);
        self.left.note(item, &judged);
        let mut joined = by_target(judged);
        let targets = before.iter().filter_map(|trace| trace.target.clone());
        let targets: BTreeSet<TargetKey> = targets.chain(joined.keys().cloned()).collect();
        for key in targets {
            let findings = joined.remove(&key).unwrap_or_default();
            self.revise(item, &key, findings, output);
        }
        if self.left.differ(number, &before) {
            let cause = item.view.course.cause(item.index);
            let position = item.event.position;
            output.revised.push(Revised { cause, position, findings: records });
        }
    }

    /// Puts an event's findings in place of its earlier ones in one episode.
    fn revise(
        &mut self,
        item: &Item<'_>,
        key: &TargetKey,
        findings: Vec<Finding>,
        output: &mut StepOutput,
    ) {
        let policy = &item.view.plan.policy;
        if findings.is_empty() && !self.episodes.contains_key(key) {
            return;
        }
        let episode = self.episode(item, key);
        let before_ms = episode.last_ms;
        let change = episode.revise(item.moment(), findings);
        let is_nothing = episode.findings.is_empty() && episode.revision == 0;
        let verdict = episode.verdict(item.view.plan, key.kind());
        if is_nothing {
            self.episodes.remove(key);
            self.touched.remove(&(before_ms, key.clone()));
            return;
        }
        self.touch(key, before_ms);
        let time_ms = item.event.time_ms;
        let decide = |episode: &Episode, verdict: &Verdict| {
            episode.correct(verdict, &change, time_ms, policy.cool_down_ms)
        };
        let correction = correction(item, &change);
        self.conclude(item, key, verdict, decide, Some(correction), output);
    }
}

/// Why an item is judged again, and what does not hold any more.
fn correction(item: &Item<'_>, change: &Change) -> Correction {
    let course = &item.view.course;
    let Origin::Again { cause, .. } = course.origin(item.index) else {
        unreachable!("only what is judged again corrects")
    };
    let event = &course.events[cause as usize];
    let text = |span| course.batch.text(span).to_owned();
    let (event_id, parties) = match &event.body {
        Body::Payment(payment) => {
            (payment.event_id, [payment.payer.account, payment.payee.account])
        }
        Body::Account(account) => (account.event_id, [account.account; 2]),
        _ => unreachable!("payments and openings arrive late"),
    };
    let due_to =
        EventRef { event_id: text(event_id), position: event.position, parties: parties.map(text) };
    Correction {
        reason: CorrectionReason::LateEvent,
        text: words(&change.lost),
        due_to,
        rules_withdrawn: change.lost.clone(),
    }
}

fn words(lost: &[String]) -> Bilingual {
    let mut text = Bilingual {
        zh: "更正：一条发生时间更早的记录迟到，受其影响的记录已重新判断。".to_owned(),
        en: "Correction: a record with an earlier time arrived late; what it touches was judged again."
            .to_owned(),
    };
    if !lost.is_empty() {
        text.zh += &format!("不再成立的规则：{}。", lost.join("、"));
        text.en += &format!(" Rules that no longer hold: {}.", lost.join(", "));
    }
    text
}
