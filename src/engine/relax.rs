//! Cheap terms that follow from costly ones.
//!
//! At least eight payers within a day means at least eight credits within a day, and that number is
//! at hand. A rule is tried on what must hold first; what is costly is only computed where that
//! does.

use crate::rules::plan::feature::StateFeature;
use crate::rules::plan::program::{ArithmeticOp, CellRef, CompareOp, ExprId, Node, Program};
use crate::rules::plan::query::{Measure, Query};
use crate::rules::plan::view::{Direction, Role, View};

/// Where terms of one role are relaxed.
#[derive(Debug)]
pub(super) struct Relax<'a> {
    pub role: Role,
    pub queries: &'a [Query],
    /// The role's cells; numbers of entries that nobody asks for are added behind them.
    pub features: &'a mut Vec<StateFeature>,
    /// Which of the plan's cells are computed at every visit; those behind them are.
    pub is_always: &'a [bool],
    /// Gets the terms that are made.
    pub program: &'a mut Program,
}

impl Relax<'_> {
    /// A term that holds wherever `expr` does and reads numbers of entries only; `None` where
    /// nothing of the sort follows. It is never missing, and false only where `expr` is.
    pub fn term(&mut self, expr: ExprId) -> Option<ExprId> {
        let term = match self.program.nodes[expr.0 as usize].clone() {
            Node::And(a, b) => match (self.term(a), self.term(b)) {
                (Some(a), Some(b)) => Node::And(a, b),
                (one, other) => return one.or(other),
            },
            Node::Or(a, b) => Node::Or(self.term(a)?, self.term(b)?),
            Node::Compare(op @ (CompareOp::Ge | CompareOp::Gt), a, b) => {
                let (least, number) = (self.constant(b)?, self.number(a)?);
                let says_nothing = if op == CompareOp::Ge { least < 1 } else { least < 0 };
                if says_nothing {
                    return None;
                }
                Node::Compare(op, number, b)
            }
            _ => return None,
        };
        Some(self.program.add(term))
    }

    fn constant(&self, expr: ExprId) -> Option<i64> {
        match self.program.nodes[expr.0 as usize] {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// A number of entries that is at least the value of a cell.
    fn number(&mut self, expr: ExprId) -> Option<ExprId> {
        let Node::Load(CellRef::State(role, cell)) = self.program.nodes[expr.0 as usize] else {
            return None;
        };
        if role != self.role {
            return None;
        }
        match self.features[usize::from(cell)] {
            StateFeature::Counterparties(view) => Some(self.count(view)),
            StateFeature::Asked(query, Measure::Count | Measure::Counterparties) => {
                let query = self.queries[usize::from(query)];
                // Where the payment is in another currency such a question has no answer.
                if query.near_ppm.is_some() {
                    return None;
                }
                let (window_ms, without) = (query.window_ms, query.without);
                let mut count = |direction| self.count(View { direction, window_ms, without });
                match query.direction {
                    Some(direction) => Some(count(direction)),
                    None => {
                        let (a, b) = (count(Direction::Credit), count(Direction::Debit));
                        Some(self.program.add(Node::Arithmetic(ArithmeticOp::Add, a, b)))
                    }
                }
            }
            _ => None,
        }
    }

    fn count(&mut self, view: View) -> ExprId {
        let feature = StateFeature::Count(view);
        let is_there = |cell: usize| self.is_always.get(cell).copied().unwrap_or(true);
        let known = (0..self.features.len())
            .find(|cell| self.features[*cell] == feature && is_there(*cell));
        let cell = known.unwrap_or_else(|| {
            self.features.push(feature);
            self.features.len() - 1
        });
        self.program.add(Node::Load(CellRef::State(self.role, cell as u16)))
    }
}
