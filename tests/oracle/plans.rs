//! Plans for the property tests, built by hand: every kind of cell in every role, probed from
//! several sides, and random conditions and guards over them.

use std::sync::Arc;

use goshawk::model::country::Country;
use goshawk::model::event::{
    AccountEventKind, Channel, ListCategory, ListLevel, PairLevel, PaymentType, RegistryStatus,
    Verdict, session,
};
use goshawk::model::measure::Action;
use goshawk::model::money::Currency;
use goshawk::model::time::{DAY, HOUR, MINUTE, SECOND};
use goshawk::rules::plan::calendar::{Calendar, Span};
use goshawk::rules::plan::feature::{PaymentField, StateFeature};
use goshawk::rules::plan::policy::{Band, Breaker, Family, Policy};
use goshawk::rules::plan::program::{
    ArithmeticOp, CellRef, CompareOp, ExprId, Node, Program, Type, double_cell,
};
use goshawk::rules::plan::query::{Hours, Measure, PartyFilter, Query};
use goshawk::rules::plan::view::{Direction, FlowView, Role, View, flag};
use goshawk::rules::plan::{
    GuardEffect, GuardPlan, Mode, PartPlan, Phases, Plan, RulePlan, SignalMeasure, SignalPlan,
    TargetSpec, Template,
};

use super::streams::Random;

/// Every kind of cell.
pub fn features(random: &mut Random, role: Role) -> Vec<StateFeature> {
    use StateFeature as F;
    let spans =
        [Span::Length(HOUR), Span::Length(7 * DAY), Span::WorkingDays(1), Span::WorkingDays(5)];
    let mut features = Vec::new();
    if role.of_openings() && role != Role::Payer {
        for span in spans {
            features.extend([F::Openings(span), F::OpenedFor(span)]);
        }
        features.push(F::OpeningsTotal);
    }
    if role == Role::Phone {
        features.push(F::PhoneCustomers);
    }
    if !role.of_payments() {
        return features;
    }
    let windows = [1, SECOND, MINUTE, 10 * MINUTE, HOUR, DAY, 7 * DAY];
    let withouts = [0, 0, flag::OWN, flag::PAYROLL | flag::BENIGN, flag::MERCHANT, flag::PUBLIC];
    let mut view = |direction| View {
        direction,
        window_ms: random.pick(&windows),
        without: random.pick(&withouts),
    };
    for direction in [Direction::Debit, Direction::Credit] {
        features.extend([
            F::Count(view(direction)),
            F::Count(view(direction)),
            F::Sum(view(direction)),
            F::Sum(view(direction)),
            F::Max(view(direction)),
            F::Min(view(direction)),
            F::Counterparties(view(direction)),
            F::TopShare(view(direction), 1),
            F::TopShare(view(direction), 2),
        ]);
    }
    let mut flow = || FlowView {
        window_ms: random.pick(&[MINUTE, HOUR, DAY, 7 * DAY]),
        without: random.pick(&withouts),
    };
    features.extend([F::FlowRatio(flow()), F::Dwell(flow()), F::Dwell(flow())]);
    features.extend([
        F::Cycles { view: flow(), min_in: 100_000, floor: 1_000, share_ppm: 50_000 },
        F::Cycles { view: flow(), min_in: 1, floor: 0, share_ppm: 400_000 },
        F::Listed(ListCategory::CaseAccount, None),
        F::Listed(ListCategory::CaseAccount, Some(ListLevel::Confirmed)),
        F::Listed(ListCategory::Allow, Some(ListLevel::Merchant)),
    ]);
    let days = [1, 2, 30, 90];
    for direction in [Direction::Debit, Direction::Credit] {
        features.push(F::HistoryCount(direction, random.pick(&days)));
        features.push(F::HistorySum(direction, random.pick(&days)));
    }
    features.extend([F::HistoryNightShare(random.pick(&days)), F::HistoryNightShare(90)]);
    features.extend([F::HistoryDayMedian(random.pick(&days)), F::HistoryDayMedian(90)]);
    features.extend([F::HistoryTicket(random.pick(&days)), F::HistoryTicket(90)]);
    features.extend([F::HistoryWeeks(Direction::Debit), F::HistoryWeeks(Direction::Credit)]);
    for weeks in [1, 2, 5, 12] {
        features.extend([F::Rhythm(Direction::Debit, weeks), F::Rhythm(Direction::Credit, weeks)]);
    }
    features.extend([F::HistoryNewPayers(random.pick(&days)), F::HistoryNewPayers(90)]);
    features.push(F::IdleBefore(random.pick(&windows)));
    for ppm in [0, 500_000, 950_000, 1_000_000] {
        features.push(F::HistoryQuantile(random.pick(&days), ppm));
    }
    if role == Role::Payer {
        for level in [PairLevel::Household, PairLevel::Analyst, PairLevel::Supplier] {
            features.push(F::PairAllowed(level));
        }
        for window in [MINUTE, HOUR, DAY, 7 * DAY] {
            features.extend([F::CashTerminals(window), F::Terminals(window)]);
            features.push(F::SeenAtHome(window));
        }
        features.extend([F::OnOpeningDevice, F::OpeningKm(50), F::OpeningKm(1)]);
        features.extend([F::MovedKm(HOUR, 50), F::MovedKm(3 * DAY, 50), F::MovedKm(DAY, 1)]);
        features.extend([F::TravelKm(50), F::TravelSpeed(50), F::TravelKm(1), F::TravelSpeed(1)]);
        for window in [HOUR, DAY, 7 * DAY] {
            features.push(F::PairVerified(window));
            features.extend([F::Blocked(window), F::RetriedSum(window), F::RetriedCount(window)]);
        }
        features.extend([F::PairCount(random.pick(&[1, 30, 180])), F::PairCount(180)]);
        features.push(F::PairAgeDays);
    }
    if role == Role::Device {
        features.extend([F::NewUser(HOUR), F::NewUser(DAY), F::NewUser(7 * DAY)]);
    }
    if matches!(role, Role::Payer | Role::Payee) {
        features.extend([
            F::Since(AccountEventKind::CredentialReset),
            F::Since(AccountEventKind::LimitChanged),
            F::SinceVerdict(Verdict::VictimConfirmed),
            F::LimitRaised(random.pick(&[HOUR, DAY])),
            F::Registered(RegistryStatus::Cancelled),
            F::Registered(RegistryStatus::Abnormal),
            F::RegistryFresh,
        ]);
        features.extend([F::Age, F::AgeDays, F::Grade, F::CustomerType, F::AccountClass]);
        features.extend([F::Controlled(Action::CreditOnly), F::Controlled(Action::StopPayment)]);
    }
    features
}

/// Questions of every kind, most with one or two filters.
pub fn query(random: &mut Random) -> Query {
    let windows = [1, MINUTE, 10 * MINUTE, HOUR, DAY, 3 * DAY, 7 * DAY];
    let direction = random.pick(&[None, Some(Direction::Debit), Some(Direction::Credit)]);
    let mut query = Query::all(direction, random.pick(&windows));
    for _ in 0..random.below(3) {
        match random.below(10) {
            0 => query.without = random.pick(&[flag::OWN, flag::MERCHANT]),
            1 => {
                query.only = random.pick(&[
                    flag::OWN,
                    flag::MERCHANT | flag::PUBLIC,
                    flag::REDEMPTION | flag::LOAN,
                    flag::GOODS,
                    flag::GOLD,
                    flag::PERSON,
                    flag::ABROAD,
                ])
            }
            2 => {
                query.types =
                    1 << random.pick(&[PaymentType::Transfer, PaymentType::CashOut]) as u16
            }
            3 => query.channels = 1 << Channel::Qr as u16 | 1 << Channel::Other as u16,
            4 => query.least_minor = random.pick(&[100, 19_999, 20_000, 1_000_000]),
            5 => query.below_minor = random.pick(&[41, 100_000, 1_000_001]),
            6 => query.multiple_minor = random.pick(&[100, 10_000]),
            7 => query.near_ppm = Some(random.pick(&[1, 50_000, 500_000])),
            8 => {
                let hours = [(0, 300), (1_200, 240), (479, 480), (720, 720)];
                let (from_min, to_min) = random.pick(&hours);
                query.hours = Some(Hours { from_min, to_min });
            }
            _ => query.party = random.pick(&[PartyFilter::Same, PartyFilter::Stranger]),
        }
    }
    if random.chance(30) {
        query.party = PartyFilter::Stranger;
    }
    if random.chance(20) {
        (query.window_ms, query.working_days) = (7 * DAY, random.pick(&[1, 2, 5]));
    }
    query
}

/// Everything that can be asked of a query.
pub const MEASURES: [Measure; 17] = [
    Measure::Count,
    Measure::Sum,
    Measure::Max,
    Measure::Min,
    Measure::Average,
    Measure::Deviation,
    Measure::Counterparties,
    Measure::TopShare(1),
    Measure::TopShare(2),
    Measure::NewShare,
    Measure::ValueShare(1),
    Measure::ValueShare(3),
    Measure::Climb(1_500_000),
    Measure::ClimbFrom(500_000),
    Measure::SinceFirst,
    Measure::SinceLast,
    Measure::Ratio,
];

/// Every field of the payment.
pub fn fields() -> Vec<PaymentField> {
    use PaymentField as P;
    vec![
        P::Amount,
        P::Status,
        P::PaymentType,
        P::Channel,
        P::Category,
        P::PayeeCheck,
        P::Session(session::SCREEN_SHARE),
        P::Session(session::OTHER),
        P::BalanceAfter(Role::Payer),
        P::BalanceAfter(Role::Payee),
        P::AvailableAfter(Role::Payer),
        P::AvailableAfter(Role::Payee),
        P::PayerAgeYears,
        P::IncomeMonthly(Role::Payer),
        P::IncomeMonthly(Role::Payee),
        P::OwnTransfer,
        P::SameAccount,
        P::IsMultipleOf(100),
        P::IsGoods,
        P::IsFestival,
        P::IsAbroad,
        P::OpeningReason,
        P::IsBetween(Hours::NIGHT),
        P::IsBetween(Hours { from_min: 1_200, to_min: 240 }),
    ]
}

/// A plan under construction.
pub struct Builder {
    pub program: Program,
    pub payment: Vec<PaymentField>,
    pub parts: [PartPlan; Role::COUNT],
    pub queries: Vec<Query>,
    pub signals: Vec<SignalPlan>,
    pub rules: Vec<RulePlan>,
    pub guards: Vec<GuardPlan>,
}

impl Builder {
    pub fn new() -> Self {
        Self {
            program: Program::default(),
            payment: Vec::new(),
            parts: Default::default(),
            queries: Vec::new(),
            signals: Vec::new(),
            rules: Vec::new(),
            guards: Vec::new(),
        }
    }

    pub fn add(&mut self, node: Node) -> ExprId {
        self.program.add(node)
    }

    /// The cell of a feature, made when it is not there yet.
    pub fn cell(&mut self, role: Role, feature: StateFeature) -> ExprId {
        let features = &mut self.parts[role as usize].features;
        let at = features.iter().position(|f| *f == feature).unwrap_or_else(|| {
            features.push(feature);
            features.len() - 1
        });
        self.add(Node::Load(CellRef::State(role, at as u16)))
    }

    /// The cell of a question.
    pub fn ask(&mut self, role: Role, query: Query, measure: Measure) -> (StateFeature, ExprId) {
        self.queries.push(query);
        let feature = StateFeature::Asked((self.queries.len() - 1) as u16, measure);
        (feature, self.cell(role, feature))
    }

    /// A rule that asks about the signals of others beside a condition of its own.
    pub fn asking(&mut self, gate: u16, asked: SignalPlan, least: i64) -> u16 {
        let number = self.signals.len() as u16;
        self.signals.push(asked);
        let cell = self.add(Node::Load(CellRef::Signal(number)));
        let enough = self.compare(CompareOp::Ge, cell, least);
        let first = self.rules[usize::from(gate)].clone();
        let when = self.add(Node::And(first.when, enough));
        let rule = self.rule(first.subject, when, first.phases, first.guards);
        let asked: Vec<u16> = asked.rules().collect();
        let rank = asked.iter().map(|r| self.rules[usize::from(*r)].rank + 1).max().unwrap_or(0);
        asked.iter().for_each(|r| self.rules[usize::from(*r)].is_remembered = true);
        let own = &mut self.rules[usize::from(rule)];
        (own.gate, own.signals, own.rank) = (first.gate, vec![number], rank);
        rule
    }

    /// The cell of a field of the payment.
    pub fn field(&mut self, field: PaymentField) -> ExprId {
        let at = self.payment.iter().position(|f| *f == field).unwrap_or_else(|| {
            self.payment.push(field);
            self.payment.len() - 1
        });
        self.add(Node::Load(CellRef::Payment(at as u16)))
    }

    pub fn compare(&mut self, op: CompareOp, value: ExprId, with: i64) -> ExprId {
        let constant = self.add(Node::Constant(with));
        self.add(Node::Compare(op, value, constant))
    }

    pub fn guard(&mut self, when: ExprId, effect: GuardEffect) -> u16 {
        let id = format!("G{}", self.guards.len());
        self.guards.push(GuardPlan { id, title: Default::default(), when, effect });
        (self.guards.len() - 1) as u16
    }

    pub fn rule(&mut self, subject: Role, when: ExprId, phases: Phases, guards: Vec<u16>) -> u16 {
        let index = self.rules.len() as u16;
        let (held, settled) = match subject {
            Role::Payee | Role::PayeeCustomer => (TargetSpec::Payment, TargetSpec::Payee),
            _ => (TargetSpec::Payment, TargetSpec::Payer),
        };
        self.rules.push(RulePlan {
            id: format!("T{index:03}"),
            name: format!("test_{index}"),
            version: "1".to_owned(),
            code: format!("TEST_{index}"),
            title: Default::default(),
            family: usize::from(index % 2),
            weight: 10 + u32::from(index % 7) * 5,
            mode: Mode::Live,
            phases,
            subject,
            target_held: held,
            target_settled: settled,
            about: if subject == Role::Payee { Role::Payee } else { Role::Payer },
            when,
            gate: when,
            signals: Vec::new(),
            is_remembered: false,
            rank: 0,
            guards,
            floor: None,
            escalations: Vec::new(),
            supports: Vec::new(),
            balance_unknown: None,
            text: Template::default(),
            evidence: Vec::new(),
        });
        self.parts[subject as usize].gated_rules.push(index);
        index
    }

    pub fn build(self) -> Arc<Plan> {
        Arc::new(Plan {
            pack_id: "test".to_owned(),
            pack_version: "1".to_owned(),
            pack_sha256: "0".repeat(64),
            currency: Currency::CNY,
            country: Country::parse("CN"),
            payment: self.payment,
            parts: self.parts,
            queries: self.queries,
            signals: self.signals,
            program: self.program,
            rules: self.rules,
            guards: self.guards,
            policy: policy(),
            overlays: Vec::new(),
        })
    }
}

fn policy() -> Policy {
    let family = |name: &str, cap| Family { name: name.to_owned(), cap, is_weak: false };
    let band = |from, account, payment| Band { from, account, payment };
    Policy {
        families: vec![family("flow", 60), family("victim", 60)],
        bands: vec![
            band(40, Action::Review, Action::Review),
            band(60, Action::CounterOnly, Action::Delay),
            band(80, Action::StopPayment, Action::StopPayment),
        ],
        freeze_proposal_from: Some(95),
        cool_down_ms: 30 * MINUTE,
        episode_idle_ms: DAY,
        act_within_ms: 30 * MINUTE,
        stop_duration_ms: 2 * DAY,
        stop_extensions_max: 1,
        delay_duration_ms: DAY,
        breaker: Breaker {
            window_ms: HOUR,
            strong_max: 20,
            share_ppm_max: 500_000,
            share_from: 10,
        },
        customer_reasons: Default::default(),
        external_codes: Default::default(),
        festivals: vec![(20_458, 20_458), (20_460, 20_470)],
        // The streams begin on day 20,458, a Monday.
        calendar: Calendar {
            holidays: vec![(20_459, 20_460), (20_466, 20_466)],
            workdays: vec![20_463, 20_470],
            covers: Some((20_400, 20_500)),
        },
    }
}

pub const BOTH: Phases = Phases { pre: true, post: true, opening: false };
const ANY: Phases = Phases { pre: true, post: true, opening: true };

/// The plan of a seed: probes for every cell, then random rules with random guards.
pub fn plan(seed: u64) -> Arc<Plan> {
    let mut random = Random::new(seed ^ 0x706c_616e);
    let mut builder = Builder::new();
    let mut cells: Vec<(Type, ExprId)> = Vec::new();
    for field in fields() {
        let cell = builder.field(field);
        cells.push((field.ty(), cell));
        let when = probe(&mut builder, &mut random, field.ty(), cell);
        builder.rule(Role::Payer, when, ANY, Vec::new());
    }
    for role in Role::ALL {
        for feature in features(&mut random, role) {
            let cell = builder.cell(role, feature);
            cells.push((feature.ty(), cell));
            let when = probe(&mut builder, &mut random, feature.ty(), cell);
            let phases = if role.of_openings() { ANY } else { BOTH };
            builder.rule(role, when, phases, Vec::new());
        }
    }
    for measure in MEASURES.into_iter().chain(MEASURES) {
        let query = query(&mut random);
        let role = random.pick(&Role::ALL[..6]);
        let (feature, cell) = builder.ask(role, query, measure);
        cells.push((feature.ty(), cell));
        let when = probe(&mut builder, &mut random, feature.ty(), cell);
        builder.rule(role, when, BOTH, Vec::new());
    }
    for _ in 0..8 {
        let role = random.pick(&Role::ALL[..6]);
        let (first, then) = (query(&mut random), query(&mut random));
        builder.queries.extend([first, then]);
        let numbers = [builder.queries.len() as u16 - 2, builder.queries.len() as u16 - 1];
        let within = random.pick(&[1, MINUTE, HOUR, DAY]);
        for feature in [
            StateFeature::FollowedBy(numbers[0], numbers[1], within),
            StateFeature::NotFollowedBy(numbers[0], numbers[1], within),
        ] {
            let cell = builder.cell(role, feature);
            cells.push((feature.ty(), cell));
            let when = probe(&mut builder, &mut random, feature.ty(), cell);
            builder.rule(role, when, BOTH, Vec::new());
        }
    }
    for _ in 0..40 {
        let when = condition(&mut builder, &mut random, &cells, 3);
        let mut guards = Vec::new();
        while random.chance(40) {
            let when = condition(&mut builder, &mut random, &cells, 2);
            let effect = if random.chance(70) { GuardEffect::Remove } else { GuardEffect::Lower };
            guards.push(builder.guard(when, effect));
        }
        let phases = random.pick(&[
            BOTH,
            ANY,
            Phases { pre: true, post: false, opening: false },
            Phases { pre: false, post: true, opening: false },
            Phases { pre: false, post: false, opening: true },
        ]);
        let subject = random.pick(&Role::ALL);
        let rule = builder.rule(subject, when, phases, guards);
        builder.rules[usize::from(rule)].about = random.pick(&[Role::Payer, Role::Payee]);
    }
    // Rules that ask about those, and rules that ask about them.
    for _ in 0..2 {
        let rules = builder.rules.len() as u64;
        for _ in 0..12 {
            let mut some = |back: u64| (rules - 1 - random.below(back)) as u16;
            let (asked, other, gate) = (some(24), some(24), some(12));
            if builder.rules[usize::from(gate)].gate != builder.rules[usize::from(gate)].when {
                continue;
            }
            let measures = [
                SignalMeasure::Count,
                SignalMeasure::Accounts,
                SignalMeasure::Peers,
                SignalMeasure::PeersWith(Some(other)),
                SignalMeasure::PeersWith(None),
            ];
            let asked = SignalPlan {
                rule: random.chance(95).then_some(asked),
                role: random.pick(&[Role::Payer, Role::Payee]),
                window_ms: random.pick(&[1, MINUTE, HOUR, DAY, 7 * DAY]),
                measure: random.pick(&measures),
            };
            let least = random.between(0, 3);
            let rule = builder.asking(gate, asked, least);
            builder.rules[usize::from(rule)].about = random.pick(&[Role::Payer, Role::Payee]);
            if random.chance(30) {
                builder.rules[usize::from(rule)].mode = Mode::Signal;
            }
        }
    }
    let mut plan = Arc::unwrap_or_clone(builder.build());
    if seed.is_multiple_of(3) {
        // A holiday over which windows of working days are longer than ledgers keep otherwise.
        plan.policy.calendar.holidays = vec![(20_459, 20_461 + (seed % 11) as i32)];
    }
    Arc::new(plan)
}

/// A condition that a wrong value is likely to change: whether the value is odd in some digit, or,
/// for doubles, whether it is above a limit.
fn probe(builder: &mut Builder, random: &mut Random, ty: Type, cell: ExprId) -> ExprId {
    match ty {
        Type::Bool => cell,
        Type::Double => above(builder, random, cell),
        _ => {
            let scale = builder.add(Node::Constant(random.pick(&[1, 1, 2, 3, 7, 1_000])));
            let digit = builder.add(Node::Arithmetic(ArithmeticOp::Div, cell, scale));
            let two = builder.add(Node::Constant(2));
            let half = builder.add(Node::Arithmetic(ArithmeticOp::Div, digit, two));
            let even = builder.add(Node::Arithmetic(ArithmeticOp::Mul, half, two));
            builder.add(Node::Compare(CompareOp::Ne, digit, even))
        }
    }
}

fn above(builder: &mut Builder, random: &mut Random, cell: ExprId) -> ExprId {
    let limit = random.pick(&[0.25, 0.5, 0.75, 0.9, 1.0, 1.5]);
    let limit = builder.add(Node::Constant(double_cell(limit)));
    let op = random.pick(&[CompareOp::Ge, CompareOp::Gt, CompareOp::Lt]);
    builder.add(Node::CompareDouble(op, cell, limit))
}

fn condition(
    builder: &mut Builder,
    random: &mut Random,
    cells: &[(Type, ExprId)],
    depth: u32,
) -> ExprId {
    let kind = if depth == 0 { 0 } else { random.below(10) };
    match kind {
        3..7 => {
            let a = condition(builder, random, cells, depth - 1);
            let b = condition(builder, random, cells, depth - 1);
            builder.add(if random.chance(70) { Node::And(a, b) } else { Node::Or(a, b) })
        }
        7 => {
            let a = condition(builder, random, cells, depth - 1);
            builder.add(Node::Not(a))
        }
        8 => {
            let c = condition(builder, random, cells, depth - 1);
            let a = condition(builder, random, cells, depth - 1);
            let b = condition(builder, random, cells, depth - 1);
            builder.add(Node::If(c, a, b))
        }
        9 => {
            let (_, cell) = random.pick(cells);
            builder.add(Node::Has(cell))
        }
        _ => {
            let (ty, cell) = random.pick(cells);
            let limit = match ty {
                Type::Bool => return cell,
                Type::Double => return above(builder, random, cell),
                Type::Int => random.between(0, 5),
                Type::Money => random.pick(&[0, 19_999, 100_000, 1_000_000, 5_000_000]),
                Type::Duration => random.pick(&[0, 1, MINUTE, HOUR, DAY]),
                Type::Enum => random.between(0, 4),
            };
            let op = random.pick(&[CompareOp::Ge, CompareOp::Gt, CompareOp::Lt, CompareOp::Eq]);
            builder.compare(op, cell, limit)
        }
    }
}
