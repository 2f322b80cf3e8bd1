//! Which values an expression can have: from what each cell can hold, upwards.

use crate::limits;
use crate::rules::plan::Plan;
use crate::rules::plan::feature::{PaymentField, StateFeature};
use crate::rules::plan::program::{
    ArithmeticOp, CellRef, CompareOp, ExprId, Node, Type, cell_double,
};
use crate::rules::plan::query::Measure;

/// Values from `low` to `high`, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Values {
    /// Numbers, amounts, milliseconds, yes/no.
    Whole(i128, i128),
    /// Ratios.
    Ratio(f64, f64),
    /// Words, by number, as bits; and yes/no, as the bits 0 and 1.
    Words(u128),
}

const MOST: i128 = i64::MAX as i128;

impl Values {
    fn unknown(ty: Type) -> Self {
        match ty {
            Type::Bool => Self::Words(0b11),
            Type::Enum => Self::Words(u128::MAX),
            Type::Double => Self::Ratio(f64::NEG_INFINITY, f64::INFINITY),
            Type::Int | Type::Money | Type::Duration => Self::Whole(-MOST, MOST),
        }
    }

    pub(super) fn is_empty(self) -> bool {
        match self {
            Self::Whole(low, high) => low > high,
            Self::Ratio(low, high) => low > high,
            Self::Words(set) => set == 0,
        }
    }

    /// The values that are in both.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Whole(a, b), Self::Whole(c, d)) => Self::Whole(a.max(c), b.min(d)),
            (Self::Ratio(a, b), Self::Ratio(c, d)) => Self::Ratio(a.max(c), b.min(d)),
            (Self::Words(a), Self::Words(b)) => Self::Words(a & b),
            _ => self,
        }
    }

    /// The values that are in either, and between.
    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Whole(a, b), Self::Whole(c, d)) => Self::Whole(a.min(c), b.max(d)),
            (Self::Ratio(a, b), Self::Ratio(c, d)) => Self::Ratio(a.min(c), b.max(d)),
            (Self::Words(a), Self::Words(b)) => Self::Words(a | b),
            _ => self,
        }
    }

    /// What is left of both sides when `self op other` holds.
    pub(super) fn narrowed(self, op: CompareOp, other: Self) -> (Self, Self) {
        use CompareOp as C;
        match (self, other, op) {
            (a, b, C::Eq) => (a.and(b), b.and(a)),
            (Self::Words(a), Self::Words(b), C::Ne) => {
                let without = |a: u128, b: u128| if b.count_ones() == 1 { a & !b } else { a };
                (Self::Words(without(a, b)), Self::Words(without(b, a)))
            }
            (a @ Self::Whole(al, ah), b @ Self::Whole(bl, bh), op) => match op {
                C::Lt => (Self::Whole(al, ah.min(bh - 1)), Self::Whole(bl.max(al + 1), bh)),
                C::Le => (Self::Whole(al, ah.min(bh)), Self::Whole(bl.max(al), bh)),
                C::Gt => (Self::Whole(al.max(bl + 1), ah), Self::Whole(bl, bh.min(ah - 1))),
                C::Ge => (Self::Whole(al.max(bl), ah), Self::Whole(bl, bh.min(ah))),
                // Only an end of a range can be taken away.
                _ if bl == bh && al == bl => (Self::Whole(al + 1, ah), b),
                _ if bl == bh && ah == bl => (Self::Whole(al, ah - 1), b),
                _ => (a, b),
            },
            (a @ Self::Ratio(al, ah), b @ Self::Ratio(bl, bh), op) => match op {
                C::Lt => {
                    (Self::Ratio(al, ah.min(bh.next_down())), Self::Ratio(bl.max(al.next_up()), bh))
                }
                C::Le => (Self::Ratio(al, ah.min(bh)), Self::Ratio(bl.max(al), bh)),
                C::Gt => {
                    (Self::Ratio(al.max(bl.next_up()), ah), Self::Ratio(bl, bh.min(ah.next_down())))
                }
                C::Ge => (Self::Ratio(al.max(bl), ah), Self::Ratio(bl, bh.min(ah))),
                _ => (a, b),
            },
            (a, b, _) => (a, b),
        }
    }
}

/// The values of an expression of a type; `known` are narrower ranges of some expressions.
pub(super) fn values(
    plan: &Plan,
    id: ExprId,
    ty: Type,
    known: &dyn Fn(ExprId) -> Option<Values>,
) -> Values {
    let of = |id: &ExprId, ty| values(plan, *id, ty, known);
    let node = &plan.program.nodes[id.0 as usize];
    let base = match (node, ty) {
        (Node::Constant(cell), Type::Double) => {
            Values::Ratio(cell_double(*cell), cell_double(*cell))
        }
        (Node::Constant(cell), Type::Bool | Type::Enum) => {
            Values::Words(u32::try_from(*cell).ok().and_then(|n| 1u128.checked_shl(n)).unwrap_or(0))
        }
        (Node::Constant(cell), _) => Values::Whole(i128::from(*cell), i128::from(*cell)),
        (Node::Load(at), _) => cell(plan, *at, ty),
        (Node::If(_, a, b), _) => of(a, ty).or(of(b, ty)),
        (Node::Arithmetic(op, a, b), _) => whole(*op, of(a, ty), of(b, ty), ty),
        (Node::ArithmeticDouble(op, a, b), _) => {
            ratio(*op, of(a, Type::Double), of(b, Type::Double))
        }
        (Node::ToDouble(a), _) => match of(a, Type::Int) {
            Values::Whole(low, high) => Values::Ratio(low as f64, high as f64),
            _ => Values::unknown(Type::Double),
        },
        (Node::Scale(a, ppm), _) => match of(a, Type::Money) {
            Values::Whole(low, high) => {
                let scaled = |v: i128| (v * i128::from(*ppm)).div_euclid(1_000_000);
                let (a, b) = (scaled(low), scaled(high));
                Values::Whole(a.min(b), a.max(b))
            }
            _ => Values::unknown(Type::Money),
        },
        _ => Values::unknown(ty),
    };
    known(id).map_or(base, |narrower| base.and(narrower))
}

fn whole(op: ArithmeticOp, a: Values, b: Values, ty: Type) -> Values {
    let (Values::Whole(al, ah), Values::Whole(bl, bh)) = (a, b) else { return Values::unknown(ty) };
    let clamp = |low: i128, high: i128| Values::Whole(low.max(-MOST), high.min(MOST));
    match op {
        ArithmeticOp::Add => clamp(al + bl, ah + bh),
        ArithmeticOp::Sub => clamp(al - bh, ah - bl),
        ArithmeticOp::Min => clamp(al.min(bl), ah.min(bh)),
        ArithmeticOp::Max => clamp(al.max(bl), ah.max(bh)),
        ArithmeticOp::Mul => {
            let ends = [al * bl, al * bh, ah * bl, ah * bh];
            let low = ends.into_iter().fold(i128::MAX, i128::min);
            clamp(low, ends.into_iter().fold(i128::MIN, i128::max))
        }
        ArithmeticOp::Div => Values::unknown(ty),
    }
}

fn ratio(op: ArithmeticOp, a: Values, b: Values) -> Values {
    let unknown = Values::unknown(Type::Double);
    let (Values::Ratio(al, ah), Values::Ratio(bl, bh)) = (a, b) else { return unknown };
    let ends = match op {
        ArithmeticOp::Add => [al + bl, ah + bh].to_vec(),
        ArithmeticOp::Sub => [al - bh, ah - bl].to_vec(),
        ArithmeticOp::Min => [al.min(bl), ah.min(bh)].to_vec(),
        ArithmeticOp::Max => [al.max(bl), ah.max(bh)].to_vec(),
        ArithmeticOp::Mul => [al * bl, al * bh, ah * bl, ah * bh].to_vec(),
        // Both above zero, as sums mostly are: then the quotient is too.
        ArithmeticOp::Div if al >= 0.0 && bl >= 0.0 => [0.0, f64::INFINITY].to_vec(),
        ArithmeticOp::Div => return unknown,
    };
    if ends.iter().any(|end| end.is_nan()) {
        return unknown;
    }
    let low = ends.iter().copied().fold(f64::INFINITY, f64::min);
    Values::Ratio(low, ends.into_iter().fold(f64::NEG_INFINITY, f64::max))
}

fn cell(plan: &Plan, at: CellRef, ty: Type) -> Values {
    match at {
        CellRef::Payment(index) => match plan.payment[usize::from(index)] {
            PaymentField::Amount => Values::Whole(1, i128::from(limits::AMOUNT_MINOR_MAX)),
            PaymentField::PayerAgeYears => Values::Whole(0, 150),
            PaymentField::IncomeMonthly(_) => Values::Whole(0, MOST),
            field => Values::unknown(field.ty()),
        },
        // Of a rule that is off nothing is remembered.
        CellRef::Signal(index) if plan.signals[usize::from(index)].rule.is_none() => {
            Values::Whole(0, 0)
        }
        CellRef::Signal(_) => Values::Whole(0, MOST),
        CellRef::State(role, index) => {
            let feature = &plan.parts[role as usize].features[usize::from(index)];
            match feature {
                StateFeature::Asked(query, measure)
                    if plan.queries[usize::from(*query)].is_empty() =>
                {
                    of_nothing(*measure)
                }
                feature => self::feature(feature, ty),
            }
        }
    }
}

/// What a question gives whose filters let nothing through; where that is missing, no value.
fn of_nothing(measure: Measure) -> Values {
    match measure {
        Measure::Count | Measure::Counterparties | Measure::Climb(_) | Measure::Sum => {
            Values::Whole(0, 0)
        }
        measure if measure.ty() == Type::Double => Values::Ratio(1.0, 0.0),
        _ => Values::Whole(1, 0),
    }
}

/// What a cell can hold. A sort that is not named here can hold anything of its type that is not
/// below zero, which every sum, count and time is.
fn feature(feature: &StateFeature, ty: Type) -> Values {
    use StateFeature as F;
    match feature {
        F::TopShare(..) => Values::Ratio(0.0, 1.0),
        F::Dwell(view) => Values::Whole(0, i128::from(view.window_ms)),
        F::Max(_) | F::Min(_) => Values::Whole(1, i128::from(limits::AMOUNT_MINOR_MAX)),
        F::PairAgeDays => Values::Whole(0, i128::from(limits::PAIR_DAYS)),
        F::Count(_) | F::Counterparties(_) => Values::Whole(0, limits::LEDGER_ENTRIES_MAX as i128),
        _ => match ty {
            Type::Int | Type::Money | Type::Duration => Values::Whole(0, MOST),
            Type::Double => Values::Ratio(0.0, f64::INFINITY),
            Type::Bool | Type::Enum => Values::unknown(ty),
        },
    }
}
