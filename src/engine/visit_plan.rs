//! What a visit computes and in which order, derived once from the plan.
//!
//! A rule is *open* at a visit until a part of its condition turns out false; what only closed
//! rules would read is not computed. The parts of a condition, its conjuncts, are tried from cheap
//! to costly:
//!
//! 1. those that read the payment alone, before anything of the ledger is looked at; and whether
//!    the payment has the fields without which the others have no value
//! 2. those that one walk over the ledger, the profile and the lists answer
//! 3. the others, one after the other, each computed just before it is tried
//!
//! Guards, escalations, texts and evidence of a rule are only computed once it has passed all that.
//! A cell that is not computed stays missing: the rules that would read it are false already. What
//! a rule of another role reads is always computed, since this visit cannot know how that one
//! fares.

use super::hot::{Answer, HotPlan};
use super::scan::ScanPlan;
use super::screen::{Screen, conjuncts};
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::{CellRef, ExprId, Node, Program};
use crate::rules::plan::view::Role;
use crate::rules::plan::{EvidencePlan, Phases, Piece, Plan, RulePlan};

/// Everything derived from a plan.
#[derive(Debug, Default, Clone)]
pub(super) struct VisitPlan {
    /// By `Role as usize`.
    pub roles: [RolePlan; Role::COUNT],
    /// By rule: the conjuncts that read the payment alone, and what the others need of it.
    pub payment: Vec<Vec<Screen>>,
    /// By `Ledgers as usize`: windows that a large ledger keeps running sums of.
    pub hot: [Vec<HotPlan>; Ledgers::COUNT],
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
            Role::Network => Self::Networks,
        }
    }
}

/// The visits of one role.
#[derive(Debug, Default, Clone)]
pub(super) struct RolePlan {
    /// Cells that one walk over the ledger gives.
    pub scan: ScanPlan,
    /// Other cells that are computed whatever the rules say.
    pub always: Vec<u16>,
    /// Costly cells that rules of other roles read, with those rules.
    pub elsewhere: Vec<(u16, Vec<u16>)>,
    /// The rules whose conditions are tried here.
    pub rules: Vec<RuleVisit>,
    /// By cell: how the running sums of a large ledger give it.
    pub answers: Vec<Option<Answer>>,
}

/// One rule at the visits of the role that gates it.
#[derive(Debug, Clone)]
pub(super) struct RuleVisit {
    pub rule: u16,
    pub phases: Phases,
    /// Conjuncts over cells that are always computed.
    pub cheap: Vec<Screen>,
    /// The others, cheapest first.
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
        let mut hot: [Vec<HotPlan>; Ledgers::COUNT] = Default::default();
        let mut role = |role| {
            let mut derived = RolePlan::derive(plan, &gates, role);
            let hot = &mut hot[Ledgers::of(role) as usize];
            let features = plan.parts[role as usize].features.iter();
            derived.answers = features.map(|f| Answer::of(f, &plan.queries, hot)).collect();
            derived
        };
        Self { roles: Role::ALL.map(&mut role), payment: gates.payment.clone(), hot }
    }
}

/// The conditions of all rules, taken apart.
struct Gates {
    /// By rule: the role at whose visits it is tried.
    role: Vec<Option<Role>>,
    payment: Vec<Vec<Screen>>,
    /// By rule: the conjuncts that read state.
    state: Vec<Vec<ExprId>>,
}

impl Gates {
    fn of(plan: &Plan) -> Self {
        let mut gates = Self { role: Vec::new(), payment: Vec::new(), state: Vec::new() };
        for (index, rule) in plan.rules.iter().enumerate() {
            let gated =
                |role: &Role| plan.parts[*role as usize].gated_rules.contains(&(index as u16));
            gates.role.push(Role::ALL.into_iter().find(gated));
            let (payment, state): (Vec<_>, Vec<_>) = conjuncts(&plan.program, rule.when)
                .into_iter()
                .partition(|part| state_cells(&plan.program, *part).is_empty());
            let mut screens: Vec<_> =
                payment.into_iter().map(|part| Screen::of(&plan.program, part)).collect();
            let mut needed = Vec::new();
            state.iter().for_each(|part| needs(&plan.program, *part, &mut needed));
            needed.sort_unstable();
            needed.dedup();
            screens.extend(needed.into_iter().map(Screen::Known));
            gates.payment.push(screens);
            gates.state.push(state);
        }
        gates
    }
}

impl RolePlan {
    fn derive(plan: &Plan, gates: &Gates, role: Role) -> Self {
        let features = &plan.parts[role as usize].features;
        // By cell: the rules of other roles that read it, and whether a condition tried here does.
        let mut readers = vec![Vec::new(); features.len()];
        let mut tried_here = vec![false; features.len()];
        for (index, rule) in plan.rules.iter().enumerate() {
            let here = gates.role[index] == Some(role);
            for cell in own_cells(&plan.program, role, everything(plan, rule)) {
                if !here {
                    readers[usize::from(cell)].push(index as u16);
                }
            }
            for cell in own_cells(&plan.program, role, [rule.when]) {
                tried_here[usize::from(cell)] |= here;
            }
        }
        let mut derived = Self::default();
        let mut is_always = vec![false; features.len()];
        for (cell, feature) in features.iter().enumerate() {
            let wanted = tried_here[cell] || !readers[cell].is_empty();
            if wanted && cost(feature) == 0 {
                is_always[cell] = true;
                if !derived.scan.take(cell as u16, feature) {
                    derived.always.push(cell as u16);
                }
            } else if !readers[cell].is_empty() {
                derived.elsewhere.push((cell as u16, std::mem::take(&mut readers[cell])));
            }
        }
        for index in &plan.parts[role as usize].gated_rules {
            let rule = &plan.rules[usize::from(*index)];
            derived.rules.push(rule_visit(plan, gates, role, *index, rule, &is_always));
        }
        derived
    }
}

fn rule_visit(
    plan: &Plan,
    gates: &Gates,
    role: Role,
    index: u16,
    rule: &RulePlan,
    is_always: &[bool],
) -> RuleVisit {
    let features = &plan.parts[role as usize].features;
    let (mut cheap, mut steps) = (Vec::new(), Vec::new());
    for part in &gates.state[usize::from(index)] {
        let read = state_cells(&plan.program, *part);
        let all_own = read.iter().all(|(of, _)| *of == role);
        let mut cells: Vec<u16> =
            read.iter().filter(|(of, _)| *of == role).map(|(_, cell)| *cell).collect();
        cells.retain(|cell| !is_always[usize::from(*cell)]);
        let screen = all_own.then(|| Screen::of(&plan.program, *part));
        match screen {
            Some(screen) if cells.is_empty() => cheap.push(screen),
            screen => steps.push(Step { cells, screen }),
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
    RuleVisit { rule: index, phases: rule.phases, cheap, steps, late, evidence }
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
        F::SeenAtHome(_) => 1,
        F::CashTerminals(_) => 2,
        F::TravelKm(_) | F::TravelSpeed(_) | F::MovedKm(..) => 4,
        F::HistoryDayMedian(_) | F::HistoryTicket(_) => 4,
        F::Blocked(_) | F::RetriedSum(_) | F::RetriedCount(_) => 2,
        F::PairCount(_) | F::PairAgeDays | F::HistoryCount(..) | F::HistorySum(..) => 2,
        F::Counterparties(_) => 2,
        F::TopShare(..) | F::Dwell(_) | F::Cycles { .. } => 3,
        F::Asked(..) | F::HistoryNightShare(_) => 3,
        F::HistoryWeeks(_) => 3,
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
fn state_cells(program: &Program, expr: ExprId) -> Vec<(Role, u16)> {
    let read = program.below(expr).into_iter();
    read.filter_map(|id| match program.nodes[id.0 as usize] {
        Node::Load(CellRef::State(role, cell)) => Some((role, cell)),
        _ => None,
    })
    .collect()
}
