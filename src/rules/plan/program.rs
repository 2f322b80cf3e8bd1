//! Flat typed programs over rows: one arena of nodes for the whole pack, equal expressions once.
//!
//! A cell is 64 bits. Integers, minor units, milliseconds, enumerations and booleans are `i64`;
//! doubles are their bits. [`MISSING`] stands for "no value" in every type. Logic is CEL's: `false
//! && missing` is false, `true || missing` is true, everything else that touches a missing value is
//! missing.

use std::collections::BTreeSet;

use super::view::Role;

/// The cell that holds no value, in every type. (As a double it would be −0.0, which no program
/// makes.)
pub const MISSING: i64 = i64::MIN;

/// Type of a cell or expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Type {
    /// 0 or 1.
    Bool,
    /// A count or a number.
    Int,
    /// Minor units of the pack's currency.
    Money,
    /// A ratio or share.
    Double,
    /// Milliseconds.
    Duration,
    /// A word of a closed set, by its number.
    Enum,
}

/// Index of a node in [`Program::nodes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ExprId(pub u32);

/// Where a cell stands in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CellRef {
    /// In the payment's part.
    Payment(u16),
    /// In a role's part.
    State(Role, u16),
    /// What is remembered of signals: its number in [`super::Plan::signals`].
    Signal(u16),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CompareOp {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl CompareOp {
    /// Every comparison.
    pub const ALL: [Self; 6] = [Self::Eq, Self::Ne, Self::Lt, Self::Le, Self::Gt, Self::Ge];

    /// As written.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
        }
    }

    /// The same comparison with its sides exchanged.
    #[must_use]
    pub fn flipped(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            Self::Eq | Self::Ne => self,
        }
    }

    /// Whether it holds for two values.
    #[must_use]
    pub fn holds<T: PartialOrd>(self, a: T, b: T) -> bool {
        match self {
            Self::Eq => a == b,
            Self::Ne => a != b,
            Self::Lt => a < b,
            Self::Le => a <= b,
            Self::Gt => a > b,
            Self::Ge => a >= b,
        }
    }
}

/// Arithmetic on two values of one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ArithmeticOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*` (integers and doubles)
    Mul,
    /// `/` (integers truncate; a zero divisor gives a missing value)
    Div,
    /// the smaller
    Min,
    /// the larger
    Max,
}

/// One node.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Node {
    /// A constant, as a cell.
    Constant(i64),
    /// A cell of the row.
    Load(CellRef),
    /// Whether the operand has a value: 0 or 1, never missing.
    Has(ExprId),
    /// `!a`
    Not(ExprId),
    /// `a && b`
    And(ExprId, ExprId),
    /// `a || b`
    Or(ExprId, ExprId),
    /// `c ? a : b`; missing when `c` is.
    If(ExprId, ExprId, ExprId),
    /// Comparison of integers, minor units, milliseconds, words, booleans.
    Compare(CompareOp, ExprId, ExprId),
    /// Comparison of doubles.
    CompareDouble(CompareOp, ExprId, ExprId),
    /// Arithmetic on 64-bit integers; overflow gives a missing value.
    Arithmetic(ArithmeticOp, ExprId, ExprId),
    /// Arithmetic on doubles.
    ArithmeticDouble(ArithmeticOp, ExprId, ExprId),
    /// `amount × millionths / 1,000,000`, rounded down.
    Scale(ExprId, i64),
    /// An integer as a double.
    ToDouble(ExprId),
    /// Whether the value is one of these.
    In(ExprId, Vec<i64>),
}

impl Node {
    /// What it is calculated from, in order.
    #[must_use]
    pub fn operands(&self) -> Vec<ExprId> {
        match self {
            Self::Constant(_) | Self::Load(_) => Vec::new(),
            Self::Has(a) | Self::Not(a) | Self::Scale(a, _) | Self::ToDouble(a) => vec![*a],
            Self::In(a, _) => vec![*a],
            Self::And(a, b) | Self::Or(a, b) => vec![*a, *b],
            Self::Compare(_, a, b) | Self::CompareDouble(_, a, b) => vec![*a, *b],
            Self::Arithmetic(_, a, b) | Self::ArithmeticDouble(_, a, b) => vec![*a, *b],
            Self::If(a, b, c) => vec![*a, *b, *c],
        }
    }
}

/// All expressions of a pack.
#[derive(Clone, Debug, Default)]
pub struct Program {
    /// Nodes; operands come before the nodes that use them.
    pub nodes: Vec<Node>,
}

/// The row of one event: the payment's part, and the parts of the roles that are known.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Cells of the payment.
    pub payment: &'a [i64],
    /// Cells of each role; an empty slice where the role is absent or not known here.
    pub parts: [&'a [i64]; Role::COUNT],
    /// Cells of signals; empty until they are looked up.
    pub signals: &'a [i64],
}

impl Row<'_> {
    fn cell(&self, at: CellRef) -> i64 {
        match at {
            CellRef::Payment(index) => self.payment[usize::from(index)],
            CellRef::State(role, index) => {
                self.parts[role as usize].get(usize::from(index)).copied().unwrap_or(MISSING)
            }
            CellRef::Signal(index) => {
                self.signals.get(usize::from(index)).copied().unwrap_or(MISSING)
            }
        }
    }
}

/// A double as a cell.
#[must_use]
pub fn double_cell(value: f64) -> i64 {
    if value.is_nan() { MISSING } else { (value + 0.0).to_bits().cast_signed() }
}

/// A cell as a double.
#[must_use]
pub fn cell_double(cell: i64) -> f64 {
    f64::from_bits(cell.cast_unsigned())
}

impl Program {
    /// Evaluates an expression over a row.
    #[must_use]
    pub fn eval(&self, id: ExprId, row: &Row<'_>) -> i64 {
        let get = |id: &ExprId| self.eval(*id, row);
        match &self.nodes[id.0 as usize] {
            Node::Constant(cell) => *cell,
            Node::Load(at) => row.cell(*at),
            Node::Has(a) => i64::from(get(a) != MISSING),
            Node::Not(a) => match get(a) {
                MISSING => MISSING,
                value => 1 - value,
            },
            Node::And(a, b) => match get(a) {
                0 => 0,
                1 => get(b),
                _ => {
                    if get(b) == 0 {
                        0
                    } else {
                        MISSING
                    }
                }
            },
            Node::Or(a, b) => match get(a) {
                1 => 1,
                0 => get(b),
                _ => {
                    if get(b) == 1 {
                        1
                    } else {
                        MISSING
                    }
                }
            },
            Node::If(c, a, b) => match get(c) {
                MISSING => MISSING,
                0 => get(b),
                _ => get(a),
            },
            Node::Compare(op, a, b) => both(get(a), get(b), |a, b| i64::from(op.holds(a, b))),
            Node::CompareDouble(op, a, b) => {
                both(get(a), get(b), |a, b| i64::from(op.holds(cell_double(a), cell_double(b))))
            }
            Node::Arithmetic(op, a, b) => both(get(a), get(b), |a, b| arithmetic(*op, a, b)),
            Node::ArithmeticDouble(op, a, b) => both(get(a), get(b), |a, b| {
                double_cell(arithmetic_double(*op, cell_double(a), cell_double(b)))
            }),
            Node::Scale(a, ppm) => match get(a) {
                MISSING => MISSING,
                minor => {
                    let scaled = (i128::from(minor) * i128::from(*ppm)).div_euclid(1_000_000);
                    i64::try_from(scaled).unwrap_or(MISSING)
                }
            },
            Node::ToDouble(a) => match get(a) {
                MISSING => MISSING,
                value => double_cell(value as f64),
            },
            Node::In(a, set) => match get(a) {
                MISSING => MISSING,
                value => i64::from(set.contains(&value)),
            },
        }
    }

    /// An expression and everything it is calculated from.
    #[must_use]
    pub fn below(&self, id: ExprId) -> BTreeSet<ExprId> {
        let mut found = BTreeSet::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if found.insert(id) {
                open.extend(self.nodes[id.0 as usize].operands());
            }
        }
        found
    }

    /// The parts that must all hold for a condition to hold, in order.
    #[must_use]
    pub fn conjuncts(&self, id: ExprId) -> Vec<ExprId> {
        let mut parts = Vec::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            match &self.nodes[id.0 as usize] {
                Node::And(a, b) => open.extend([*b, *a]),
                _ => parts.push(id),
            }
        }
        parts
    }

    /// Whether an expression reads what is remembered of signals.
    #[must_use]
    pub fn reads_signals(&self, id: ExprId) -> bool {
        let signal =
            |id: ExprId| matches!(self.nodes[id.0 as usize], Node::Load(CellRef::Signal(_)));
        self.below(id).into_iter().any(signal)
    }

    /// Adds a node, or finds the equal one that is there.
    pub fn add(&mut self, node: Node) -> ExprId {
        let found = self.nodes.iter().position(|n| *n == node);
        let index = found.unwrap_or_else(|| {
            self.nodes.push(node);
            self.nodes.len() - 1
        });
        ExprId(index as u32)
    }
}

fn both(a: i64, b: i64, f: impl FnOnce(i64, i64) -> i64) -> i64 {
    if a == MISSING || b == MISSING { MISSING } else { f(a, b) }
}

fn arithmetic(op: ArithmeticOp, a: i64, b: i64) -> i64 {
    let result = match op {
        ArithmeticOp::Add => a.checked_add(b),
        ArithmeticOp::Sub => a.checked_sub(b),
        ArithmeticOp::Mul => a.checked_mul(b),
        ArithmeticOp::Div => a.checked_div(b),
        ArithmeticOp::Min => Some(a.min(b)),
        ArithmeticOp::Max => Some(a.max(b)),
    };
    result.unwrap_or(MISSING)
}

fn arithmetic_double(op: ArithmeticOp, a: f64, b: f64) -> f64 {
    match op {
        ArithmeticOp::Add => a + b,
        ArithmeticOp::Sub => a - b,
        ArithmeticOp::Mul => a * b,
        ArithmeticOp::Div => {
            if b == 0.0 {
                f64::NAN
            } else {
                a / b
            }
        }
        ArithmeticOp::Min => a.min(b),
        ArithmeticOp::Max => a.max(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logic_absorbs_what_is_missing() {
        let mut program = Program::default();
        let [no, yes, missing] = [0, 1, MISSING].map(|cell| program.add(Node::Constant(cell)));
        let row = Row { payment: &[], parts: [&[]; Role::COUNT], signals: &[] };
        let mut check = |node: Node, expect: i64| {
            let id = program.add(node.clone());
            assert_eq!(program.eval(id, &row), expect, "{node:?}");
        };
        check(Node::And(missing, no), 0);
        check(Node::And(no, missing), 0);
        check(Node::And(missing, yes), MISSING);
        check(Node::Or(missing, yes), 1);
        check(Node::Or(missing, no), MISSING);
        check(Node::Not(missing), MISSING);
        check(Node::If(missing, yes, no), MISSING);
        check(Node::Has(missing), 0);
        check(Node::Compare(CompareOp::Eq, missing, missing), MISSING);
    }

    #[test]
    fn a_share_of_an_amount_is_exact_and_rounds_down() {
        let mut program = Program::default();
        let amount = program.add(Node::Constant(999));
        let scaled = program.add(Node::Scale(amount, 20_000));
        let row = Row { payment: &[], parts: [&[]; Role::COUNT], signals: &[] };
        assert_eq!(program.eval(scaled, &row), 19);
    }
}
