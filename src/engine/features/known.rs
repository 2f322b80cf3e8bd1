//! What happened to an account beside its payments: resets, changed limits, blocked payments, what
//! the bank found out; and what the register says of an enterprise. Read as of an event's own time.

use super::super::entry::Entry;
use super::super::window::AsOf;
use super::place::Place;
use crate::limits;
use crate::model::country::Country;
use crate::model::entity::Reference;
use crate::model::event::{AccountEventKind, RegistryStatus, Verdict};
use crate::model::money::Money;
use crate::model::time::{Millis, day_number};
use crate::rules::plan::program::MISSING;

/// Kept behind [`super::super::reference::ReferenceData::known`]. Each list is in order of time.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Known {
    pub(in super::super) marks: Vec<(Millis, AccountEventKind)>,
    /// Raised limits: the limit after it.
    pub(in super::super) raises: Vec<(Millis, Money)>,
    /// Payments that were blocked or delayed, by fingerprint.
    pub(in super::super) blocks: Vec<(Millis, u32)>,
    /// With the payee they are about, if any.
    pub(in super::super) verdicts: Vec<(Millis, Verdict, Box<str>)>,
    /// Where payments were ordered: time, fingerprint of the payment, place.
    pub(in super::super) places: Vec<(Millis, u32, Place)>,
    /// The first place of each day, in order of day.
    pub(in super::super) bases: Vec<(i32, Millis, Place)>,
    /// Terminals of cash withdrawals, by fingerprint of the payment, in order of arrival.
    pub(in super::super) cash: Vec<(u32, Box<str>)>,
    /// The same of all payments that name one.
    pub(in super::super) terminals: Vec<(u32, Box<str>)>,
    /// Countries in which the device was: time, fingerprint of the payment, country.
    pub(in super::super) countries: Vec<(Millis, u32, Country)>,
    /// Accounts opened for a customer, on a device, with a telephone or by an agent.
    pub(in super::super) openings: Vec<Opening>,
    /// Customers that a telephone was bound to, in order of arrival.
    pub(in super::super) bound: Vec<Reference>,
    /// When the register was asked, since when it says so, what it says.
    pub(in super::super) registry: Vec<(Millis, Millis, RegistryStatus)>,
}

/// An account was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Opening {
    pub time_ms: Millis,
    pub account: Reference,
    /// Its customer; the account where that is not known.
    pub customer: Reference,
}

/// Adds an item in order of time; `true` when the oldest had to leave for it.
fn keep<T>(list: &mut Vec<T>, item: T, time_ms: impl Fn(&T) -> Millis) -> bool {
    let at = list.partition_point(|known| time_ms(known) <= time_ms(&item));
    list.insert(at, item);
    let over = list.len() > limits::MARKS_MAX;
    if over {
        list.remove(0);
    }
    over
}

/// Keeps the newest [`limits::PLACES_MAX`] of those until the watermark, and what came after it:
/// something earlier may still arrive and look back from there.
fn leave_oldest<T>(list: &mut Vec<T>, watermark_ms: Millis, time_ms: impl Fn(&T) -> Millis) {
    let settled = list.partition_point(|known| time_ms(known) <= watermark_ms);
    let over = list.len().saturating_sub(limits::PLACES_LATELY_MAX);
    list.drain(..settled.saturating_sub(limits::PLACES_MAX).max(over));
}

impl Known {
    /// An account event.
    pub fn mark(&mut self, time_ms: Millis, kind: AccountEventKind) -> bool {
        keep(&mut self.marks, (time_ms, kind), |m| m.0)
    }

    /// A payment limit was raised to `limit`.
    pub fn raise(&mut self, time_ms: Millis, limit: Money) -> bool {
        keep(&mut self.raises, (time_ms, limit), |r| r.0)
    }

    /// A payment was blocked or delayed.
    pub fn block(&mut self, time_ms: Millis, fingerprint: u32) -> bool {
        keep(&mut self.blocks, (time_ms, fingerprint), |b| b.0)
    }

    /// The bank found something out.
    pub fn verdict(&mut self, time_ms: Millis, verdict: Verdict, payee: &str) -> bool {
        keep(&mut self.verdicts, (time_ms, verdict, payee.into()), |v| v.0)
    }

    /// A payment was ordered at a place. The oldest of many leave unseen: only the last one counts.
    pub fn stay(
        &mut self,
        (time_ms, day): (Millis, i32),
        fingerprint: u32,
        place: Place,
        watermark_ms: Millis,
    ) {
        match self.bases.binary_search_by_key(&day, |base| base.0) {
            Ok(at) if self.bases[at].1 <= time_ms => {}
            Ok(at) => self.bases[at] = (day, time_ms, place),
            Err(at) => self.bases.insert(at, (day, time_ms, place)),
        }
        leave_oldest(&mut self.bases, watermark_ms, |base| base.1);
        let at = self.places.partition_point(|known| known.0 <= time_ms);
        self.places.insert(at, (time_ms, fingerprint, place));
        leave_oldest(&mut self.places, watermark_ms, |known| known.0);
    }

    /// A payment turns out to have begun earlier than at this moment: it was not ordered then.
    pub fn leave(&mut self, time_ms: Millis, fingerprint: u32, utc_offset_ms: Millis) {
        self.countries.retain(|known| (known.0, known.1) != (time_ms, fingerprint));
        let own = |known: &(Millis, u32, Place)| (known.0, known.1) == (time_ms, fingerprint);
        let Some(at) = self.places.iter().position(own) else { return };
        let (.., place) = self.places.remove(at);
        let was_base = |base: &(i32, Millis, Place)| (base.1, base.2) == (time_ms, place);
        let Some(at) = self.bases.iter().position(was_base) else { return };
        let today = |known: &&(Millis, u32, Place)| {
            known.0 >= time_ms && day_number(known.0, utc_offset_ms) == self.bases[at].0
        };
        match self.places.iter().find(today).copied() {
            Some((next_ms, _, place)) => (self.bases[at].1, self.bases[at].2) = (next_ms, place),
            None => drop(self.bases.remove(at)),
        }
    }

    /// The first place of the newest day at or before a time, of a sort; of the last days known at
    /// `until_ms`.
    pub fn base_before(
        &self,
        time_ms: Millis,
        until_ms: Millis,
        is_wanted: impl Fn(&Place) -> bool,
    ) -> Option<Place> {
        let bases = self.bases.iter().rev().filter(|base| base.1 <= until_ms);
        let mut known = bases.take(limits::PLACES_MAX);
        known.find(|base| base.1 <= time_ms && is_wanted(&base.2)).map(|base| base.2)
    }

    /// A payment was ordered at a terminal; says how often the oldest had to leave for it.
    pub fn used_terminal(&mut self, fingerprint: u32, terminal: &str, is_cash: bool) -> u64 {
        let mut over = 0;
        for list in [Some(&mut self.terminals), is_cash.then_some(&mut self.cash)] {
            let Some(list) = list else { continue };
            list.push((fingerprint, terminal.into()));
            if list.len() > limits::MARKS_MAX {
                list.remove(0);
                over += 1;
            }
        }
        over
    }

    /// The device was in a country. The oldest of many leave unseen: only the last one counts.
    pub fn seen_in(
        &mut self,
        time_ms: Millis,
        fingerprint: u32,
        country: Country,
        watermark_ms: Millis,
    ) {
        let at = self.countries.partition_point(|known| known.0 <= time_ms);
        self.countries.insert(at, (time_ms, fingerprint, country));
        leave_oldest(&mut self.countries, watermark_ms, |known| known.0);
    }

    /// Where the device was last seen in the window.
    pub fn country_at(&self, time_ms: Millis, window_ms: Millis) -> Option<Country> {
        let inside = |at: Millis| time_ms - window_ms < at && at <= time_ms;
        self.countries.iter().rev().find(|seen| inside(seen.0)).map(|seen| seen.2)
    }

    /// An account was opened; `true` when the oldest had to leave for it.
    pub fn opened(&mut self, opening: Opening) -> bool {
        let at = self.openings.partition_point(|known| known.time_ms <= opening.time_ms);
        self.openings.insert(at, opening);
        let over = self.openings.len() > limits::OPENINGS_MAX;
        if over {
            self.openings.remove(0);
        }
        over
    }

    /// A telephone was bound for a customer; `true` when the oldest had to leave for it.
    pub fn bind(&mut self, customer: Reference) -> bool {
        if self.bound.contains(&customer) {
            return false;
        }
        self.bound.push(customer);
        let over = self.bound.len() > limits::OPENINGS_MAX;
        if over {
            self.bound.remove(0);
        }
        over
    }

    /// Distinct customers that the telephone was bound to.
    pub fn bound_to(&self) -> i64 {
        self.bound.len() as i64
    }

    /// Distinct accounts or customers of the openings in a window; without a length of all.
    pub fn count_opened(
        &self,
        time_ms: Millis,
        length_ms: Option<Millis>,
        who: fn(&Opening) -> Reference,
    ) -> i64 {
        let inside = |opening: &&Opening| {
            opening.time_ms <= time_ms
                && length_ms.is_none_or(|length_ms| opening.time_ms > time_ms - length_ms)
        };
        let mut found: Vec<Reference> = self.openings.iter().filter(inside).map(who).collect();
        found.sort_unstable();
        found.dedup();
        found.len() as i64
    }

    /// The newest place of a sort at or before a time.
    pub fn place_before(
        &self,
        time_ms: Millis,
        is_wanted: impl Fn(&Place) -> bool,
    ) -> Option<(Millis, Place)> {
        let places = self.places.iter().rev().filter(|known| known.0 <= time_ms);
        let mut known = places.take(limits::PLACES_MAX);
        known.find(|known| is_wanted(&known.2)).map(|known| (known.0, known.2))
    }

    /// The register was asked.
    pub fn register(&mut self, time_ms: Millis, as_of_ms: Millis, status: RegistryStatus) -> bool {
        keep(&mut self.registry, (time_ms, as_of_ms, status), |r| r.0)
    }

    /// When the register was last asked, and what it said, as of a time.
    pub fn registry_at(&self, time_ms: Millis) -> Option<(Millis, RegistryStatus)> {
        let valid = |r: &&(Millis, Millis, RegistryStatus)| r.0 <= time_ms && r.1 <= time_ms;
        self.registry.iter().rev().find(valid).map(|r| (r.0, r.2))
    }

    /// Time since the newest account event of a kind.
    pub fn since(&self, kind: AccountEventKind, time_ms: Millis) -> Option<Millis> {
        let newest = self.marks.iter().rev().find(|m| m.0 <= time_ms && m.1 == kind);
        newest.map(|m| time_ms - m.0)
    }

    /// Time since the newest verdict of a kind.
    pub fn since_verdict(&self, verdict: Verdict, time_ms: Millis) -> Option<Millis> {
        let newest = self.verdicts.iter().rev().find(|v| v.0 <= time_ms && v.1 == verdict);
        newest.map(|v| time_ms - v.0)
    }

    /// Whether the customer has confirmed payments to a payee in the window.
    pub fn confirmed(&self, payee: &str, time_ms: Millis, window_ms: Millis) -> bool {
        let inside = |at: Millis| time_ms - window_ms < at && at <= time_ms;
        let mut verdicts = self.verdicts.iter();
        verdicts.any(|v| inside(v.0) && v.1 == Verdict::Genuine && *v.2 == *payee)
    }

    /// The limit after the newest raise in the window.
    pub fn raised(&self, time_ms: Millis, window_ms: Millis) -> Option<Money> {
        let inside = |at: Millis| time_ms - window_ms < at && at <= time_ms;
        self.raises.iter().rev().find(|r| inside(r.0)).map(|r| r.1)
    }

    /// Bytes held, itself included.
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.marks.capacity() * size_of::<(Millis, AccountEventKind)>()
            + self.raises.capacity() * size_of::<(Millis, Money)>()
            + self.blocks.capacity() * size_of::<(Millis, u32)>()
            + self.verdicts.capacity() * size_of::<(Millis, Verdict, Box<str>)>()
            + self.places.capacity() * size_of::<(Millis, u32, Place)>()
            + self.bases.capacity() * size_of::<(i32, Millis, Place)>()
            + (self.cash.capacity() + self.terminals.capacity()) * size_of::<(u32, Box<str>)>()
            + self.countries.capacity() * size_of::<(Millis, u32, Country)>()
            + self.openings.capacity() * size_of::<Opening>()
            + self.bound.capacity() * size_of::<Reference>()
            + self.registry.capacity() * size_of::<(Millis, Millis, RegistryStatus)>()
    }
}

/// What is asked about a payment that was blocked.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Retry {
    /// Its amount.
    Amount,
    /// Sum of later payments to other, new payees.
    Sum,
    /// Their number.
    Count,
}

impl AsOf<'_> {
    /// The newest payment in the window that was blocked, and what was paid to others since.
    pub fn retried(&mut self, known: Option<&Known>, window_ms: Millis, what: Retry) -> i64 {
        self.note_reach(window_ms);
        let Some((blocked_ms, blocked)) = known.and_then(|k| self.blocked(k, window_ms)) else {
            return MISSING;
        };
        if blocked.is_foreign() {
            return MISSING;
        }
        if matches!(what, Retry::Amount) {
            return blocked.amount_minor();
        }
        let met = super::ask::MetBefore::of(self, blocked_ms);
        let (mut sum, mut count, mut foreign) = (0, 0, false);
        for entry in self.entries.backwards().take_while(|e| e.time_ms() > blocked_ms) {
            let other = entry.counterparty();
            let is_new = !met.has(self, other) && !self.remembers(other);
            let counts = entry.is_debit() && other != blocked.counterparty() && is_new;
            if counts && self.live(entry) {
                foreign |= entry.is_foreign();
                sum += entry.summand();
                count += 1;
            }
        }
        self.lower_bound |= foreign;
        if matches!(what, Retry::Count) { count } else { sum }
    }

    /// The newest block in the window whose payment the ledger still holds.
    fn blocked(&self, known: &Known, window_ms: Millis) -> Option<(Millis, Entry)> {
        let inside = |at: Millis| self.time_ms - window_ms < at && at <= self.time_ms;
        let blocks = known.blocks.iter().rev().filter(|b| inside(b.0));
        blocks.into_iter().find_map(|(at, fingerprint)| {
            let same = |e: &Entry| e.is_debit() && e.fingerprint() == *fingerprint;
            self.entries.backwards().find(same).map(|entry| (*at, entry))
        })
    }

    /// Distinct terminals of the cash withdrawals in the window.
    pub fn cash_terminals(&mut self, known: Option<&Known>, window_ms: Millis) -> i64 {
        self.distinct_terminals(known.map(|known| &*known.cash), window_ms)
    }

    /// Distinct terminals of all payments out in the window.
    pub fn terminals(&mut self, known: Option<&Known>, window_ms: Millis) -> i64 {
        self.distinct_terminals(known.map(|known| &*known.terminals), window_ms)
    }

    fn distinct_terminals(&mut self, used: Option<&[(u32, Box<str>)]>, window_ms: Millis) -> i64 {
        self.note_reach(window_ms);
        let Some(used) = used else { return 0 };
        self.lower_bound |= used.len() >= limits::MARKS_MAX;
        let debits = self.window(window_ms).filter(|e| e.is_debit());
        let at = debits.flat_map(|entry| {
            let same = move |use_: &&(u32, Box<str>)| use_.0 == entry.fingerprint();
            used.iter().filter(same).map(|use_| &*use_.1)
        });
        at.collect::<std::collections::BTreeSet<&str>>().len() as i64
    }

    /// Whether the present user of a device first used it in the window, this use included.
    pub fn is_new_user(&mut self, window_ms: Millis) -> bool {
        let earlier = self.entries.up_to(self.entries.count_until(self.time_ms - window_ms));
        let other = self.own.other;
        let used = |e: Entry| e.counterparty() == other && self.live(e) && !self.own.is(e);
        !earlier.backwards().any(used) && !self.remembers(other)
    }
}
