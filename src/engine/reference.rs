//! Reference data of one entity: list entries, controls, profile. Arrives as events, is state like
//! any other, and is read as of an event's own time.

use super::features::{Known, Place, place_at};
use crate::limits;
use crate::model::event::{
    AccountClass, AccountEventKind, Batch, Body, CustomerType, Event, FeedbackStage, ListCategory,
    ListLevel, ListOp, MARKS, PairLevel, RegistryStatus, RiskGrade,
};
use crate::model::measure::Action;
use crate::model::time::Millis;

/// One bit for each category and level (or none), `category × 16 + level + 1`; then a bit for each
/// status of an enterprise, and what is allowed between the two parties of a payment.
pub(super) type ListMask = u128;

const LEVELS: u32 = 16;
const REGISTRY: u32 = LEVELS * ListCategory::WORDS.len() as u32;
const FRESH: u32 = REGISTRY + RegistryStatus::WORDS.len() as u32;
const PAIR: u32 = FRESH + 1;
const HAS_SUPPLIERS: u32 = PAIR + PairLevel::WORDS.len() as u32;

const _: () = assert!(ListLevel::WORDS.len() < LEVELS as usize);
const _: () = assert!(HAS_SUPPLIERS < ListMask::BITS);

/// Whether an enterprise stands in the register like this; `None` when nothing is known of it.
pub(super) fn registered(mask: ListMask, status: RegistryStatus) -> Option<bool> {
    let any = ((1 << RegistryStatus::WORDS.len()) - 1) << REGISTRY;
    (mask & any != 0).then_some(mask >> (REGISTRY + status as u32) & 1 == 1)
}

/// Whether an enterprise's record is fresh; `None` when nothing is known of it.
pub(super) fn registry_fresh(mask: ListMask) -> Option<bool> {
    registered(mask, RegistryStatus::Other).map(|_| mask >> FRESH & 1 == 1)
}

/// Whether the two parties of a payment are allowed to each other like this. Of suppliers it is
/// only known where the payer keeps any: `None` otherwise.
pub(super) fn pair_allowed(mask: ListMask, level: PairLevel) -> Option<bool> {
    let allowed = mask >> (PAIR + level as u32) & 1 == 1;
    let known = level != PairLevel::Supplier || mask >> HAS_SUPPLIERS & 1 == 1;
    known.then_some(allowed)
}

/// The bits that answer "is on a list of this category (and level)".
pub(super) fn list_bits(category: ListCategory, level: Option<ListLevel>) -> ListMask {
    let group = category as u32 * LEVELS;
    match level {
        Some(level) => 1 << (group + level as u32 + 1),
        None => ((1 << LEVELS) - 1) << group,
    }
}

fn list_bit(category: ListCategory, level: Option<ListLevel>) -> ListMask {
    1 << (category as u32 * LEVELS + level.map_or(0, |l| l as u32 + 1))
}

/// Lists, controls and profile of one entity.
#[derive(Clone, Debug, Default)]
pub(super) struct ReferenceData {
    pub lists: Vec<ListEntry>,
    pub controls: Vec<ControlEntry>,
    /// What account events said.
    pub profile: Profile,
    /// What happened to it, where anything did.
    pub known: Option<Box<Known>>,
}

/// What account events said about an account.
#[derive(Debug, Default, Clone)]
pub(super) struct Profile {
    pub opened_at_ms: Option<Millis>,
    pub customer_type: Option<CustomerType>,
    pub account_class: Option<AccountClass>,
    pub risk_grade: Option<RiskGrade>,
    pub branch: Option<Box<str>>,
    /// Device it was opened on.
    pub opening_device: Option<Box<str>>,
    /// Where it was opened.
    pub opening_place: Option<Place>,
}

#[derive(Clone, Debug)]
pub(super) struct ListEntry {
    /// Given name, or empty.
    pub id: Box<str>,
    pub category: ListCategory,
    pub level: Option<ListLevel>,
    /// The other side, where the entry only means payments between the two; else empty.
    pub counterparty: Box<str>,
    pub from_ms: Millis,
    pub to_ms: Millis,
}

#[derive(Clone, Debug)]
pub(super) struct ControlEntry {
    pub id: Box<str>,
    pub kind: Action,
    pub from_ms: Millis,
    pub to_ms: Millis,
}

impl Profile {
    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        let Self {
            opened_at_ms,
            customer_type,
            account_class,
            risk_grade,
            branch,
            opening_device,
            opening_place,
        } = self;
        let said = customer_type.is_some() || account_class.is_some() || risk_grade.is_some();
        let at = branch.is_some() || opening_device.is_some() || opening_place.is_some();
        opened_at_ms.is_none() && !said && !at
    }
}

/// A list event, with its name resolved.
#[derive(Debug)]
struct ListChange<'a> {
    id: &'a str,
    op: ListOp,
    category: ListCategory,
    level: Option<ListLevel>,
    counterparty: &'a str,
    /// Who made and who approved it.
    hands: [&'a str; 2],
    from_ms: Option<Millis>,
    to_ms: Option<Millis>,
    /// Time of the event itself.
    time_ms: Millis,
}

impl ReferenceData {
    /// Applies a reference event; `true` when a bound bit.
    pub fn apply(&mut self, batch: &Batch, event: &Event, fingerprint: u32) -> bool {
        match &event.body {
            Body::List(list) => self.apply_list(&ListChange {
                id: batch.text(list.entry_id),
                op: list.op,
                category: list.category,
                level: list.level,
                counterparty: batch.text(list.counterparty),
                hands: [batch.text(list.author), batch.text(list.approver)],
                from_ms: list.valid_from_ms,
                to_ms: list.valid_to_ms,
                time_ms: event.time_ms,
            }),
            Body::Control(control) => self.apply_control(
                batch.text(control.control_id),
                control.kind,
                control.from_ms,
                control.to_ms,
                control.released_at_ms,
            ),
            Body::Account(account) => {
                let profile = &mut self.profile;
                if account.kind == AccountEventKind::Opened {
                    profile.opened_at_ms = Some(event.time_ms);
                    let device = batch.text(account.opening_device);
                    profile.opening_device = (!device.is_empty()).then(|| device.into());
                    profile.opening_place = account.geo.map(place_at);
                }
                profile.customer_type = account.customer_type.or(profile.customer_type);
                profile.account_class = account.account_class.or(profile.account_class);
                profile.risk_grade = account.risk_grade.or(profile.risk_grade);
                let branch = batch.text(account.branch);
                if !branch.is_empty() {
                    profile.branch = Some(branch.into());
                }
                if !MARKS.iter().any(|(_, kind)| *kind == account.kind) {
                    return false;
                }
                let known = self.known.get_or_insert_default();
                let over = known.mark(event.time_ms, account.kind);
                let raised =
                    account.limit_before.zip(account.limit_after).filter(|(before, after)| {
                        before.currency == after.currency && after.minor > before.minor
                    });
                raised.is_some_and(|(_, after)| known.raise(event.time_ms, after)) || over
            }
            Body::Registry(registry) => {
                let as_of_ms = registry.as_of_ms.unwrap_or(event.time_ms);
                let known = self.known.get_or_insert_default();
                known.register(event.time_ms, as_of_ms, registry.status)
            }
            Body::Feedback(feedback) => {
                let known = self.known.get_or_insert_default();
                let held = matches!(feedback.action, Some(Action::StopPayment | Action::Delay));
                let done = matches!(
                    feedback.stage,
                    FeedbackStage::Executed | FeedbackStage::PartiallyExecuted
                );
                let mut over = false;
                if held && done && !feedback.payment_id.is_none() {
                    over |= known.block(event.time_ms, fingerprint);
                }
                if let Some(verdict) = feedback.verdict {
                    over |= known.verdict(event.time_ms, verdict, batch.text(feedback.payee));
                }
                over
            }
            Body::Payment(_) | Body::Tick => false,
        }
    }

    /// Applies a list event; `true` when the oldest entry had to leave for it.
    fn apply_list(&mut self, change: &ListChange<'_>) -> bool {
        let same = |e: &ListEntry| match change.id {
            "" => {
                e.id.is_empty()
                    && (e.category, e.level) == (change.category, change.level)
                    && *e.counterparty == *change.counterparty
            }
            id => &*e.id == id,
        };
        let found = self.lists.iter().position(same);
        if change.op == ListOp::Expire {
            if let Some(entry) = found.map(|at| &mut self.lists[at]) {
                entry.to_ms = change.to_ms.unwrap_or(change.time_ms);
            }
            return false;
        }
        let (mut from_ms, mut to_ms) =
            (change.from_ms.unwrap_or(Millis::MIN), change.to_ms.unwrap_or(Millis::MAX));
        if change.level == Some(ListLevel::Analyst) && !change.counterparty.is_empty() {
            from_ms = change.from_ms.unwrap_or(change.time_ms);
            to_ms = to_ms.min(from_ms.saturating_add(limits::ANALYST_ALLOW_MAX));
            let [author, approver] = change.hands;
            if author.is_empty() || approver.is_empty() || author == approver {
                // Four eyes have not seen it: it is never valid.
                to_ms = from_ms;
            }
        }
        let entry = ListEntry {
            id: change.id.into(),
            category: change.category,
            level: change.level,
            counterparty: change.counterparty.into(),
            from_ms,
            to_ms,
        };
        match found {
            Some(at) => self.lists[at] = entry,
            None => self.lists.push(entry),
        }
        let over = self.lists.len() > limits::LIST_ENTRIES_MAX;
        if over {
            self.lists.remove(0);
        }
        over
    }

    /// Applies a control event; `true` when the oldest control had to leave for it.
    fn apply_control(
        &mut self,
        id: &str,
        kind: Action,
        from_ms: Millis,
        to_ms: Option<Millis>,
        released_at_ms: Option<Millis>,
    ) -> bool {
        let to_ms = to_ms.unwrap_or(Millis::MAX).min(released_at_ms.unwrap_or(Millis::MAX));
        let entry = ControlEntry { id: id.into(), kind, from_ms, to_ms };
        match self.controls.iter().position(|c| &*c.id == id) {
            Some(at) => self.controls[at] = entry,
            None => self.controls.push(entry),
        }
        let over = self.controls.len() > limits::CONTROLS_MAX;
        if over {
            self.controls.remove(0);
        }
        over
    }

    /// The lists it is on at a time, and what else a [`ListMask`] says; `others` are the names of
    /// the payment's other side.
    pub fn lists_at(&self, time_ms: Millis, others: [&str; 2]) -> ListMask {
        let mut mask = 0;
        for entry in self.lists.iter().filter(|e| e.from_ms <= time_ms && time_ms < e.to_ms) {
            if entry.counterparty.is_empty() {
                mask |= list_bit(entry.category, entry.level);
                continue;
            }
            let level = entry.level.and_then(PairLevel::of);
            let Some(level) = level.filter(|_| entry.category == ListCategory::Allow) else {
                continue;
            };
            if level == PairLevel::Supplier {
                mask |= 1 << HAS_SUPPLIERS;
            }
            if others.contains(&&*entry.counterparty) {
                mask |= 1 << (PAIR + level as u32);
            }
        }
        let record = self.known.as_ref().and_then(|known| known.registry_at(time_ms));
        if let Some((asked_ms, status)) = record {
            mask |= 1 << (REGISTRY + status as u32);
            if time_ms - asked_ms <= limits::REGISTRY_FRESH {
                mask |= 1 << FRESH;
            }
        }
        mask
    }

    /// Whether a control of this kind is in force at a time.
    pub fn controlled_at(&self, kind: Action, time_ms: Millis) -> bool {
        let mut controls = self.controls.iter();
        controls.any(|c| c.kind == kind && c.from_ms <= time_ms && time_ms < c.to_ms)
    }

    /// Bytes held outside itself.
    pub fn bytes(&self) -> usize {
        self.lists.capacity() * size_of::<ListEntry>()
            + self.controls.capacity() * size_of::<ControlEntry>()
            + self.known.as_ref().map_or(0, |known| known.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(op: ListOp, level: ListLevel, from: i64, to: i64, at: i64) -> ListChange<'static> {
        ListChange {
            id: "",
            op,
            category: ListCategory::CaseAccount,
            level: Some(level),
            counterparty: "",
            hands: ["", ""],
            from_ms: Some(from),
            to_ms: (to > 0).then_some(to),
            time_ms: at,
        }
    }

    #[test]
    fn an_entry_is_valid_from_its_first_to_before_its_last_millisecond() {
        let mut data = ReferenceData::default();
        data.apply_list(&change(ListOp::Upsert, ListLevel::Confirmed, 10, 20, 0));
        let confirmed = list_bits(ListCategory::CaseAccount, Some(ListLevel::Confirmed));
        let any = list_bits(ListCategory::CaseAccount, None);
        let other = list_bits(ListCategory::Allow, None);
        for (time, expect) in [(9, false), (10, true), (19, true), (20, false)] {
            assert_eq!(data.lists_at(time, ["", ""]) & confirmed != 0, expect, "{time}");
            assert_eq!(data.lists_at(time, ["", ""]) & any != 0, expect, "{time}");
            assert_eq!(data.lists_at(time, ["", ""]) & other, 0);
        }
        data.apply_list(&change(ListOp::Expire, ListLevel::Confirmed, 0, 0, 15));
        assert_eq!(data.lists_at(15, ["", ""]), 0);
        assert_ne!(data.lists_at(14, ["", ""]), 0);
    }

    #[test]
    fn releasing_one_control_does_not_lift_another() {
        let mut data = ReferenceData::default();
        data.apply_control("a", Action::CreditOnly, 0, None, None);
        data.apply_control("b", Action::CreditOnly, 0, Some(50), None);
        data.apply_control("b", Action::CreditOnly, 0, Some(50), Some(10));
        assert!(data.controlled_at(Action::CreditOnly, 20));
        data.apply_control("a", Action::CreditOnly, 0, None, Some(30));
        assert!(data.controlled_at(Action::CreditOnly, 29));
        assert!(!data.controlled_at(Action::CreditOnly, 30));
    }
}
