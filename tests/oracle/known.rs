//! The naive reference's view of what happened beside payments: account events, feedback, the
//! register of enterprises, what two parties are allowed.

use goshawk::limits::{ANALYST_ALLOW_MAX, MARKS_MAX, PLACES_MAX, REGISTRY_FRESH};
use goshawk::model::country::Country;
use goshawk::model::entity::EntityKind;
use goshawk::model::event::{
    AccountEvent, AccountEventKind, Batch, FeedbackEvent, FeedbackStage, Geo, ListCategory,
    ListEvent, ListLevel, OpeningReason, PairLevel, Party, Payment, PaymentType, RegistryEvent,
    RegistryStatus, Verdict,
};
use goshawk::model::measure::Action;
use goshawk::model::money::Money;
use goshawk::model::time::{DAY, Millis};
use goshawk::rules::plan::calendar::Span;
use goshawk::rules::plan::feature::StateFeature;
use goshawk::rules::plan::program::MISSING;
use goshawk::rules::plan::view::{Direction, Role};

use super::cells::Look;
use super::naive::{Entry, Naive};

/// Something that happened to an account or an enterprise.
#[derive(Debug)]
pub struct Happened {
    whom: String,
    time: Millis,
    what: What,
}

#[derive(Debug, PartialEq)]
enum What {
    Account(AccountEventKind),
    Raised(Money),
    Blocked(String),
    Found(Verdict, String),
    Registered(Millis, RegistryStatus),
    /// Latitude and longitude in degrees, accuracy in metres.
    Stayed(f64, f64, u32),
    /// The first of its day.
    Base(f64, f64, u32),
    /// Payment and terminal.
    Cash(String, String),
    Terminal(String, String),
    SeenIn(Country),
    /// Account and customer (or account); whether it counts.
    Opened(String, String, bool),
    Bound(String),
}

impl Naive {
    fn note(&mut self, whom: String, time: Millis, what: What) {
        self.happened.push(Happened { whom, time, what });
    }

    pub fn account_happened(&mut self, batch: &Batch, time: Millis, event: &AccountEvent) {
        let account = batch.text(event.account).to_owned();
        self.note(account.clone(), time, What::Account(event.kind));
        let customer = match batch.text(event.customer) {
            "" => account.clone(),
            customer => customer.to_owned(),
        };
        use AccountEventKind::{Opened, PhoneBound};
        let small =
            [OpeningReason::Replacement, OpeningReason::SocialSecurity, OpeningReason::Medical];
        let counts = event.kind == Opened && !event.reason.is_some_and(|r| small.contains(&r));
        for whom in [event.customer, event.opening_device, event.phone_token, event.agent_token] {
            let whom = batch.text(whom).to_owned();
            if !whom.is_empty() && [Opened, PhoneBound].contains(&event.kind) {
                let what = What::Opened(account.clone(), customer.clone(), counts);
                self.note(whom, time, what);
            }
        }
        let phone = batch.text(event.phone_token).to_owned();
        if !phone.is_empty() && [Opened, PhoneBound].contains(&event.kind) {
            self.note(phone, time, What::Bound(customer));
        }
        if let (Some(before), Some(after)) = (event.limit_before, event.limit_after)
            && event.kind == AccountEventKind::LimitChanged
            && before.currency == after.currency
            && before.minor < after.minor
        {
            self.note(account, time, What::Raised(after));
        }
    }

    pub fn registered(&mut self, batch: &Batch, time: Millis, event: &RegistryEvent) {
        let what = What::Registered(event.as_of_ms.unwrap_or(time), event.status);
        self.note(batch.text(event.enterprise).to_owned(), time, what);
    }

    pub fn fed_back(&mut self, batch: &Batch, time: Millis, event: &FeedbackEvent) {
        let payer = batch.text(event.payer);
        if payer.is_empty() {
            return;
        }
        let done = [FeedbackStage::Executed, FeedbackStage::PartiallyExecuted];
        let held = [Some(Action::StopPayment), Some(Action::Delay)];
        let id = batch.text(event.payment_id);
        if done.contains(&event.stage) && held.contains(&event.action) && !id.is_empty() {
            self.note(payer.to_owned(), time, What::Blocked(id.to_owned()));
        }
        if let Some(verdict) = event.verdict {
            let what = What::Found(verdict, batch.text(event.payee).to_owned());
            self.note(payer.to_owned(), time, what);
        }
    }

    /// Where a payment was ordered.
    pub fn stayed(&mut self, batch: &Batch, time: Millis, payment: &Payment) {
        let whom = batch.text(payment.payer.account).to_owned();
        if let Some(country) = payment.device_country {
            self.note(whom.clone(), time, What::SeenIn(country));
            self.keep_newest(&whom, |what| matches!(what, What::SeenIn(_)));
        }
        let Some((lat, lon, accuracy)) = place(payment) else { return };
        self.note(whom.clone(), time, What::Stayed(lat, lon, accuracy));
        self.keep_newest(&whom, |what| matches!(what, What::Stayed(..)));
        let day = |time: Millis| (time + self.utc_offset).div_euclid(DAY);
        let of_today = |h: &Happened| {
            h.whom == whom && matches!(h.what, What::Base(..)) && day(h.time) == day(time)
        };
        let known = self.happened.iter().position(of_today);
        if known.is_none_or(|at| time < self.happened[at].time) {
            known.map(|at| self.happened.remove(at));
            self.note(whom.clone(), time, What::Base(lat, lon, accuracy));
        }
        // Days pass for what is kept also where the day's first place is known already.
        self.keep_newest(&whom, |what| matches!(what, What::Base(..)));
    }

    /// Of many places until the watermark only the newest are kept.
    fn keep_newest(&mut self, whom: &str, is: impl Fn(&What) -> bool) {
        let is_here = |h: &Happened| h.whom == whom && is(&h.what);
        let all: Vec<Millis> =
            self.happened.iter().filter(|h| is_here(h)).map(|h| h.time).collect();
        let mut times: Vec<Millis> =
            all.iter().copied().filter(|time| *time <= self.watermark()).collect();
        times.sort_unstable();
        let over = times.len().saturating_sub(PLACES_MAX).max(all.len().saturating_sub(72));
        for oldest in times.into_iter().take(over) {
            let at = self.happened.iter().position(|h| is_here(h) && h.time == oldest);
            self.happened.remove(at.expect("it was found"));
        }
    }

    /// A payment begins earlier than was thought: it was not ordered then.
    pub fn began_earlier(&mut self, batch: &Batch, then: Millis, payment: &Payment) {
        let whom = batch.text(payment.payer.account).to_owned();
        let mut remove = |what: What| {
            let same = |h: &Happened| h.whom == whom && h.time == then && h.what == what;
            let found = self.happened.iter().position(same);
            found.map(|at| self.happened.remove(at)).is_some()
        };
        if let Some(country) = payment.device_country {
            remove(What::SeenIn(country));
        }
        let Some((lat, lon, accuracy)) = place(payment) else { return };
        let stayed = remove(What::Stayed(lat, lon, accuracy));
        if !stayed || !remove(What::Base(lat, lon, accuracy)) {
            return;
        }
        let day = |time: Millis| (time + self.utc_offset).div_euclid(DAY);
        let mut later: Vec<(Millis, What)> = Vec::new();
        for h in self.happened.iter().filter(|h| h.whom == whom && h.time >= then) {
            if let What::Stayed(lat, lon, accuracy) = h.what
                && day(h.time) == day(then)
            {
                later.push((h.time, What::Base(lat, lon, accuracy)));
            }
        }
        later.sort_by_key(|(time, _)| *time);
        if let Some((time, what)) = later.into_iter().next() {
            self.note(whom, time, what);
        }
    }

    /// Which terminals were used, and where cash was taken, of the last payments and withdrawals.
    pub fn took_cash(&mut self, batch: &Batch, time: Millis, payment: &Payment) {
        let terminal = batch.text(payment.terminal_id);
        if terminal.is_empty() {
            return;
        }
        let whom = batch.text(payment.payer.account).to_owned();
        let id = batch.text(payment.payment_id).to_owned();
        self.note(whom.clone(), time, What::Terminal(id.clone(), terminal.to_owned()));
        let is_here = |h: &Happened| h.whom == whom && matches!(h.what, What::Terminal(..));
        if self.happened.iter().filter(|h| is_here(h)).count() > MARKS_MAX {
            let at = self.happened.iter().position(is_here);
            self.happened.remove(at.expect("it was counted"));
        }
        if payment.payment_type != PaymentType::CashOut {
            return;
        }
        self.note(whom.clone(), time, What::Cash(id, terminal.to_owned()));
        let is_here = |h: &Happened| h.whom == whom && matches!(h.what, What::Cash(..));
        if self.happened.iter().filter(|h| is_here(h)).count() > MARKS_MAX {
            let at = self.happened.iter().position(is_here);
            self.happened.remove(at.expect("it was counted"));
        }
    }

    /// When a list entry is valid: an analyst's word on a pair does not last.
    pub fn validity(batch: &Batch, time: Millis, event: &ListEvent) -> (Millis, Millis) {
        let (from, to) = (event.valid_from_ms, event.valid_to_ms.unwrap_or(Millis::MAX));
        if event.level == Some(ListLevel::Analyst) && !event.counterparty.is_none() {
            let from = from.unwrap_or(time);
            let people: std::collections::BTreeSet<&str> =
                [event.author, event.approver].map(|who| batch.text(who)).into();
            let four_eyes = people.len() == 2 && !people.contains("");
            return (from, if four_eyes { to.min(from + ANALYST_ALLOW_MAX) } else { from });
        }
        (from.unwrap_or(Millis::MIN), to)
    }
}

/// Latitude and longitude in degrees, accuracy in metres.
fn place(payment: &Payment) -> Option<(f64, f64, u32)> {
    let (geo, accuracy) = match (payment.terminal_geo, payment.device_geo) {
        (Some(geo), _) => (geo, geo.accuracy_m.unwrap_or(0)),
        (None, Some(geo)) => (geo, geo.accuracy_m?),
        (None, None) => return None,
    };
    Some((f64::from(geo.lat_udeg) / 1e6, f64::from(geo.lon_udeg) / 1e6, accuracy))
}

/// By the haversine formula, in whole metres.
fn metres(a: (f64, f64), b: (f64, f64)) -> i64 {
    let (p, q) = (a.0.to_radians(), b.0.to_radians());
    let half = |x: f64| (x / 2.0).sin().powi(2);
    let h = half(q - p) + p.cos() * q.cos() * half((b.1 - a.1).to_radians());
    (2.0 * 6_371_008.8 * h.sqrt().min(1.0).asin()) as i64
}

impl<'a> Look<'a> {
    /// Kilometres and kilometres an hour from the newest earlier place.
    fn travelled(&self, owner: (EntityKind, &str), km: u32) -> Option<(i64, i64)> {
        let (lat, lon, _) = place(self.payment).filter(|p| p.2 < km * 1_000)?;
        let stays = self.history_of(owner.1).into_iter().rev().filter_map(|h| match h.what {
            What::Stayed(lat, lon, accuracy) => Some((h.time, (lat, lon), accuracy)),
            _ => None,
        });
        let sure = stays.take(PLACES_MAX).find(|(_, _, accuracy)| *accuracy < km * 1_000);
        let (time, there, _) = sure?;
        let metres = metres((lat, lon), there);
        Some((metres / 1_000, metres * 3_600 / (self.event.time_ms - time).max(1)))
    }

    /// The value of a feature about what happened; `None` when it is another one.
    pub fn known(&self, role: Role, owner: (EntityKind, &str), f: &StateFeature) -> Option<i64> {
        let now = self.event.time_ms;
        let ago = |time: Option<Millis>| time.map_or(MISSING, |time| now - time);
        Some(match f {
            StateFeature::Since(kind) => {
                ago(self.newest(owner, |w| matches!(w, What::Account(k) if k == kind)))
            }
            StateFeature::SinceVerdict(verdict) => {
                ago(self.newest(owner, |w| matches!(w, What::Found(v, _) if v == verdict)))
            }
            StateFeature::LimitRaised(window) => {
                let past = self.history_of(owner.1).into_iter().rev();
                let limit = past.into_iter().find_map(|h| match &h.what {
                    What::Raised(limit) if h.time > now - window => Some(*limit),
                    _ => None,
                });
                let limit = limit.filter(|_| owner.0 == EntityKind::Account);
                limit
                    .filter(|limit| limit.currency == self.naive.plan.currency)
                    .map_or(MISSING, |limit| limit.minor)
            }
            StateFeature::Registered(status) => match self.enterprise(role) {
                Some((_, found)) => i64::from(found == *status),
                None => MISSING,
            },
            StateFeature::RegistryFresh => match self.enterprise(role) {
                Some((asked, _)) => i64::from(now - asked <= REGISTRY_FRESH),
                None => MISSING,
            },
            StateFeature::PairAllowed(level) => self.allowed(*level),
            StateFeature::PairVerified(window) => {
                let payee = self.batch.text(self.payment.payee.account);
                let confirmed = self.history_of(owner.1).into_iter().any(|h| {
                    h.time > now - window
                        && matches!(&h.what, What::Found(Verdict::Genuine, who) if who == payee)
                });
                i64::from(confirmed)
            }
            StateFeature::Blocked(window) => self.retried(owner, *window, |_, minor| minor),
            StateFeature::RetriedSum(window) => self.retried(owner, *window, |later, _| {
                later.iter().filter(|e| !e.foreign).map(|e| e.minor).sum()
            }),
            StateFeature::RetriedCount(window) => {
                self.retried(owner, *window, |later, _| later.len() as i64)
            }
            StateFeature::TravelKm(km) => self.travelled(owner, *km).map_or(MISSING, |t| t.0),
            StateFeature::TravelSpeed(km) => self.travelled(owner, *km).map_or(MISSING, |t| t.1),
            StateFeature::Openings(span) => self.opened(owner, Some(*span), |account, _| account),
            StateFeature::OpeningsTotal => self.opened(owner, None, |account, _| account),
            StateFeature::OpenedFor(span) => self.opened(owner, Some(*span), |_, who| who),
            StateFeature::PhoneCustomers => {
                // However late it was said: a telephone is bound for good.
                let bound = self.naive.happened.iter().filter_map(|h| match &h.what {
                    What::Bound(customer) if h.whom == owner.1 => Some(customer),
                    _ => None,
                });
                bound.collect::<std::collections::BTreeSet<_>>().len() as i64
            }
            StateFeature::MovedKm(window, km) => {
                let moved = place(self.payment).filter(|p| p.2 < km * 1_000).and_then(|here| {
                    let bases = self.history_of(owner.1).into_iter().rev();
                    let bases = bases.filter_map(|h| match h.what {
                        What::Base(lat, lon, accuracy) => Some((lat, lon, accuracy, h.time)),
                        _ => None,
                    });
                    let (lat, lon, ..) = bases
                        .take(PLACES_MAX)
                        .find(|base| base.3 <= now - window && base.2 < km * 1_000)?;
                    Some(metres((here.0, here.1), (lat, lon)) / 1_000)
                });
                moved.unwrap_or(MISSING)
            }
            StateFeature::CashTerminals(window) | StateFeature::Terminals(window) => {
                let cash_only = matches!(f, StateFeature::CashTerminals(_));
                let taken = self.window(owner, *window);
                let terminals = self.naive.happened.iter().filter_map(|h| {
                    let (id, terminal) = match &h.what {
                        What::Cash(id, terminal) if cash_only => (id, terminal),
                        What::Terminal(id, terminal) if !cash_only => (id, terminal),
                        _ => return None,
                    };
                    let debit = |e: &&Entry| {
                        e.direction == Direction::Debit && self.naive.is_payment(e, id)
                    };
                    let here = h.whom == owner.1 && taken.iter().copied().any(|e| debit(&e));
                    here.then_some(terminal)
                });
                terminals.collect::<std::collections::BTreeSet<_>>().len() as i64
            }
            StateFeature::SeenAtHome(window) => {
                let past = self.history_of(owner.1).into_iter().rev();
                let before = past.into_iter().find_map(|h| match h.what {
                    What::SeenIn(country) if h.time > now - window => Some(country),
                    _ => None,
                });
                match (self.payment.device_country.or(before), self.naive.plan.country) {
                    (Some(seen), Some(home)) => i64::from(seen == home),
                    _ => MISSING,
                }
            }
            StateFeature::NewUser(window) => {
                let user = if self.payment.payer.customer.is_none() {
                    self.payment.payer.account
                } else {
                    self.payment.payer.customer
                };
                let met = self.met(owner, *window);
                i64::from(!met.contains(&self.batch.text(user)))
            }
            _ => return None,
        })
    }

    /// Kilometres from where the account was opened.
    pub fn opening_km(&self, opened_at: Option<Geo>, km: u32) -> i64 {
        let sure = |accuracy: u32| accuracy < km * 1_000;
        let here = place(self.payment).filter(|p| sure(p.2));
        let opened_at = opened_at.filter(|geo| sure(geo.accuracy_m.unwrap_or(0)));
        here.zip(opened_at).map_or(MISSING, |(here, geo)| {
            let there = (f64::from(geo.lat_udeg) / 1e6, f64::from(geo.lon_udeg) / 1e6);
            metres((here.0, here.1), there) / 1_000
        })
    }

    /// Accounts or customers of the openings that count.
    fn opened<'h>(
        &'h self,
        owner: (EntityKind, &str),
        span: Option<Span>,
        who: fn(&'h str, &'h str) -> &'h str,
    ) -> i64 {
        let from = span.map_or(Millis::MIN, |span| self.event.time_ms - self.length(span));
        let past = self.history_of(owner.1);
        let opened = past.into_iter().filter_map(|h| match &h.what {
            What::Opened(account, customer, true) if h.time > from => Some(who(account, customer)),
            _ => None,
        });
        opened.collect::<std::collections::BTreeSet<_>>().len() as i64
    }

    /// What happened to somebody up to now, in order of time.
    fn history_of(&self, whom: &str) -> Vec<&'a Happened> {
        let now = self.event.time_ms;
        let mut past: Vec<&Happened> =
            self.naive.happened.iter().filter(|h| h.whom == whom && h.time <= now).collect();
        past.sort_by_key(|h| h.time);
        past
    }

    fn newest(&self, owner: (EntityKind, &str), is: impl Fn(&What) -> bool) -> Option<Millis> {
        if owner.0 != EntityKind::Account {
            return None;
        }
        self.history_of(owner.1).into_iter().rev().find(|h| is(&h.what)).map(|h| h.time)
    }

    /// When the register was asked about the role's enterprise, and what it said.
    fn enterprise(&self, role: Role) -> Option<(Millis, RegistryStatus)> {
        let party = match role {
            Role::Payer | Role::PayerCustomer => &self.payment.payer,
            Role::Payee | Role::PayeeCustomer => &self.payment.payee,
            _ => return None,
        };
        let customer = self.batch.text(party.customer);
        if customer.is_empty() {
            return None;
        }
        self.history_of(customer).into_iter().rev().find_map(|h| match h.what {
            What::Registered(as_of, status) if as_of <= self.event.time_ms => {
                Some((h.time, status))
            }
            _ => None,
        })
    }

    fn allowed(&self, level: PairLevel) -> i64 {
        let (payer, payee) = (&self.payment.payer, &self.payment.payee);
        let listed = |level, whose: &Party, to: Option<&Party>| {
            let names = |p: &Party| [p.account, p.customer].map(|name| self.batch.text(name));
            let subjects = [EntityKind::Account, EntityKind::Customer].into_iter();
            self.naive.lists.iter().any(|e| {
                let subject = subjects
                    .clone()
                    .zip(names(whose))
                    .any(|(kind, name)| e.subject.0 == kind && e.subject.1 == name);
                subject
                    && (e.category, e.level) == (ListCategory::Allow, Some(level))
                    && (e.from..e.to).contains(&self.event.time_ms)
                    && !e.counterparty.is_empty()
                    && to.is_none_or(|to| names(to).contains(&&*e.counterparty))
            })
        };
        i64::from(match level {
            PairLevel::Household => {
                listed(ListLevel::Household, payer, Some(payee))
                    || listed(ListLevel::Household, payee, Some(payer))
            }
            PairLevel::Analyst => listed(ListLevel::Analyst, payer, Some(payee)),
            PairLevel::Supplier if !listed(ListLevel::Supplier, payer, None) => return MISSING,
            PairLevel::Supplier => listed(ListLevel::Supplier, payer, Some(payee)),
        })
    }

    /// What became of the newest blocked payment of the window.
    fn retried(
        &self,
        owner: (EntityKind, &str),
        window: Millis,
        value: impl Fn(&[&Entry], i64) -> i64,
    ) -> i64 {
        let now = self.event.time_ms;
        let blocks = self.history_of(owner.1).into_iter().rev().filter_map(|h| match &h.what {
            What::Blocked(id) if h.time > now - window => Some((h.time, id)),
            _ => None,
        });
        let found = blocks.into_iter().find_map(|(time, id)| {
            let mut debits: Vec<&Entry> = self
                .naive
                .entries
                .iter()
                .filter(|e| (e.owner.0, &*e.owner.1) == owner && e.time <= now && !self.gone(e))
                .filter(|e| e.direction == Direction::Debit && self.naive.is_payment(e, id))
                .collect();
            debits.sort_by_key(|e| (e.time, e.order));
            debits.last().map(|entry| (time, *entry))
        });
        let Some((time, blocked)) = found.filter(|(_, entry)| !entry.foreign) else {
            return MISSING;
        };
        let met = self.met(owner, now - time);
        let mut later = self.window(owner, now - time);
        later.retain(|e| {
            e.direction == Direction::Debit
                && e.counterparty != blocked.counterparty
                && !met.contains(&&*e.counterparty)
        });
        value(&later, blocked.minor)
    }
}
