//! The alert, complete: ids, target, control, reasons, evidence.

use sha2::{Digest as _, Sha256};

use super::super::facts::{Fate, network};
use super::Item;
use super::episode::{Episode, Standing, TargetKey, Verdict};
use crate::model::alert::{
    Alert, AlertKind, Control, EventRef, Reason, Related, Severity, Target, TargetKind,
};
use crate::model::event::{Batch, Body, Party, Text};
use crate::model::measure::{Action, Authority, ControlMode};
use crate::model::time::Millis;
use crate::rules::plan::view::Role;

/// What an alert is made from.
pub(super) struct Composer<'a> {
    pub tenant: &'a str,
    pub item: &'a Item<'a>,
}

/// Digest over parts, each preceded by its length, so that no two lists of parts are alike.
fn digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Composer<'_> {
    pub fn alert(
        &self,
        key: &TargetKey,
        episode: &Episode,
        kind: AlertKind,
        verdict: &Verdict,
        downgraded_from: Option<Action>,
    ) -> Alert {
        let is_withdrawn = kind == AlertKind::Withdraw;
        // What is withdrawn is what was asked for.
        let asked = if is_withdrawn { episode.measure } else { verdict.measure };
        let action = asked.unwrap_or(Action::Review);
        let target_kind = key.kind().word();
        let shadow = if key.is_shadow() { "shadow" } else { "live" };
        let episode_digest = digest(&[self.tenant, shadow, target_kind, key.id(), &episode.key]);
        let mut parts =
            vec![self.tenant, shadow, action.word(), target_kind, key.id(), &episode.key];
        // To withdraw is another request, and so is asking again after it.
        let withdrawals = episode.withdrawals.to_string();
        if is_withdrawn {
            parts.push(kind.word());
        }
        if episode.withdrawals > 0 {
            parts.push(&withdrawals);
        }
        let idempotency_key = digest(&parts);
        let severity = match action {
            _ if is_withdrawn => Severity::Low,
            Action::Review => Severity::Low,
            Action::Reverify | Action::Delay => Severity::Medium,
            Action::CounterOnly => Severity::High,
            _ => Severity::Critical,
        };
        let policy = &self.item.view.plan.policy;
        let findings = &episode.findings;
        let customer_reason = policy.customer_reasons.get(&action).filter(|_| !is_withdrawn);
        Alert {
            alert_id: episode_digest[..32].to_owned(),
            idempotency_key,
            episode_id: format!("ep-{}", &episode_digest[32..56]),
            revision: episode.revision + 1,
            kind,
            shadow: key.is_shadow(),
            waited_ms: self.waited_ms(),
            action,
            authority: authority(action, key.kind()),
            target: self.target(key),
            control: self.control(action, key.kind()).filter(|_| !is_withdrawn),
            proposal: (verdict.freeze && downgraded_from.is_none()).then_some(Action::Freeze),
            act_by_ms: match (key.kind(), self.item.payment.hold_deadline_ms) {
                (TargetKind::Payment, Some(deadline)) => deadline,
                _ => self.item.event.time_ms + policy.act_within_ms,
            },
            severity,
            score: verdict.score,
            confidence: verdict.confidence,
            needs_reply: severity >= Severity::High,
            reasons: findings.iter().map(|standing| self.reason(standing)).collect(),
            customer_reason: customer_reason.cloned().unwrap_or_default(),
            evidence: findings.iter().flat_map(|s| s.finding.evidence.iter().cloned()).collect(),
            guards: findings.iter().flat_map(|s| s.finding.guards.iter().cloned()).collect(),
            related: self.related(key, findings),
            owner_branch: self.owner_branch(key),
            suppressed: episode.suppressed,
            downgraded_from,
            correction: None,
            event: EventRef {
                event_id: self.text(self.item.payment.event_id),
                position: self.item.event.position,
                parties: self.parties().map(|account| self.text(account)),
            },
            event_time_ms: self.item.event.time_ms,
            record_time_ms: self.item.event.record_time_ms,
        }
    }

    /// How long the payment was waited for, where it is judged once more.
    fn waited_ms(&self) -> Option<Millis> {
        let facts = &self.item.view.facts[self.item.index];
        (facts.fate == Fate::Waited).then(|| self.item.event.time_ms - facts.own_ms)
    }

    fn texts(&self) -> &Batch {
        self.item.view.texts(self.item.index)
    }

    fn text(&self, span: Text) -> String {
        self.texts().text(span).to_owned()
    }

    /// The accounts that the event is between; an opening is about one.
    fn parties(&self) -> [Text; 2] {
        let payer = self.item.payment.payer.account;
        let payee = self.item.payment.payee.account;
        [payer, if payee.is_none() { payer } else { payee }]
    }

    fn optional(&self, span: Text) -> Option<String> {
        (!span.is_none()).then(|| self.text(span))
    }

    /// Role of the account that the alert is about.
    fn role(&self, key: &TargetKey) -> Role {
        let payee = self.texts().text(self.item.payment.payee.account);
        match key.kind() {
            TargetKind::Account if key.id() == payee => Role::Payee,
            _ => Role::Payer,
        }
    }

    fn party(&self, key: &TargetKey) -> &Party {
        match self.role(key) {
            Role::Payee => &self.item.payment.payee,
            _ => &self.item.payment.payer,
        }
    }

    fn target(&self, key: &TargetKey) -> Target {
        let party = self.party(key);
        let payment = self.item.payment;
        let held = key.kind() == TargetKind::Payment;
        let references = [payment.end_to_end_id, payment.instruction_id, payment.uetr];
        Target {
            kind: key.kind(),
            payment_id: held.then(|| self.text(payment.payment_id)),
            references: references.map(|span| self.optional(span).filter(|_| held)),
            account: self.text(party.account),
            bank: self.optional(party.bank),
            name: self.optional(party.name),
            match_amount: (key.kind() != TargetKind::Opening).then_some(payment.amount),
            match_time_ms: self.item.event.time_ms,
        }
    }

    fn control(&self, action: Action, kind: TargetKind) -> Option<Control> {
        let policy = &self.item.view.plan.policy;
        let (duration_ms, extensions_max) = match action {
            Action::Review | Action::RejectOpening => return None,
            Action::StopPayment => (Some(policy.stop_duration_ms), policy.stop_extensions_max),
            Action::Delay => (Some(policy.delay_duration_ms), 0),
            _ => (None, 0),
        };
        Some(Control {
            mode: ControlMode::Full,
            amount: (kind == TargetKind::Payment).then_some(self.item.payment.amount),
            duration_ms,
            extensions_max,
        })
    }

    fn reason(&self, standing: &Standing) -> Reason {
        let finding = &standing.finding;
        Reason {
            code: finding.code.clone(),
            rule_id: finding.rule_id.clone(),
            rule_version: finding.rule_version.clone(),
            weight: standing.weight,
            text: finding.text.clone(),
            external_code: self.item.view.plan.policy.external_codes.get(&finding.code).cloned(),
            lower_bound: finding.lower_bound,
            warming: finding.warming,
            balance_unknown: finding.balance_unknown,
        }
    }

    fn related(&self, key: &TargetKey, findings: &[Standing]) -> Vec<Related> {
        let other = match self.role(key) {
            Role::Payee => &self.item.payment.payer,
            _ => &self.item.payment.payee,
        };
        let mut related = Vec::new();
        let mut add = |kind, name: Text, relation| {
            if !name.is_none() {
                related.push(Related { kind, id: self.text(name), relation });
            }
        };
        add("account", other.account, "counterparty");
        if let Body::Account(opened) = &self.item.event.body {
            add("customer", opened.customer, "holder");
            add("device", opened.opening_device, "opened_on");
            add("phone", opened.phone_token, "bound_to");
            add("agent", opened.agent_token, "opened_by");
            return related;
        }
        let shared = [
            (Role::Device, self.item.payment.device_id, "device", "shared_device"),
            (Role::Network, network(self.item.payment), "network", "shared_network"),
        ];
        for (role, name, kind, relation) in shared {
            if findings.iter().any(|s| s.finding.subject == role) {
                add(kind, name, relation);
            }
        }
        related
    }

    fn owner_branch(&self, key: &TargetKey) -> Option<String> {
        let known = self.item.captures.branch(self.item.index, self.role(key)).map(str::to_owned);
        known.or_else(|| match &self.item.event.body {
            Body::Account(opened) => self.optional(opened.branch),
            _ => None,
        })
    }
}

/// Who may order a measure: stops and freezes of accounts need the police, a payment can be held by
/// the bank itself.
fn authority(action: Action, kind: TargetKind) -> Authority {
    match (action, kind) {
        (Action::Freeze, _) | (Action::StopPayment, TargetKind::Account) => {
            Authority::PoliceRequired
        }
        _ => Authority::BankOwn,
    }
}
