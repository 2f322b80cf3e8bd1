//! One conjunct of a condition, tried before the rest is computed. The usual ones compare a cell
//! with a constant and need no walk over a tree.

use super::rule_set::RuleSet;
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
#[derive(Debug, Clone, Copy, PartialEq)]
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
            // Never asked here: what reads signals is tried last, by the act phase.
            CellRef::Signal(_) => MISSING,
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
                match program.eval(expr, &Row { payment, parts, signals: &[] }) {
                    MISSING => Outcome::Missing,
                    value => truth(value != 0),
                }
            }
        }
    }
}

/// Screens, each with the rules that need it.
#[derive(Debug, Default, Clone)]
pub(super) struct Screens(Vec<(Screen, RuleSet)>);

impl Screens {
    /// Adds a screen of a rule; `words` is the length of the plan's sets.
    pub fn add(&mut self, screen: Screen, rule: u16, words: usize) {
        let known = self.0.iter().position(|(known, _)| *known == screen);
        let at = known.unwrap_or_else(|| {
            self.0.push((screen, RuleSet::none(words)));
            self.0.len() - 1
        });
        self.0[at].1.insert(rule);
    }

    /// Closes the open rules that a screen fails, with the payment's part and one role's; those of
    /// which a screen is missing are added to `lacking`, closed by another or not.
    #[inline]
    pub fn close(
        &self,
        program: &Program,
        (payment, role, own): (&[i64], Role, &[i64]),
        open: &mut [u64],
        mut lacking: Option<&mut [u64]>,
    ) {
        for (screen, rules) in &self.0 {
            if !rules.meets(open) {
                continue;
            }
            match screen.try_with(program, payment, role, own) {
                Outcome::True => {}
                Outcome::False => rules.close(open),
                Outcome::Missing => {
                    if let Some(lacking) = &mut lacking {
                        rules.open(lacking);
                    }
                }
            }
        }
    }
}
