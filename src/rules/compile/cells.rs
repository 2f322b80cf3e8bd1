//! The cells a pack needs, found while expressions are lowered: equal ones stand once.

use std::collections::BTreeSet;

use crate::rules::plan::feature::{PaymentField, StateFeature};
use crate::rules::plan::program::{CellRef, ExprId, Node, Program};
use crate::rules::plan::query::{Measure, Query};
use crate::rules::plan::view::Role;
use crate::rules::plan::{PartPlan, SignalPlan};

/// A program in the making, with the cells it reads.
#[derive(Debug, Default)]
pub(super) struct Builder {
    pub(super) program: Program,
    pub(super) payment: Vec<PaymentField>,
    pub(super) queries: Vec<Query>,
    pub(super) signals: Vec<SignalPlan>,
    /// Ids of the rules of the plan, in order, and of those that are off.
    pub(super) rule_ids: Vec<String>,
    pub(super) known_ids: Vec<String>,
    parts: [Vec<StateFeature>; Role::COUNT],
    /// Depth of each node of the program.
    depths: Vec<u32>,
}

impl Builder {
    pub(super) fn add(&mut self, node: Node) -> ExprId {
        let below = node.operands().iter().map(|id| self.depths[id.0 as usize]).max();
        let id = self.program.add(node);
        if id.0 as usize == self.depths.len() {
            self.depths.push(below.unwrap_or(0).saturating_add(1));
        }
        id
    }

    /// How deep evaluation of an expression recurses.
    pub(super) fn depth(&self, id: ExprId) -> u32 {
        self.depths[id.0 as usize]
    }

    /// Loads a field of the payment.
    pub(super) fn field(&mut self, field: PaymentField) -> ExprId {
        let found = self.payment.iter().position(|f| *f == field);
        let index = found.unwrap_or_else(|| {
            self.payment.push(field);
            self.payment.len() - 1
        });
        self.add(Node::Load(CellRef::Payment(index as u16)))
    }

    /// Loads a feature of a role's part.
    pub(super) fn state(&mut self, role: Role, feature: StateFeature) -> ExprId {
        let part = &mut self.parts[role as usize];
        let found = part.iter().position(|f| *f == feature);
        let index = found.unwrap_or_else(|| {
            part.push(feature);
            part.len() - 1
        });
        self.add(Node::Load(CellRef::State(role, index as u16)))
    }

    /// Loads the answer to a question.
    pub(super) fn ask(&mut self, role: Role, query: &Query, measure: Measure) -> ExprId {
        let number = self.query(query);
        self.state(role, StateFeature::Asked(number, measure))
    }

    /// The number of a question.
    pub(super) fn query(&mut self, query: &Query) -> u16 {
        let found = self.queries.iter().position(|q| q == query);
        let number = found.unwrap_or_else(|| {
            self.queries.push(*query);
            self.queries.len() - 1
        });
        number as u16
    }

    /// Loads what is remembered of signals.
    pub(super) fn signal(&mut self, signal: SignalPlan) -> ExprId {
        let found = self.signals.iter().position(|s| *s == signal);
        let number = found.unwrap_or_else(|| {
            self.signals.push(signal);
            self.signals.len() - 1
        });
        self.add(Node::Load(CellRef::Signal(number as u16)))
    }

    /// The feature behind a cell.
    pub(super) fn feature(&self, role: Role, index: u16) -> StateFeature {
        self.parts[role as usize][usize::from(index)]
    }

    /// The state cells an expression reads, in order of first use.
    pub(super) fn state_cells(&self, id: ExprId) -> Vec<(Role, u16)> {
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        let mut open = vec![id.0];
        while let Some(index) = open.pop() {
            if !seen.insert(index) {
                continue;
            }
            match &self.program.nodes[index as usize] {
                Node::Load(CellRef::State(role, cell)) => found.push((*role, *cell)),
                node => open.extend(node.operands().iter().rev().map(|id| id.0)),
            }
        }
        found
    }

    /// What has been made.
    pub(super) fn settle(self) -> Settled {
        let Self { program, payment, queries, signals, parts, .. } = self;
        let parts = parts.map(|features| PartPlan { features, gated_rules: Vec::new() });
        Settled { program, payment, queries, signals, parts }
    }
}

/// What a builder has made.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) program: Program,
    pub(super) payment: Vec<PaymentField>,
    pub(super) queries: Vec<Query>,
    pub(super) signals: Vec<SignalPlan>,
    pub(super) parts: [PartPlan; Role::COUNT],
}
