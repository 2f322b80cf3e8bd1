//! Seeded random streams: few accounts, so that things happen to them; everything a bank's feeds do
//! wrong; one seed, one stream.

use goshawk::limits::{LATENESS_DEFAULT, LEDGER_RETENTION};
use goshawk::model::country::Country;
use goshawk::model::entity::EntityKind;
use goshawk::model::event::{
    AccountClass, AccountEvent, AccountEventKind, Batch, Body, Category, Channel, ControlEvent,
    CustomerType, Event, FeedbackEvent, FeedbackStage, Geo, ListCategory, ListEvent, ListLevel,
    ListOp, OpeningReason, Party, PayeeCheck, Payment, PaymentStatus, PaymentType, Position,
    RegistryEvent, RegistryStatus, RiskGrade, Text, Verdict,
};
use goshawk::model::measure::Action;
use goshawk::model::money::{Currency, Money};
use goshawk::model::time::{DAY, HOUR, MINUTE, Millis, SECOND};

/// SplitMix64: small, and the same for ever.
#[derive(Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        low + (self.next() % (high - low + 1).cast_unsigned()).cast_signed()
    }

    /// True in `percent` of a hundred cases.
    pub fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// Start of every stream: 2026-01-05T00:00:00Z.
pub const START: Millis = 1_767_571_200_000;

/// What kind of stream a seed makes.
#[derive(Debug)]
struct Shape {
    events: u64,
    accounts: u64,
    /// Usual gap between two events.
    gap: Millis,
    /// Account 0 takes part in nearly every payment.
    hot: bool,
    /// Nothing is late, nothing but payments: so that plain errors show in plain streams.
    plain: bool,
}

/// A payment of the stream, for what follows from it.
#[derive(Clone, Copy)]
struct Made {
    payment: Payment,
    time: Millis,
}

/// Makes the stream of a seed.
pub fn stream(seed: u64) -> Batch {
    let mut random = Random::new(seed);
    // Account 0 of a hot stream soon has more entries than are read one by one.
    let hot = seed % 8 == 7;
    let events = match seed % 64 {
        63 => 1_500,
        _ if hot => 300,
        _ => random.pick(&[20, 60, 120, 240]),
    };
    let shape = Shape {
        events,
        accounts: random.pick(if hot { &[3, 9, 40] } else { &[2, 3, 5, 9] }),
        gap: random.pick(&[5, SECOND, 20 * SECOND, 3 * MINUTE, HOUR, 9 * HOUR, 4 * DAY]),
        hot,
        plain: seed.is_multiple_of(8),
    };
    Stream { random, shape, batch: Batch::default(), made: Vec::new(), clock: START }.run()
}

/// The same events in order of time.
pub fn in_order(mut batch: Batch) -> Batch {
    batch.events.sort_by_key(|event| event.time_ms);
    batch
}

struct Stream {
    random: Random,
    shape: Shape,
    batch: Batch,
    made: Vec<Made>,
    clock: Millis,
}

impl Stream {
    fn run(mut self) -> Batch {
        for number in 0..self.shape.events {
            self.tick();
            let time = self.time();
            let body = match self.random.below(100) {
                _ if self.shape.plain || self.made.is_empty() => self.fresh(number, time),
                0..5 => Body::Account(Box::new(self.account_event())),
                5..8 => Body::List(Box::new(self.list_event(time))),
                8..10 => Body::Control(Box::new(self.control_event(number, time))),
                10 => Body::Tick,
                11..13 => Body::Feedback(Box::new(self.feedback_event())),
                13 => Body::Registry(Box::new(self.registry_event(time))),
                14..36 => self.next_status(number, time),
                36..40 => self.repeat(number, time),
                40..43 => self.contradict(number),
                _ => self.fresh(number, time),
            };
            let position = Position { topic: 0, partition: 0, offset: number.cast_signed() };
            let event = Event { position, record_time_ms: self.clock, time_ms: time, body };
            self.batch.events.push(event);
        }
        self.batch
    }

    /// Moves the clock: usually a usual gap, sometimes none, sometimes a long one.
    fn tick(&mut self) {
        let gap = self.shape.gap;
        self.clock += match self.random.below(40) {
            0..8 => 0,
            8..12 => 1,
            12 => self.random.pick(&[MINUTE, 10 * MINUTE, HOUR, DAY, 7 * DAY]),
            13 if self.shape.events < 1_000 => match self.random.below(8) {
                0 => self.random.pick(&[31 * DAY, 91 * DAY, 179 * DAY, 180 * DAY, 181 * DAY]),
                1 => LEDGER_RETENTION + self.random.between(-2, 2),
                _ => self.random.between(0, 3 * DAY),
            },
            _ => self.random.between(0, 2 * gap),
        };
    }

    /// The event's own time: mostly now, else late within or beyond what is allowed, on the
    /// millisecond of something else, or a window's length after it.
    fn time(&mut self) -> Millis {
        if self.shape.plain {
            return self.clock;
        }
        let late = match self.random.below(40) {
            0..4 => self.random.between(0, LATENESS_DEFAULT),
            4 => self.random.between(LATENESS_DEFAULT - 1, LATENESS_DEFAULT + 1),
            5..8 => self.random.between(0, DAY),
            8 => self.random.between(0, LEDGER_RETENTION + LATENESS_DEFAULT),
            9 => LEDGER_RETENTION + LATENESS_DEFAULT + self.random.between(-1, 1),
            10 if self.random.chance(30) => 30 * DAY,
            11..16 if !self.made.is_empty() => {
                let at = self.random.below(self.made.len() as u64) as usize;
                let window = self.random.pick(&[0, 10 * MINUTE, HOUR, DAY, 7 * DAY]);
                let time = self.made[at].time + window + self.random.between(-1, 1);
                (self.clock - time).max(0)
            }
            _ => 0,
        };
        (self.clock - late).max(0)
    }

    fn text(&mut self, text: &str) -> Text {
        self.batch.push_text(text)
    }

    fn account(&mut self) -> u64 {
        if self.shape.hot && self.random.chance(60) {
            return 0;
        }
        self.random.below(self.shape.accounts)
    }

    fn amount(&mut self) -> Money {
        let near = self.random.pick(&[20_000, 100_000, 500_000, 1_000_000, 4_970_000]);
        let minor = match self.random.below(8) {
            0 => self.random.between(1, 40),
            1..4 => near + self.random.between(-1, 1),
            4 => self.random.pick(&[1, 999, 10_000, (1 << 48) - 1]),
            _ => self.random.between(1, 6_000_000),
        };
        // The largest amount would drown everything else, so it stays rare.
        let minor = if minor > 6_000_000 && !self.random.chance(10) { 10_000 } else { minor };
        let foreign = self.random.chance(6);
        let currency =
            if foreign { Currency::parse("USD").expect("a code") } else { Currency::CNY };
        Money { minor, currency }
    }

    fn party(&mut self, account: u64) -> Party {
        let percent = |random: &mut Random, p, value: i64| random.chance(p).then_some(value);
        let mut party = Party { account: self.text(&format!("A{account}")), ..Party::default() };
        if self.random.chance(70) {
            // Two accounts to a customer, so that there are transfers to oneself.
            party.customer = self.text(&format!("c{}", account / 2));
        }
        if self.random.chance(20) {
            party.id_token = self.text(&format!("id{}", account / 3));
            let name = self.random.pick(&["", "Li Lei", "Han Meimei"]);
            party.name = self.text(name);
        }
        let r = &mut self.random;
        let kinds = [CustomerType::Person, CustomerType::Business, CustomerType::Merchant];
        party.customer_type = r.chance(30).then(|| r.pick(&kinds));
        let balance = r.between(0, 3_000_000);
        party.balance_after_minor = percent(r, 60, balance);
        let available = r.pick(&[-5, 0, 1, 9_999, 10_000]);
        party.available_after_minor = percent(r, 40, available);
        party.account_class = r.chance(20).then(|| r.pick(&[AccountClass::I, AccountClass::III]));
        let opened = START - r.between(0, 60) * DAY + r.between(-1, 1);
        party.opened_at_ms = percent(r, 30, opened);
        party.risk_grade = r.chance(20).then(|| r.pick(&[RiskGrade::Low, RiskGrade::High]));
        party.age_years = r.chance(30).then(|| r.between(15, 90) as u8);
        let income = r.between(0, 2_000_000);
        party.income_monthly_minor = percent(r, 20, income);
        party
    }

    fn fresh(&mut self, number: u64, time: Millis) -> Body {
        let payer = self.account();
        let mut payee = self.account();
        if payee == payer && !self.random.chance(5) {
            payee = (payer + 1) % self.shape.accounts;
        }
        let device = match self.random.chance(60) {
            true => format!("d{}", self.random.below(3)),
            false => String::new(),
        };
        let equal = self.made.last().filter(|_| self.random.chance(10)).map(|m| m.payment.amount);
        let amount = equal.unwrap_or_else(|| self.amount());
        use PaymentStatus::*;
        let status = match self.random.below(20) {
            0..9 => Settled,
            9..16 => Initiated,
            16 => Accepted,
            17 => self.random.pick(&[Rejected, Cancelled, Returned, Reversed]),
            18 => Other,
            _ => Settled,
        };
        let r = &mut self.random;
        let category = r.chance(25).then(|| Category::WORDS[r.below(25) as usize].1);
        let checks = [PayeeCheck::Match, PayeeCheck::NoMatch, PayeeCheck::Unavailable];
        let payee_check = r.chance(40).then(|| r.pick(&checks));
        let session_flags = r.chance(40).then(|| r.pick(&[0, 1, 2, 3, 8, 128]));
        let payment_type = r.pick(&[PaymentType::Transfer, PaymentType::CashOut]);
        let mcc = r.pick(&["", "", "5094", "5411", "5816", "6051"]);
        let channel = r.pick(&[Channel::Mobile, Channel::Qr, Channel::Counter, Channel::Other]);
        let mut payment = Payment::new(
            self.text(&format!("e{number}")),
            self.text(&format!("p{number}")),
            status,
            amount,
            self.party(payer),
            self.party(payee),
            payment_type,
            channel,
        );
        payment.category = category;
        payment.mcc = self.text(mcc);
        payment.terminal_geo = self.geo(15);
        payment.device_geo = self.geo(15);
        let r = &mut self.random;
        let countries = [None, None, Country::parse("CN"), Country::parse("TH")];
        payment.terminal_country = r.pick(&countries);
        payment.device_country = r.pick(&countries);
        let terminal = r.pick(&["", "t1", "t2", "t3"]);
        let (ip, wifi) = (r.pick(&["", "i1", "i2"]), r.pick(&["", "", "w1", "i1"]));
        payment.terminal_id = self.text(terminal);
        payment.device_ip = self.text(ip);
        payment.device_bssid = self.text(wifi);
        payment.device_id = self.text(&device);
        payment.session_flags = session_flags;
        payment.payee_check = payee_check;
        self.made.push(Made { payment, time });
        Body::Payment(payment)
    }

    /// Now and then a place; few, so that some are the same.
    fn geo(&mut self, percent: u64) -> Option<Geo> {
        let r = &mut self.random;
        let places =
            [(36_067_100, 120_382_600), (25_038_900, 102_718_300), (31_230_400, 121_473_700)];
        let (lat_udeg, lon_udeg) = r.pick(&places);
        let accuracy_m =
            r.pick(&[None, Some(10), Some(999), Some(1_000), Some(49_999), Some(50_000)]);
        r.chance(percent).then_some(Geo { lat_udeg, lon_udeg, accuracy_m })
    }

    /// One of the payments, the newest most likely.
    fn known(&mut self) -> Payment {
        let n = self.made.len() as u64;
        let back = if self.random.chance(70) { n.min(12) } else { n };
        self.made[(n - 1 - self.random.below(back)) as usize].payment
    }

    fn next_status(&mut self, number: u64, time: Millis) -> Body {
        use PaymentStatus::*;
        let mut payment = self.known();
        payment.event_id = self.text(&format!("e{number}"));
        let often = [Settled, Settled, Settled, Accepted, Returned];
        let seldom = [Initiated, Rejected, Cancelled, Reversed, Other];
        payment.status = if self.random.chance(70) {
            self.random.pick(&often)
        } else {
            self.random.pick(&seldom)
        };
        if payment.status == Settled {
            self.made.push(Made { payment, time });
        }
        Body::Payment(payment)
    }

    fn repeat(&mut self, number: u64, time: Millis) -> Body {
        let mut payment = self.known();
        if self.random.chance(50) {
            payment.event_id = self.text(&format!("e{number}"));
        }
        if self.random.chance(20) {
            // Equal in everything but its id: another payment.
            payment.payment_id = self.text(&format!("p{number}"));
            self.made.push(Made { payment, time });
        }
        Body::Payment(payment)
    }

    fn contradict(&mut self, number: u64) -> Body {
        let mut payment = self.known();
        payment.event_id = self.text(&format!("e{number}"));
        match self.random.below(4) {
            0 => payment.amount.minor = payment.amount.minor % 1_000_000 + 1,
            1 => payment.amount.currency = Currency::parse("EUR").expect("a code"),
            2 => payment.payer.account = self.text("A1"),
            _ => payment.payee.account = self.text("A0"),
        }
        Body::Payment(payment)
    }

    fn account_event(&mut self) -> AccountEvent {
        let account = self.account();
        let r = &mut self.random;
        let kinds = [
            AccountEventKind::Opened,
            AccountEventKind::Opened,
            AccountEventKind::PhoneBound,
            AccountEventKind::GradeChanged,
            AccountEventKind::CredentialReset,
            AccountEventKind::LimitChanged,
        ];
        let kind = r.pick(&kinds);
        let types = [CustomerType::Psp, CustomerType::Merchant, CustomerType::Person];
        let customer_type = r.chance(50).then(|| r.pick(&types));
        let account_class = r.chance(50).then(|| r.pick(&[AccountClass::II, AccountClass::III]));
        let risk_grade = r.chance(50).then(|| r.pick(&[RiskGrade::Medium, RiskGrade::High]));
        let usd = Currency::parse("USD").expect("a code");
        let currency = if r.chance(10) { usd } else { Currency::CNY };
        let reasons = [OpeningReason::Replacement, OpeningReason::Guardian, OpeningReason::Other];
        let reason = r.chance(30).then(|| r.pick(&reasons));
        let tokens = [r.pick(&["", "d0", "d1"]), r.pick(&["", "t0", "t1"]), r.pick(&["", "g0"])];
        let (known, other) = (r.chance(70), r.below(5));
        let mut limit = || {
            let minor = r.pick(&[1_000_000, 5_000_000, 20_000_000]);
            r.chance(80).then_some(Money { minor, currency })
        };
        let (limit_before, limit_after) = match kind {
            AccountEventKind::LimitChanged => (limit(), limit()),
            _ => (None, None),
        };
        AccountEvent {
            event_id: Text::NONE,
            kind,
            account: self.text(&format!("A{account}")),
            customer: if known { self.text(&format!("c{other}")) } else { Text::NONE },
            branch: Text::NONE,
            opening_device: self.text(tokens[0]),
            phone_token: self.text(tokens[1]),
            agent_token: self.text(tokens[2]),
            employer_token: Text::NONE,
            reason,
            geo: self.geo(50),
            customer_type,
            account_class,
            risk_grade,
            limit_before,
            limit_after,
        }
    }

    fn registry_event(&mut self, time: Millis) -> RegistryEvent {
        let customer = self.account() / 2;
        let r = &mut self.random;
        let words = [RegistryStatus::Active, RegistryStatus::Cancelled, RegistryStatus::Abnormal];
        let status = r.pick(&words);
        let as_of_ms = r.chance(60).then(|| time + r.between(-2 * DAY, DAY));
        let enterprise = self.text(&format!("c{customer}"));
        RegistryEvent { enterprise, status, as_of_ms, source: Text::NONE }
    }

    fn feedback_event(&mut self) -> FeedbackEvent {
        let about = self.known();
        let r = &mut self.random;
        let stage =
            r.pick(&[FeedbackStage::Executed, FeedbackStage::Executed, FeedbackStage::Verdict]);
        let action = r.pick(&[Some(Action::StopPayment), Some(Action::Delay), None]);
        let verdicts = [None, Some(Verdict::Genuine), Some(Verdict::VictimConfirmed)];
        let verdict = r.pick(&verdicts);
        let payer = if r.chance(95) { about.payer.account } else { Text::NONE };
        let payee = if r.chance(80) { about.payee.account } else { Text::NONE };
        FeedbackEvent {
            feedback_id: Text::NONE,
            alert_id: Text::NONE,
            stage,
            action,
            verdict,
            payer,
            payee,
            payment_id: about.payment_id,
        }
    }

    fn list_event(&mut self, time: Millis) -> ListEvent {
        let account = self.account();
        let subject_kind = self.random.pick(&[
            EntityKind::Account,
            EntityKind::Account,
            EntityKind::Customer,
            EntityKind::Device,
            EntityKind::Address,
            EntityKind::Phone,
        ]);
        let subject = match subject_kind {
            EntityKind::Customer => format!("c{}", account / 2),
            EntityKind::Device => format!("d{}", account % 3),
            EntityKind::Address => format!("i{}", account % 3),
            EntityKind::Phone => format!("t{}", account % 2),
            _ => format!("A{account}"),
        };
        let entry_id = self.random.pick(&["", "", "L1", "L2"]);
        let r = &mut self.random;
        let op = if r.chance(75) { ListOp::Upsert } else { ListOp::Expire };
        let category = r.pick(&[ListCategory::CaseAccount, ListCategory::Allow]);
        let level = match category {
            ListCategory::Allow => Some(r.pick(&[
                ListLevel::Payroll,
                ListLevel::Benign,
                ListLevel::Merchant,
                ListLevel::Public,
                ListLevel::Household,
                ListLevel::Analyst,
                ListLevel::Supplier,
                ListLevel::Supplier,
            ])),
            _ => r.pick(&[None, Some(ListLevel::Confirmed), Some(ListLevel::Suspected)]),
        };
        let span = 4 * self.shape.gap + SECOND;
        let valid_from_ms = r.chance(60).then(|| time + r.between(-span, span));
        let valid_to_ms = r.chance(40).then(|| time + r.between(0, 3 * span));
        let pair =
            matches!(level, Some(ListLevel::Household | ListLevel::Analyst | ListLevel::Supplier));
        let other = self.account();
        let counterparty = match (pair || self.random.chance(5), self.random.chance(30)) {
            (true, false) => self.text(&format!("A{other}")),
            (true, true) => self.text(&format!("c{}", other / 2)),
            (false, _) => Text::NONE,
        };
        // Mostly two people, sometimes one or nobody.
        let hands = [("an", "ap"), ("an", "ap"), ("an", "ap"), ("an", "an"), ("an", ""), ("", "")];
        let (author, approver) = self.random.pick(&hands);
        let (author, approver) = (self.text(author), self.text(approver));
        ListEvent {
            entry_id: self.text(entry_id),
            op,
            subject_kind,
            subject: self.text(&subject),
            counterparty,
            category,
            level,
            valid_from_ms,
            valid_to_ms,
            source: Text::NONE,
            legal_basis: Text::NONE,
            purpose: Text::NONE,
            author,
            approver,
        }
    }

    fn control_event(&mut self, number: u64, time: Millis) -> ControlEvent {
        let account = self.account();
        let id = format!("ctl{}", number % 4);
        let span = 4 * self.shape.gap + SECOND;
        let r = &mut self.random;
        let kind = r.pick(&[Action::CreditOnly, Action::StopPayment]);
        let from_ms = time + r.between(-span, span);
        let to_ms = r.chance(50).then(|| time + r.between(0, 4 * span));
        let released_at_ms = r.chance(25).then(|| time + r.between(0, span));
        ControlEvent {
            control_id: self.text(&id),
            account: self.text(&format!("A{account}")),
            kind,
            mode: None,
            amount: None,
            from_ms,
            to_ms,
            extension_no: None,
            authority: Text::NONE,
            released_at_ms,
        }
    }
}

/// The events of a stream in steps: `cuts` are the indexes at which a new step begins, in order.
pub fn cut(whole: &Batch, cuts: &[usize]) -> Vec<Batch> {
    let ends = cuts.iter().copied().chain([whole.events.len()]);
    let mut start = 0;
    let mut steps = Vec::new();
    for end in ends {
        let events = whole.events[start..end].to_vec();
        steps.push(Batch { text: whole.text.clone(), events });
        start = end;
    }
    steps
}
