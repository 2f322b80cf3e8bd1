//! Whether conditions can be so together. Cautious: "yes" where it cannot tell.
//!
//! Logic is split into the cases that would make it so; in each case every comparison narrows what
//! its two sides can be, and what is known about cells of one sort narrows them further: a shorter
//! window never holds more than a longer one. A case in which nothing is left is impossible.

use std::collections::BTreeMap;

use super::range::{Values, values};
use crate::rules::plan::Plan;
use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::{
    ArithmeticOp, CellRef, CompareOp, ExprId, Node, Type, cell_double,
};
use crate::rules::plan::view::{Role, View};

/// Cases that are tried before the answer is "yes".
const CASES_MAX: usize = 2_048;
/// Rounds of narrowing.
const ROUNDS_MAX: usize = 4;

/// A condition, and what it should be.
pub(super) type Demand = (ExprId, bool);

/// Whether all of it can be so at one row.
pub(super) fn possible(plan: &Plan, demands: &[Demand]) -> bool {
    let mut cases = CASES_MAX;
    search(plan, demands.to_vec(), Case::default(), &mut cases)
}

/// Whether a comparison can hold on its own.
pub(super) fn comparison_possible(
    plan: &Plan,
    ty: Type,
    (a, op, b): (ExprId, CompareOp, ExprId),
) -> bool {
    let (a, b) = (values(plan, a, ty, &|_| None), values(plan, b, ty, &|_| None));
    let (a, b) = a.narrowed(op, b);
    !a.is_empty() && !b.is_empty()
}

/// The comparison that holds where one does not.
pub(super) fn opposite(op: CompareOp) -> CompareOp {
    match op {
        CompareOp::Eq => CompareOp::Ne,
        CompareOp::Ne => CompareOp::Eq,
        CompareOp::Lt => CompareOp::Ge,
        CompareOp::Le => CompareOp::Gt,
        CompareOp::Gt => CompareOp::Le,
        CompareOp::Ge => CompareOp::Lt,
    }
}

/// One way in which the demands could be met.
#[derive(Clone, Default)]
struct Case {
    comparisons: Vec<(Type, ExprId, CompareOp, ExprId)>,
    /// Words or yes/no that an expression must be.
    words: Vec<(ExprId, u128)>,
    present: BTreeMap<ExprId, bool>,
    contradicts: bool,
}

fn search(plan: &Plan, mut open: Vec<Demand>, mut case: Case, cases: &mut usize) -> bool {
    while let Some((id, wanted)) = open.pop() {
        if case.contradicts {
            return false;
        }
        match (&plan.program.nodes[id.0 as usize], wanted) {
            (Node::Constant(cell), _) => case.contradicts |= (*cell == 1) != wanted,
            (Node::Not(a), _) => open.push((*a, !wanted)),
            (Node::And(a, b), true) | (Node::Or(a, b), false) => {
                open.extend([(*b, wanted), (*a, wanted)]);
            }
            (Node::And(a, b), false) | (Node::Or(a, b), true) => {
                let either = [vec![(*a, wanted)], vec![(*b, wanted)]];
                return split(plan, open, case, either, cases);
            }
            (Node::If(c, a, b), _) => {
                let either = [vec![(*c, true), (*a, wanted)], vec![(*c, false), (*b, wanted)]];
                return split(plan, open, case, either, cases);
            }
            (Node::Has(a), _) => case.require(*a, wanted),
            (Node::Compare(op, a, b), _) => {
                let ty = compared_type(plan, *a).or_else(|| compared_type(plan, *b));
                case.compare(plan, ty.unwrap_or(Type::Int), *a, *op, *b, wanted);
            }
            (Node::CompareDouble(op, a, b), _) => {
                case.compare(plan, Type::Double, *a, *op, *b, wanted);
            }
            (Node::In(a, cells), _) => {
                case.require_all(plan, *a);
                case.one_of(plan, *a, cells, wanted);
            }
            (Node::Load(_), _) => {
                case.require(id, true);
                case.words.push((id, 1 << u32::from(wanted)));
            }
            _ => {}
        }
    }
    !case.contradicts && case.is_possible(plan)
}

fn split(
    plan: &Plan,
    open: Vec<Demand>,
    case: Case,
    either: [Vec<Demand>; 2],
    cases: &mut usize,
) -> bool {
    for demands in either {
        *cases = cases.saturating_sub(1);
        if *cases == 0 {
            return true;
        }
        let open: Vec<Demand> = open.iter().copied().chain(demands).collect();
        if search(plan, open, case.clone(), cases) {
            return true;
        }
    }
    false
}

/// Yes/no and words are compared as sets, everything else as numbers.
fn compared_type(plan: &Plan, id: ExprId) -> Option<Type> {
    match &plan.program.nodes[id.0 as usize] {
        Node::Load(CellRef::Payment(cell)) => Some(plan.payment[usize::from(*cell)].ty()),
        Node::Load(CellRef::State(role, cell)) => {
            Some(plan.parts[*role as usize].features[usize::from(*cell)].ty())
        }
        Node::If(_, a, b) => compared_type(plan, *a).or_else(|| compared_type(plan, *b)),
        Node::Has(_) | Node::Not(_) | Node::And(..) | Node::Or(..) => Some(Type::Bool),
        Node::Compare(..) | Node::CompareDouble(..) | Node::In(..) => Some(Type::Bool),
        _ => None,
    }
}

impl Case {
    fn require(&mut self, id: ExprId, there: bool) {
        self.contradicts |= *self.present.entry(id).or_insert(there) != there;
    }

    /// A comparison needs everything it is calculated from.
    fn require_all(&mut self, plan: &Plan, id: ExprId) {
        match &plan.program.nodes[id.0 as usize] {
            Node::Constant(_) => {}
            node @ (Node::Arithmetic(op, a, b) | Node::ArithmeticDouble(op, a, b)) => {
                // Nothing is divided by zero: the value is missing.
                let is_double = matches!(node, Node::ArithmeticDouble(..));
                self.contradicts |= *op == ArithmeticOp::Div && is_zero(plan, *b, is_double);
                self.require(id, true);
                self.require_all(plan, *a);
                self.require_all(plan, *b);
            }
            Node::Scale(a, _) | Node::ToDouble(a) => {
                self.require(id, true);
                self.require_all(plan, *a);
            }
            _ => self.require(id, true),
        }
    }

    fn compare(&mut self, plan: &Plan, ty: Type, a: ExprId, op: CompareOp, b: ExprId, holds: bool) {
        self.require_all(plan, a);
        self.require_all(plan, b);
        self.comparisons.push((ty, a, if holds { op } else { opposite(op) }, b));
    }

    fn one_of(&mut self, plan: &Plan, id: ExprId, cells: &[i64], wanted: bool) {
        let bit = |cell: &i64| u32::try_from(*cell).ok().and_then(|n| 1u128.checked_shl(n));
        if compared_type(plan, id) == Some(Type::Enum) {
            let set = cells.iter().filter_map(bit).fold(0, |set, bit| set | bit);
            self.words.push((id, if wanted { set } else { !set }));
        }
    }

    fn is_possible(&self, plan: &Plan) -> bool {
        let exceeds = |less: ExprId, more: ExprId| {
            let [less, more] = [less, more].map(|id| state_cell(plan, id));
            less.zip(more).is_some_and(|((role, less), (other, more))| {
                role == other && never_exceeds(&less, &more)
            })
        };
        let contradicts = self.comparisons.iter().any(|(_, a, op, b)| match op {
            CompareOp::Gt => exceeds(*a, *b),
            CompareOp::Lt => exceeds(*b, *a),
            _ => false,
        });
        if contradicts {
            return false;
        }
        let mut known: BTreeMap<ExprId, Values> = BTreeMap::new();
        for (id, set) in &self.words {
            let set = Values::Words(*set);
            let narrowed = known.get(id).map_or(set, |before| before.and(set));
            known.insert(*id, narrowed);
        }
        for _ in 0..ROUNDS_MAX {
            let before = known.clone();
            for (ty, a, op, b) in &self.comparisons {
                let look = |id: ExprId| known.get(&id).copied();
                let sides = (values(plan, *a, *ty, &look), values(plan, *b, *ty, &look));
                let (left, right) = sides.0.narrowed(*op, sides.1);
                if left.is_empty() || right.is_empty() {
                    return false;
                }
                known.insert(*a, left);
                known.insert(*b, right);
            }
            relate(plan, &mut known);
            if known.values().any(|values| values.is_empty()) {
                return false;
            }
            if known == before {
                break;
            }
        }
        true
    }
}

fn is_zero(plan: &Plan, id: ExprId, is_double: bool) -> bool {
    match plan.program.nodes[id.0 as usize] {
        Node::Constant(cell) if is_double => cell_double(cell) == 0.0,
        Node::Constant(cell) => cell == 0,
        _ => false,
    }
}

/// The cell that an expression is, if it is one of the state.
fn state_cell(plan: &Plan, id: ExprId) -> Option<(Role, StateFeature)> {
    match &plan.program.nodes[id.0 as usize] {
        Node::Load(CellRef::State(role, cell)) => {
            Some((*role, plan.parts[*role as usize].features[usize::from(*cell)]))
        }
        _ => None,
    }
}

/// Narrows cells by others that never exceed them.
fn relate(plan: &Plan, known: &mut BTreeMap<ExprId, Values>) {
    let cells: Vec<(ExprId, Role, StateFeature)> = known
        .keys()
        .filter_map(|id| state_cell(plan, *id).map(|(role, feature)| (*id, role, feature)))
        .collect();
    for (a, role, less) in &cells {
        for (b, other, more) in cells.iter().filter(|(b, ..)| b != a) {
            if role != other || !never_exceeds(less, more) {
                continue;
            }
            let (Some(left), Some(right)) = (known.get(a), known.get(b)) else { continue };
            let (left, right) = match (*left, *right) {
                // No implies no: the set of yes/no has no order of its own.
                (Values::Words(a), Values::Words(b)) => (
                    Values::Words(if b == 0b01 { a & 0b01 } else { a }),
                    Values::Words(if a == 0b10 { b & 0b10 } else { b }),
                ),
                (left, right) => left.narrowed(CompareOp::Le, right),
            };
            known.insert(*a, left);
            known.insert(*b, right);
        }
    }
}

/// Whether the first cell is at most the second at every row.
fn never_exceeds(less: &StateFeature, more: &StateFeature) -> bool {
    use StateFeature as F;
    match (less, more) {
        (F::Count(a), F::Count(b)) | (F::Sum(a), F::Sum(b)) => within(a, b),
        (F::Max(a), F::Max(b)) | (F::Max(a), F::Sum(b)) | (F::Min(b), F::Min(a)) => within(a, b),
        (F::Counterparties(a), F::Counterparties(b) | F::Count(b)) => within(a, b),
        (F::Min(a), F::Max(b) | F::Sum(b)) => a == b,
        (F::HistoryCount(d, a), F::HistoryCount(e, b)) => d == e && a <= b,
        (F::HistorySum(d, a), F::HistorySum(e, b)) => d == e && a <= b,
        (F::PairCount(a), F::PairCount(b)) => a <= b,
        (F::Listed(a, Some(_)), F::Listed(b, None)) => a == b,
        _ => false,
    }
}

/// Whether every entry of the first view is in the second.
fn within(a: &View, b: &View) -> bool {
    let same = View { window_ms: b.window_ms, without: b.without, ..*a } == *b;
    same && a.window_ms <= b.window_ms && a.without & b.without == b.without
}
