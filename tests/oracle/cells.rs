//! The naive reference's cells: every feature by its definition, over the whole list of entries.

use std::collections::BTreeMap;

use goshawk::limits::{ORDERED_SCAN_MAX, PAIR_DAYS};
use goshawk::model::entity::EntityKind;
use goshawk::model::event::{AccountEvent, Batch, Body, Event, Party, Payment, Text};
use goshawk::model::time::{DAY, HOUR, Millis};
use goshawk::rules::plan::calendar::{Calendar, Span};
use goshawk::rules::plan::feature::{PaymentField, StateFeature};
use goshawk::rules::plan::program::MISSING;
use goshawk::rules::plan::view::{Direction, FlowView, Role, View};

use super::naive::{Entry, Naive};

/// Both sides are one holder.
pub fn own_transfer(batch: &Batch, p: &Payment) -> bool {
    let same = |a, b| batch.text(a) == batch.text(b) && !batch.text(a).is_empty();
    same(p.payer.customer, p.payee.customer)
        || (same(p.payer.id_token, p.payee.id_token) && same(p.payer.name, p.payee.name))
}

/// Gold, jewellery, telephone, fuel, digital goods, gifts, quasi cash, games.
pub fn is_goods(mcc: &str) -> bool {
    let code: u32 = mcc.parse().unwrap_or(0);
    let single = [5094, 5944, 5541, 5542, 5947, 6051, 7994];
    single.contains(&code) || (4813..=4814).contains(&code) || (5815..=5818).contains(&code)
}

/// Where a payment was ordered from: the wireless network if there is one.
pub fn address(p: &Payment) -> Text {
    [p.device_bssid, p.device_ip].into_iter().find(|text| !text.is_none()).unwrap_or(Text::NONE)
}

/// A cell of the payment's part.
pub fn payment(
    naive: &Naive,
    batch: &Batch,
    event: &Event,
    p: &Payment,
    field: &PaymentField,
) -> i64 {
    let base = naive.plan.currency;
    let minute = (event.time_ms + naive.utc_offset).rem_euclid(DAY) / 60_000;
    let money = |minor: Option<i64>| match minor {
        Some(minor) if p.amount.currency == base => minor,
        _ => MISSING,
    };
    let side = |role: Role| if role == Role::Payer { &p.payer } else { &p.payee };
    match *field {
        PaymentField::Amount => money(Some(p.amount.minor)),
        PaymentField::Status => p.status as i64,
        PaymentField::PaymentType => p.payment_type as i64,
        PaymentField::Channel => p.channel as i64,
        PaymentField::Category => p.category.map_or(MISSING, |c| c as i64),
        PaymentField::PayeeCheck => p.payee_check.map_or(MISSING, |c| c as i64),
        PaymentField::Session(bit) => {
            p.session_flags.map_or(MISSING, |flags| i64::from(flags & bit != 0))
        }
        PaymentField::BalanceAfter(role) => money(side(role).balance_after_minor),
        PaymentField::AvailableAfter(role) => money(side(role).available_after_minor),
        PaymentField::PayerAgeYears => p.payer.age_years.map_or(MISSING, i64::from),
        PaymentField::IncomeMonthly(role) => money(side(role).income_monthly_minor),
        PaymentField::OwnTransfer => i64::from(own_transfer(batch, p)),
        PaymentField::SameAccount => {
            i64::from(batch.text(p.payer.account) == batch.text(p.payee.account))
        }
        PaymentField::IsMultipleOf(of) => {
            money(Some(p.amount.minor)).checked_rem(of).map_or(MISSING, |rest| {
                if p.amount.currency == base { i64::from(rest == 0) } else { MISSING }
            })
        }
        PaymentField::IsGoods => match batch.text(p.mcc) {
            "" => MISSING,
            mcc => i64::from(is_goods(mcc)),
        },
        PaymentField::IsFestival => {
            let today = (event.time_ms + naive.utc_offset).div_euclid(DAY);
            let festivals = naive.plan.policy.festivals.iter();
            let on =
                |(from, to): &&(i32, i32)| i64::from(*from) <= today && today <= i64::from(*to);
            i64::from(festivals.filter(on).count() > 0)
        }
        PaymentField::OpeningReason => MISSING,
        PaymentField::IsAbroad => match (p.terminal_country, naive.plan.country) {
            (Some(there), Some(home)) => i64::from(there != home),
            _ => MISSING,
        },
        PaymentField::IsBetween(hours) => {
            let (from, to) = (i64::from(hours.from_min), i64::from(hours.to_min));
            i64::from(match from < to {
                true => from <= minute && minute < to,
                false => from <= minute || minute < to,
            })
        }
    }
}

/// Looking at one role of one event.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    pub naive: &'a Naive,
    pub batch: &'a Batch,
    pub event: &'a Event,
    pub payment: &'a Payment,
    /// The payment's number in the oracle.
    pub life: usize,
    /// Where both sides share a ledger, the payer's side is read before the credit is entered.
    pub before_credit: bool,
}

impl<'a> Look<'a> {
    /// All cells of a role; none when the payment does not touch one.
    pub fn part(&self, role: Role, features: &[StateFeature]) -> Vec<i64> {
        let p = self.payment;
        let token = |of: fn(&AccountEvent) -> Text| match &self.event.body {
            Body::Account(opened) => of(opened),
            _ => Text::NONE,
        };
        let (kind, name) = match role {
            Role::Phone => (EntityKind::Phone, token(|opened| opened.phone_token)),
            Role::Agent => (EntityKind::Agent, token(|opened| opened.agent_token)),
            Role::Payer => (EntityKind::Account, p.payer.account),
            Role::Payee => (EntityKind::Account, p.payee.account),
            Role::PayerCustomer => (EntityKind::Customer, p.payer.customer),
            Role::PayeeCustomer => (EntityKind::Customer, p.payee.customer),
            Role::Device => (EntityKind::Device, p.device_id),
            Role::Network => (EntityKind::Address, address(p)),
        };
        let owner = (kind, self.batch.text(name));
        if owner.1.is_empty() {
            return Vec::new();
        }
        let look =
            Self { before_credit: matches!(role, Role::Payer | Role::PayerCustomer), ..*self };
        features.iter().map(|f| look.cell(role, owner, f)).collect()
    }

    fn party(&self, role: Role) -> Option<&'a Party> {
        match role {
            Role::Payer | Role::PayerCustomer => Some(&self.payment.payer),
            Role::Payee | Role::PayeeCustomer => Some(&self.payment.payee),
            _ => None,
        }
    }

    /// Entries of the owner up to now, not taken back as of now, in ledger order.
    fn past(&self, owner: (EntityKind, &str)) -> Vec<&'a Entry> {
        let now = self.event.time_ms;
        let of = |e: &&Entry| (e.owner.0, &*e.owner.1) == owner;
        let live = |e: &&Entry| e.time <= now && e.void.is_none_or(|void| void > now);
        let mut past: Vec<_> = self.naive.entries.iter().filter(of).filter(live).collect();
        if self.before_credit {
            let entered = self.naive.arrived_before;
            past.retain(|e| e.direction == Direction::Debit || e.order <= entered);
        }
        past.sort_by_key(|e| (e.time, e.order));
        past
    }

    /// When a window of working days begins: at the midnight of the last of them, going back. What
    /// the calendar does not cover has five to seven days.
    pub fn length(&self, span: Span) -> Millis {
        let days = match span {
            Span::Length(length) => return length,
            Span::WorkingDays(days) => i64::from(days),
        };
        let calendar = &self.naive.plan.policy.calendar;
        let Some(first) = first_working_day(calendar, days, self.today()) else {
            return (days * 7 + 4) / 5 * DAY;
        };
        self.event.time_ms - (first * DAY - self.naive.utc_offset) + 1
    }

    /// Those of them that the ledger still holds and the window covers.
    pub fn window(&self, owner: (EntityKind, &str), length: Millis) -> Vec<&'a Entry> {
        let from = (self.event.time_ms - length).max(self.naive.horizon);
        self.past(owner).into_iter().filter(|e| e.time > from).collect()
    }

    fn view(&self, owner: (EntityKind, &str), view: &View) -> Vec<&'a Entry> {
        let mut entries = self.window(owner, view.window_ms);
        entries.retain(|e| e.direction == view.direction && e.flags & view.without == 0);
        entries
    }

    fn cell(&self, role: Role, owner: (EntityKind, &str), feature: &StateFeature) -> i64 {
        let now = self.event.time_ms;
        let naive = self.naive;
        if let Some(value) = self.known(role, owner, feature) {
            return value;
        }
        match feature {
            StateFeature::Count(v) => self.view(owner, v).len() as i64,
            StateFeature::Sum(v) => sum(&self.view(owner, v)),
            StateFeature::Max(v) => amounts(&self.view(owner, v)).max().unwrap_or(MISSING),
            StateFeature::Min(v) => amounts(&self.view(owner, v)).min().unwrap_or(MISSING),
            StateFeature::Counterparties(v) => by_counterparty(&self.view(owner, v)).len() as i64,
            StateFeature::TopShare(v, k) => top_share(&self.view(owner, v), usize::from(*k)),
            StateFeature::FlowRatio(v) => {
                let entries = self.flow(owner, v, usize::MAX);
                let (debits, credits) = (side(&entries, true), side(&entries, false));
                ratio(debits, credits)
            }
            StateFeature::Dwell(v) => dwell(&self.flow(owner, v, ORDERED_SCAN_MAX)),
            StateFeature::Cycles { view, min_in, floor, share_ppm } => {
                let entries = self.flow(owner, view, ORDERED_SCAN_MAX);
                cycles(&entries, *min_in, *floor, *share_ppm)
            }
            StateFeature::IdleBefore(w) => self.idle_before(owner, now - w),
            StateFeature::HistoryCount(direction, days) => {
                self.history(owner, *direction, *days).len() as i64
            }
            StateFeature::HistorySum(direction, days) => {
                sum(&self.history(owner, *direction, *days))
            }
            StateFeature::HistoryQuantile(days, ppm) => {
                quantile(&self.history(owner, Direction::Debit, *days), *ppm)
            }
            StateFeature::HistoryNightShare(days) => {
                let mut debits = self.history(owner, Direction::Debit, *days);
                debits.retain(|e| self.day(e.time) < self.today());
                let clock = |e: &Entry| (e.time + naive.utc_offset).rem_euclid(DAY);
                let night = debits.iter().filter(|e| clock(e) < 5 * HOUR).count();
                ratio(night as i64, debits.len() as i64)
            }
            StateFeature::HistoryWeeks(direction) => {
                let hour = |time: Millis| (time + naive.utc_offset).rem_euclid(DAY) / HOUR;
                let mut entries = self.remembered(owner);
                entries.retain(|e| e.direction == *direction && hour(e.time) == hour(now));
                let week =
                    |k: i64| entries.iter().any(|e| self.day(e.time) == self.today() - 7 * k);
                (1..=8).filter(|k| week(*k)).count() as i64
            }
            StateFeature::Rhythm(direction, weeks) => {
                // Weeks begin on Mondays; 5 January 1970 was one.
                let week = |day: i64| (day - 4).div_euclid(7);
                let other = self.other_side(role);
                let mut paid = self.remembered(owner);
                paid.retain(|e| e.direction == *direction && e.counterparty == other);
                let since = |e: &&Entry| week(self.today()) - week(self.day(e.time));
                let ages: Vec<i64> = paid.iter().map(since).collect();
                let weeks = i64::from(*weeks);
                let mut count = 0;
                loop {
                    let (from, to) = (count * weeks + 1, (count + 1) * weeks);
                    if to > 24 || !ages.iter().any(|age| from <= *age && *age <= to) {
                        break count;
                    }
                    count += 1;
                }
            }
            StateFeature::HistoryDayMedian(days) => {
                let mut sums: Vec<i64> =
                    self.credit_days(owner, *days).values().map(|of| sum(of)).collect();
                sums.sort_unstable();
                // Of an even number the lower of the two in the middle.
                match sums.len() {
                    0 => MISSING,
                    n => sums[n.div_ceil(2) - 1],
                }
            }
            StateFeature::HistoryTicket(days) => {
                let credits: Vec<&Entry> =
                    self.credit_days(owner, *days).into_values().flatten().collect();
                sum(&credits).checked_div(credits.len() as i64).unwrap_or(MISSING)
            }
            StateFeature::HistoryNewPayers(days) => self.new_payers(owner, i64::from(*days)),
            StateFeature::PairCount(days) => {
                let pair = self.relation(owner);
                let within = |p: &Vec<i64>| self.today() - p[p.len() - 1] <= i64::from(*days);
                pair.filter(within).map_or(0, |p| p.len() as i64)
            }
            StateFeature::PairAgeDays => {
                self.relation(owner).map_or(MISSING, |p| self.today() - p[0])
            }
            StateFeature::Asked(number, measure) => {
                self.asked(role, owner, &naive.plan.queries[usize::from(*number)], *measure)
            }
            StateFeature::FollowedBy(first, then, within) => {
                self.sequence(role, owner, [*first, *then], *within, true)
            }
            StateFeature::NotFollowedBy(first, then, within) => {
                self.sequence(role, owner, [*first, *then], *within, false)
            }
            StateFeature::AgeDays => {
                let opened = self.party(role).and_then(|p| p.opened_at_ms);
                let opened = opened.or_else(|| self.profile(role)?.opened);
                opened.map_or(MISSING, |opened| (now - opened).div_euclid(DAY))
            }
            StateFeature::Age => {
                let opened = self.party(role).and_then(|p| p.opened_at_ms);
                let opened = opened.or_else(|| self.profile(role)?.opened);
                opened.map_or(MISSING, |opened| now - opened)
            }
            StateFeature::OnOpeningDevice => {
                let device = self.batch.text(self.payment.device_id);
                let opened_on = self.profile(role).map_or("", |p| p.opening_device.as_str());
                match (device, opened_on) {
                    ("", _) | (_, "") => MISSING,
                    (device, opened_on) => i64::from(device == opened_on),
                }
            }
            StateFeature::OpeningKm(km) => {
                self.opening_km(self.profile(role).and_then(|p| p.opening_geo), *km)
            }
            StateFeature::Grade => {
                let given = self.party(role).and_then(|p| p.risk_grade);
                let grade = given.or_else(|| self.profile(role)?.grade);
                grade.map_or(MISSING, |g| g as i64)
            }
            StateFeature::CustomerType => {
                let given = self.party(role).and_then(|p| p.customer_type);
                let kind = given.or_else(|| self.profile(role)?.customer_type);
                kind.map_or(MISSING, |k| k as i64)
            }
            StateFeature::AccountClass => {
                let given = self.party(role).and_then(|p| p.account_class);
                let class = given.or_else(|| self.profile(role)?.class);
                class.map_or(MISSING, |c| c as i64)
            }
            StateFeature::Listed(category, level) => {
                let own = naive.listed(owner, now, *category, *level);
                let party = match role {
                    Role::Payer | Role::Payee => self.party(role),
                    _ => None,
                };
                let holder = party.is_some_and(|party| {
                    naive.party_listed(self.batch, party, now, *category, *level)
                });
                i64::from(own || holder)
            }
            StateFeature::Controlled(action) => {
                let controls = naive.controls.iter();
                let mut on = controls.filter(|c| owner == (EntityKind::Account, &c.account));
                i64::from(on.any(|c| c.kind == *action && c.from <= now && now < c.to))
            }
            other => unreachable!("{other:?} is about what happened"),
        }
    }

    fn profile(&self, role: Role) -> Option<&'a super::naive::Profile> {
        let account = match role {
            Role::Payer => self.payment.payer.account,
            Role::Payee => self.payment.payee.account,
            _ => return None,
        };
        self.naive.profiles.iter().find(|p| p.account == self.batch.text(account))
    }

    /// Both directions of a flow, at most the newest `most`.
    fn flow(&self, owner: (EntityKind, &str), flow: &FlowView, most: usize) -> Vec<&'a Entry> {
        let mut entries = self.window(owner, flow.window_ms);
        entries.retain(|e| e.flags & flow.without == 0);
        entries.drain(..entries.len().saturating_sub(most));
        entries
    }

    fn idle_before(&self, owner: (EntityKind, &str), since: Millis) -> i64 {
        let debits = self.past(owner).into_iter().filter(|e| e.direction == Direction::Debit);
        let debits = debits.filter(|e| !(self.gone(e) && e.void.is_some()));
        let (gone, held): (Vec<_>, Vec<_>) = debits.partition(|e| self.gone(e));
        let held = held.iter().map(|e| e.time).filter(|time| *time <= since).max();
        // Beyond the ledger only the last one is remembered.
        let last = held.or_else(|| gone.iter().map(|e| e.time).max().filter(|t| *t <= since));
        last.map_or(MISSING, |last| since - last)
    }

    pub fn gone(&self, entry: &Entry) -> bool {
        entry.time <= self.naive.horizon
    }

    fn day(&self, time: Millis) -> i64 {
        (time + self.naive.utc_offset).div_euclid(DAY)
    }

    fn today(&self) -> i64 {
        self.day(self.event.time_ms)
    }

    fn history(
        &self,
        owner: (EntityKind, &str),
        direction: Direction,
        days: u16,
    ) -> Vec<&'a Entry> {
        let mut entries = self.remembered(owner);
        entries.retain(|e| {
            e.direction == direction && self.today() - self.day(e.time) < i64::from(days)
        });
        entries
    }

    /// Credits by day, on the days before today.
    fn credit_days(&self, owner: (EntityKind, &str), days: u16) -> BTreeMap<i64, Vec<&'a Entry>> {
        let mut by_day: BTreeMap<i64, Vec<&Entry>> = BTreeMap::new();
        for entry in self.history(owner, Direction::Credit, days) {
            if self.day(entry.time) != self.today() {
                by_day.entry(self.day(entry.time)).or_default().push(entry);
            }
        }
        by_day
    }

    /// Everything but the present payment's own entries, as long as the ledger holds them. An entry
    /// that was taken back before it left the ledger is not remembered.
    pub fn remembered(&self, owner: (EntityKind, &str)) -> Vec<&'a Entry> {
        let mut past = self.past(owner);
        past.retain(|e| if self.gone(e) { e.void.is_none() } else { e.payment != self.life });
        past
    }

    /// Payers whose relation, without a gap that breaks it, began in the last days.
    fn new_payers(&self, owner: (EntityKind, &str), days: i64) -> i64 {
        let mut past = self.past(owner);
        past.retain(|e| e.direction == Direction::Credit && !(self.gone(e) && e.void.is_some()));
        let mut begun: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
        for entry in past {
            let day = self.day(entry.time);
            let known = begun.entry(&*entry.counterparty).or_insert((day, day));
            let first = if day - known.1 > i64::from(PAIR_DAYS) { day } else { known.0 };
            *known = (first, day);
        }
        let new = |first: i64| self.today() - first < days;
        begun.values().filter(|(first, _)| new(*first)).count() as i64
    }

    /// Days of the payments of the unbroken relation to the payee, if it has not been forgotten.
    fn relation(&self, owner: (EntityKind, &str)) -> Option<Vec<i64>> {
        let payee = self.batch.text(self.payment.payee.account);
        let mut days: Vec<i64> = Vec::new();
        for entry in self.remembered(owner) {
            if entry.direction != Direction::Debit || entry.counterparty != payee {
                continue;
            }
            let day = self.day(entry.time);
            if days.last().is_some_and(|last| day - last > i64::from(PAIR_DAYS)) {
                days.clear();
            }
            days.push(day);
        }
        let last = *days.last()?;
        (self.today() - last <= i64::from(PAIR_DAYS)).then_some(days)
    }
}

fn amounts<'a>(entries: &'a [&Entry]) -> impl Iterator<Item = i64> + 'a {
    entries.iter().filter(|e| !e.foreign).map(|e| e.minor)
}

pub fn sum(entries: &[&Entry]) -> i64 {
    amounts(entries).sum()
}

fn side(entries: &[&Entry], debit: bool) -> i64 {
    let wanted = entries.iter().filter(|e| (e.direction == Direction::Debit) == debit);
    wanted.filter(|e| !e.foreign).map(|e| e.minor).sum()
}

pub fn ratio(part: i64, whole: i64) -> i64 {
    match whole {
        0 => MISSING,
        _ => (part as f64 / whole as f64).to_bits().cast_signed(),
    }
}

fn by_counterparty<'a>(entries: &[&'a Entry]) -> BTreeMap<&'a str, i64> {
    let mut sums = BTreeMap::new();
    for entry in entries {
        let minor = if entry.foreign { 0 } else { entry.minor };
        *sums.entry(&*entry.counterparty).or_default() += minor;
    }
    sums
}

pub fn top_share(entries: &[&Entry], k: usize) -> i64 {
    let mut sums: Vec<i64> = by_counterparty(entries).into_values().collect();
    sums.sort_unstable_by(|a, b| b.cmp(a));
    ratio(sums.iter().take(k).sum(), sum(entries))
}

/// Coin by coin: every portion of money with how long it stayed, then the weighted lower median.
fn dwell(entries: &[&Entry]) -> i64 {
    let mut lots: Vec<(Millis, i64)> = Vec::new();
    let mut portions: Vec<(Millis, i64)> = Vec::new();
    for entry in entries.iter().filter(|e| !e.foreign) {
        if entry.direction == Direction::Credit {
            lots.push((entry.time, entry.minor));
            continue;
        }
        let mut left = entry.minor;
        for (since, lot) in &mut lots {
            let taken = left.min(*lot);
            if taken > 0 {
                portions.push((entry.time - *since, taken));
            }
            *lot -= taken;
            left -= taken;
        }
    }
    let total: i64 = portions.iter().map(|(_, part)| part).sum();
    let mut stays: Vec<Millis> = portions.iter().map(|(stay, _)| *stay).collect();
    stays.sort_unstable();
    let reaches = |stay: &Millis| {
        let within = portions.iter().filter(|(s, _)| s <= stay);
        2 * within.map(|(_, part)| part).sum::<i64>() >= total
    };
    stays.into_iter().find(reaches).unwrap_or(MISSING)
}

fn cycles(entries: &[&Entry], min_in: i64, floor: i64, share_ppm: i64) -> i64 {
    let (mut cycles, mut came, mut went) = (0, 0i64, 0i64);
    for entry in entries {
        let minor = if entry.foreign { 0 } else { entry.minor };
        if entry.direction == Direction::Credit {
            came += minor;
            continue;
        }
        if came == 0 {
            continue;
        }
        went += minor;
        let share = i128::from(came) * i128::from(share_ppm) / 1_000_000;
        let residue = i128::from(came - went);
        if came >= min_in && residue <= share.max(i128::from(floor)) {
            cycles += 1;
            (came, went) = (0, 0);
        }
    }
    cycles
}

fn quantile(entries: &[&Entry], ppm: u32) -> i64 {
    let mut sorted: Vec<i64> = amounts(entries).collect();
    sorted.sort_unstable();
    let n = sorted.len() as u64;
    if n == 0 {
        return MISSING;
    }
    let rank = (n * u64::from(ppm)).div_ceil(1_000_000).max(1);
    bucket_edge(sorted[rank as usize - 1])
}

/// Largest amount that shares the bucket of `amount`: below 16 itself, else the same highest bit
/// and the same three bits after it.
pub fn bucket_edge(amount: i64) -> i64 {
    if amount < 16 {
        return amount;
    }
    let mut width = 1;
    while amount / width >= 16 {
        width *= 2;
    }
    amount / width * width + width - 1
}

/// The first of so many working days that end with a day; `None` where the calendar does not cover
/// it.
pub fn first_working_day(calendar: &Calendar, days: i64, today: i64) -> Option<i64> {
    let known = |(from, to)| i64::from(from) <= today && today <= i64::from(to);
    if !calendar.covers.is_some_and(known) {
        return None;
    }
    let works = |day: i64| {
        // The first day of 1970 was a Thursday.
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][(day % 7) as usize];
        let off = calendar.holidays.iter();
        let off = off.clone().any(|(a, b)| (i64::from(*a)..=i64::from(*b)).contains(&day));
        let made_up = calendar.workdays.iter().any(|on| i64::from(*on) == day);
        !off && (made_up || !["Sat", "Sun"].contains(&weekday))
    };
    let mut first = today + 1;
    let mut left = days;
    while left > 0 {
        first -= 1;
        left -= i64::from(works(first));
    }
    Some(first)
}
