//! One conjunct of a condition, tried before the rest is computed. The usual ones compare a cell
//! with a constant and need no walk over a tree.

use crate::rules::plan::program::{
    CellRef, CompareOp, ExprId, MISSING, Node, Program, Row, cell_double,
};
use crate::rules::plan::view::Role;

/// What a conjunct comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    False,
    True,
    Missing,
}

/// A conjunct whose cells are all there when it is tried.
#[derive(Debug, Clone, Copy)]
pub(super) enum Screen {
    Compare(CompareOp, CellRef, i64),
    CompareDouble(CompareOp, CellRef, f64),
    /// The cell is a truth, and is this.
    Is(CellRef, bool),
    /// Something needs this cell.
    Known(CellRef),
    Tree(ExprId),
}

impl Screen {
    /// The screen of an expression.
    pub fn of(program: &Program, expr: ExprId) -> Self {
        let node = |id: ExprId| &program.nodes[id.0 as usize];
        match node(expr) {
            Node::Load(cell) => Self::Is(*cell, true),
            Node::Not(of) => match node(*of) {
                Node::Load(cell) => Self::Is(*cell, false),
                _ => Self::Tree(expr),
            },
            Node::Compare(op, a, b) => match (node(*a), node(*b)) {
                (Node::Load(cell), Node::Constant(constant)) => {
                    Self::Compare(*op, *cell, *constant)
                }
                _ => Self::Tree(expr),
            },
            Node::CompareDouble(op, a, b) => match (node(*a), node(*b)) {
                (Node::Load(cell), Node::Constant(constant)) if *constant != MISSING => {
                    Self::CompareDouble(*op, *cell, cell_double(*constant))
                }
                _ => Self::Tree(expr),
            },
            _ => Self::Tree(expr),
        }
    }

    /// Tries it, with the payment's part and one role's.
    #[inline]
    pub fn try_with(&self, program: &Program, payment: &[i64], role: Role, own: &[i64]) -> Outcome {
        let load = |cell: CellRef| match cell {
            CellRef::Payment(index) => payment[usize::from(index)],
            CellRef::State(_, index) => own[usize::from(index)],
        };
        let truth = |yes: bool| if yes { Outcome::True } else { Outcome::False };
        match *self {
            Self::Compare(op, cell, constant) => match load(cell) {
                MISSING => Outcome::Missing,
                value => truth(op.holds(value, constant)),
            },
            Self::CompareDouble(op, cell, constant) => match load(cell) {
                MISSING => Outcome::Missing,
                value => truth(op.holds(cell_double(value), constant)),
            },
            Self::Is(cell, wanted) => match load(cell) {
                MISSING => Outcome::Missing,
                value => truth((value != 0) == wanted),
            },
            Self::Known(cell) => match load(cell) {
                MISSING => Outcome::Missing,
                _ => Outcome::True,
            },
            Self::Tree(expr) => {
                let mut parts: [&[i64]; Role::COUNT] = [&[]; Role::COUNT];
                parts[role as usize] = own;
                match program.eval(expr, &Row { payment, parts }) {
                    MISSING => Outcome::Missing,
                    value => truth(value != 0),
                }
            }
        }
    }
}

/// What the screens that read the payment alone come to together. Where one is missing and none
/// is false the rule is not evaluable, whatever the ledger would say.
pub(super) fn try_payment(screens: &[Screen], program: &Program, payment: &[i64]) -> Outcome {
    let mut outcome = Outcome::True;
    for screen in screens {
        // No state is read, so the role does not matter.
        match screen.try_with(program, payment, Role::Payer, &[]) {
            Outcome::False => return Outcome::False,
            Outcome::Missing => outcome = Outcome::Missing,
            Outcome::True => {}
        }
    }
    outcome
}

/// The parts that must all hold for a condition to hold.
pub(super) fn conjuncts(program: &Program, expr: ExprId) -> Vec<ExprId> {
    let mut parts = Vec::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match program.nodes[expr.0 as usize] {
            Node::And(a, b) => open.extend([b, a]),
            _ => parts.push(expr),
        }
    }
    parts
}
