//! What a visit computes and in which order, derived once from the plan.
//!
//! A rule is *open* at a visit until a part of its condition turns out false; what only closed
//! rules would read is not computed. The parts of a condition, its conjuncts, are tried from cheap
//! to costly; a term that several rules share is tried once for all of them:
//!
//! 1. those that read the payment alone, before anything of the ledger is looked at; and whether
//!    the payment has the fields without which the others have no value
//! 2. those that one walk over the ledger, the profile and the lists answer, and what such numbers
//!    say about costlier ones ([`super::relax`])
//! 3. the others, one after the other, each computed just before it is tried
//!
//! Guards, escalations, texts and evidence of a rule are only computed once it has passed all that.
//! A cell that is not computed stays missing: the rules that would read it are false already. What
//! a rule of another role reads is always computed, since this visit cannot know how that one
//! fares.

use super::facts::EventFacts;
use super::hot::{Answer, HotPlan};
use super::relax::Relax;
use super::rule_set::RuleSet;
use super::scan::ScanPlan;
use super::screen::{Screen, Screens};
use super::waits::Awaited;
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::{CellRef, ExprId, Node, Program};
use crate::rules::plan::view::Role;
use crate::rules::plan::{EvidencePlan, Piece, Plan, RulePlan};

/// Everything derived from a plan.
#[derive(Debug, Default, Clone)]
pub(super) struct VisitPlan {
    /// By `Role as usize`.
    pub roles: [RolePlan; Role::COUNT],
    /// What the payment alone decides.
    pub payment: PaymentPlan,
    /// The plan's program, with the terms that follow from its terms.
    pub program: Program,
    /// By `Ledgers as usize`: windows that a large ledger keeps running sums of.
    pub hot: [Vec<HotPlan>; Ledgers::COUNT],
    /// What rules ask not to have happened.
    pub awaited: Vec<Awaited>,
}

/// What is decided before anything of a ledger is looked at.
#[derive(Debug, Default, Clone)]
pub(super) struct PaymentPlan {
    /// Rules that are judged at a payment's first event, at the one that settles it, and at an
    /// opening.
    pre: RuleSet,
    post: RuleSet,
    opening: RuleSet,
    screens: Screens,
}

impl PaymentPlan {
    /// Which rules a payment or an opening leaves open, and of these the ones that it lacks a field
    /// for.
    pub fn judge(
        &self,
        program: &Program,
        facts: &EventFacts,
        row: &[i64],
        open: &mut [u64],
        lacking: &mut [u64],
    ) {
        for (judged, rules) in [
            (facts.transition.pre, &self.pre),
            (facts.transition.post, &self.post),
            (facts.opening, &self.opening),
        ] {
            if judged {
                rules.open(open);
            }
        }
        self.close(program, row, open, lacking);
    }

    /// Of the rules that are `open`, closes those whose terms over the payment alone say no, and
    /// finds those that it lacks a field for.
    pub fn close(&self, program: &Program, row: &[i64], open: &mut [u64], lacking: &mut [u64]) {
        // No state is read, so the role does not matter.
        self.screens.close(program, (row, Role::Payer, &[]), open, Some(lacking));
        lacking.iter_mut().zip(open.iter()).for_each(|(lacking, open)| *lacking &= *open);
    }
}

/// Whose ledgers: what is kept of a large one is what its roles are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ledgers {
    Accounts = 0,
    Customers = 1,
    Devices = 2,
    Networks = 3,
}

impl Ledgers {
    const COUNT: usize = 4;

    /// The ledgers that a role keeps.
    pub fn of(role: Role) -> Self {
        match role {
            Role::Payer | Role::Payee => Self::Accounts,
            Role::PayerCustomer | Role::PayeeCustomer => Self::Customers,
            Role::Device => Self::Devices,
            // Nobody pays from a telephone number or an agent: they have no entries.
            Role::Network | Role::Phone | Role::Agent => Self::Networks,
        }
    }
}

/// The visits of one role.
#[derive(Debug, Default, Clone)]
pub(super) struct RolePlan {
    /// The plan's cells, and behind them numbers that only screens read.
    pub features: Vec<StateFeature>,
    /// How many of them are the plan's.
    pub width: usize,
    /// Rules that read anything of this role or are tried here.
    pub readers: RuleSet,
    /// Rules that are tried here.
    pub gated: RuleSet,
    /// Cells that one walk over the ledger gives.
    pub scan: ScanPlan,
    /// Other cells that are computed whatever the rules say.
    pub always: Vec<u16>,
    /// Costly cells that rules of other roles read, with those rules.
    pub elsewhere: Vec<(u16, RuleSet)>,
    /// Terms over cells that are always computed.
    pub cheap: Screens,
    /// The rules whose conditions are tried here.
    pub rules: Vec<RuleVisit>,
    /// By rule of the plan: its place in `rules`.
    pub places: Vec<u16>,
    /// By cell: how the running sums of a large ledger give it.
    pub answers: Vec<Option<Answer>>,
}

/// One rule at the visits of the role that gates it.
#[derive(Debug, Clone)]
pub(super) struct RuleVisit {
    pub rule: u16,
    /// Terms over cells that cost something, cheapest first.
    pub steps: Vec<Step>,
    /// What is only read once the rule may fire.
    pub late: Vec<u16>,
    /// Evidence with contributing events from this role's ledger: numbers in the rule.
    pub evidence: Vec<usize>,
}

/// Cells to compute, and what can be tried with them: nothing where a conjunct also reads another
/// role's cells.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub cells: Vec<u16>,
    pub screen: Option<Screen>,
}

impl VisitPlan {
    /// Derives the visits of every role.
    pub fn derive(plan: &Plan) -> Self {
        let gates = Gates::of(plan);
        let mut derived = Self {
            payment: gates.payment.clone(),
            program: plan.program.clone(),
            awaited: Awaited::of(plan),
            ..Self::default()
        };
        for role in Role::ALL {
            let mut of_role = RolePlan::derive(plan, &gates, role, &mut derived.program);
            let hot = &mut derived.hot[Ledgers::of(role) as usize];
            let features = of_role.features.iter();
            of_role.answers = features.map(|f| Answer::of(f, &plan.queries, hot)).collect();
            derived.roles[role as usize] = of_role;
        }
        derived
    }
}

/// The conditions of all rules, taken apart.
#[derive(Debug)]
struct Gates {
    /// Words of a set of rules.
    words: usize,
    /// By rule: the role at whose visits it is tried.
    role: Vec<Option<Role>>,
    payment: PaymentPlan,
    /// By rule: the conjuncts that read state.
    state: Vec<Vec<ExprId>>,
}

impl Gates {
    fn of(plan: &Plan) -> Self {
        let words = RuleSet::words(plan.rules.len());
        let none = || RuleSet::none(words);
        let payment =
            PaymentPlan { pre: none(), post: none(), opening: none(), screens: Screens::default() };
        let mut gates = Self { words, role: Vec::new(), payment, state: Vec::new() };
        for (index, rule) in (0u16..).zip(&plan.rules) {
            let gated = |role: &Role| plan.parts[*role as usize].gated_rules.contains(&index);
            gates.role.push(Role::ALL.into_iter().find(gated));
            let (payment, state): (Vec<_>, Vec<_>) = plan
                .program
                .conjuncts(rule.gate)
                .into_iter()
                .partition(|part| state_cells(&plan.program, *part).is_empty());
            let mut needed = Vec::new();
            state.iter().for_each(|part| needs(&plan.program, *part, &mut needed));
            let screens = payment.into_iter().map(|part| Screen::of(&plan.program, part));
            for screen in screens.chain(needed.into_iter().map(Screen::Known)) {
                gates.payment.screens.add(screen, index, words);
            }
            for (judged, rules) in [
                (rule.phases.pre, &mut gates.payment.pre),
                (rule.phases.post, &mut gates.payment.post),
                (rule.phases.opening, &mut gates.payment.opening),
            ] {
                if judged {
                    rules.insert(index);
                }
            }
            gates.state.push(state);
        }
        gates
    }
}

impl RolePlan {
    fn derive(plan: &Plan, gates: &Gates, role: Role, program: &mut Program) -> Self {
        let features = &plan.parts[role as usize].features;
        let mut derived = Self {
            features: features.clone(),
            width: features.len(),
            readers: RuleSet::none(gates.words),
            gated: RuleSet::none(gates.words),
            places: vec![0; plan.rules.len()],
            ..Self::default()
        };
        // By cell: the rules of other roles that read it, and whether a condition tried here does.
        let mut readers = vec![RuleSet::none(gates.words); features.len()];
        let mut tried_here = vec![false; features.len()];
        for (index, rule) in (0u16..).zip(&plan.rules) {
            let here = gates.role[usize::from(index)] == Some(role);
            let read = own_cells(&plan.program, role, everything(plan, rule));
            if here || !read.is_empty() {
                derived.readers.insert(index);
            }
            if here {
                derived.gated.insert(index);
            } else {
                read.iter().for_each(|cell| readers[usize::from(*cell)].insert(index));
            }
            for cell in own_cells(&plan.program, role, [rule.gate]) {
                tried_here[usize::from(cell)] |= here;
            }
        }
        let mut is_always = vec![false; features.len()];
        for (cell, feature) in features.iter().enumerate() {
            let wanted = tried_here[cell] || !readers[cell].is_empty();
            if wanted && cost(feature) == 0 {
                is_always[cell] = true;
                if !derived.scan.take(cell as u16, feature) {
                    derived.always.push(cell as u16);
                }
            } else if !readers[cell].is_empty() {
                derived.elsewhere.push((cell as u16, readers[cell].clone()));
            }
        }
        for index in &plan.parts[role as usize].gated_rules {
            derived.places[usize::from(*index)] = derived.rules.len() as u16;
            derived.add_rule(plan, gates, role, *index, &is_always, program);
        }
        for cell in derived.width..derived.features.len() {
            derived.scan.take_unnoted(cell as u16, &derived.features[cell]);
        }
        derived
    }

    /// Adds a rule that is tried at this role's visits.
    fn add_rule(
        &mut self,
        plan: &Plan,
        gates: &Gates,
        role: Role,
        index: u16,
        is_always: &[bool],
        program: &mut Program,
    ) {
        let rule = &plan.rules[usize::from(index)];
        let features = &plan.parts[role as usize].features;
        let mut steps = Vec::new();
        for part in &gates.state[usize::from(index)] {
            let read = state_cells(&plan.program, *part);
            let all_own = read.iter().all(|(of, _)| *of == role);
            let mut cells: Vec<u16> =
                read.iter().filter(|(of, _)| *of == role).map(|(_, cell)| *cell).collect();
            cells.retain(|cell| !is_always[usize::from(*cell)]);
            let screen = all_own.then(|| Screen::of(&plan.program, *part));
            match screen {
                Some(screen) if cells.is_empty() => self.cheap.add(screen, index, gates.words),
                screen => {
                    let (queries, features) = (&plan.queries, &mut self.features);
                    let program = &mut *program;
                    let mut relax = Relax { role, queries, features, is_always, program };
                    if let Some(term) = relax.term(*part) {
                        self.cheap.add(Screen::of(program, term), index, gates.words);
                    }
                    steps.push(Step { cells, screen });
                }
            }
        }
        let step_cost = |step: &Step| -> u32 {
            let cells = step.cells.iter().map(|cell| cost(&features[usize::from(*cell)]));
            // What cannot be tried here comes last.
            cells.sum::<u32>() + if step.screen.is_some() { 0 } else { u32::from(u16::MAX) }
        };
        steps.sort_by_key(step_cost);
        let tried: Vec<u16> = steps.iter().flat_map(|step| step.cells.iter().copied()).collect();
        let mut late = own_cells(&plan.program, role, everything(plan, rule));
        late.retain(|cell| !is_always[usize::from(*cell)] && !tried.contains(cell));
        let here = |e: &EvidencePlan| e.window.is_some_and(|w| w.role == role);
        let evidence = (0..rule.evidence.len()).filter(|n| here(&rule.evidence[*n])).collect();
        self.rules.push(RuleVisit { rule: index, steps, late, evidence });
    }
}

/// Every expression of a rule and of its guards.
fn everything(plan: &Plan, rule: &RulePlan) -> Vec<ExprId> {
    let mut all = vec![rule.when];
    all.extend(rule.escalations.iter().map(|e| e.when));
    all.extend(rule.balance_unknown);
    all.extend(rule.evidence.iter().flat_map(|e| [e.value, e.threshold]));
    all.extend(rule.text.zh.iter().chain(&rule.text.en).filter_map(|piece| match piece {
        Piece::Value { expr, .. } => Some(*expr),
        Piece::Literal(_) => None,
    }));
    all.extend(rule.guards.iter().map(|guard| plan.guards[usize::from(*guard)].when));
    all
}

/// What a cell costs, roughly: 0 for what every visit may compute.
fn cost(feature: &StateFeature) -> u32 {
    use StateFeature as F;
    match feature {
        F::Count(_) | F::Sum(_) | F::FlowRatio(_) | F::AgeDays | F::Grade => 0,
        F::CustomerType | F::AccountClass | F::Listed(..) | F::Controlled(_) => 0,
        F::Max(_) | F::Min(_) | F::IdleBefore(_) => 1,
        F::Since(_) | F::SinceVerdict(_) | F::LimitRaised(_) | F::NewUser(_) => 1,
        F::Registered(_) | F::RegistryFresh | F::PairAllowed(_) | F::PairVerified(_) => 1,
        F::SeenAtHome(_) | F::Age | F::OnOpeningDevice => 1,
        F::Openings(_) | F::OpeningsTotal | F::OpenedFor(_) | F::PhoneCustomers => 1,
        F::OpeningKm(_) => 2,
        F::CashTerminals(_) | F::Terminals(_) => 2,
        F::TravelKm(_) | F::TravelSpeed(_) | F::MovedKm(..) => 4,
        F::HistoryDayMedian(_) | F::HistoryTicket(_) => 4,
        F::Blocked(_) | F::RetriedSum(_) | F::RetriedCount(_) => 2,
        F::PairCount(_) | F::PairAgeDays | F::HistoryCount(..) | F::HistorySum(..) => 2,
        F::Counterparties(_) => 2,
        F::TopShare(..) | F::Dwell(_) | F::Cycles { .. } => 3,
        F::FollowedBy(..) | F::NotFollowedBy(..) => 4,
        F::Asked(..) | F::HistoryNightShare(_) => 3,
        F::HistoryWeeks(_) | F::Rhythm(..) => 3,
        F::HistoryQuantile(..) | F::HistoryNewPayers(_) => 4,
    }
}

/// The cells of a role that any of the expressions reads, each once.
fn own_cells(program: &Program, role: Role, exprs: impl IntoIterator<Item = ExprId>) -> Vec<u16> {
    let read = exprs.into_iter().flat_map(|expr| state_cells(program, expr));
    let mut cells: Vec<u16> = read.filter(|(of, _)| *of == role).map(|(_, cell)| cell).collect();
    cells.sort_unstable();
    cells.dedup();
    cells
}

/// The payment's cells without which an expression has no value, whatever the others are.
fn needs(program: &Program, expr: ExprId, found: &mut Vec<CellRef>) {
    match &program.nodes[expr.0 as usize] {
        Node::Load(cell @ CellRef::Payment(_)) => found.push(*cell),
        // A false or true side may do without the other; `has` always has a value.
        Node::And(..) | Node::Or(..) | Node::Has(_) => {}
        Node::If(condition, ..) => needs(program, *condition, found),
        node => node.operands().into_iter().for_each(|below| needs(program, below, found)),
    }
}

/// The state cells that an expression reads.
pub(super) fn state_cells(program: &Program, expr: ExprId) -> Vec<(Role, u16)> {
    let read = program.below(expr).into_iter();
    read.filter_map(|id| match program.nodes[id.0 as usize] {
        Node::Load(CellRef::State(role, cell)) => Some((role, cell)),
        _ => None,
    })
    .collect()
}
