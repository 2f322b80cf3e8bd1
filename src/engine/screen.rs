//! One conjunct of a condition, tried before the rest is computed. The usual ones compare a cell
//! with a constant and need no walk over a tree.

use super::rule_set::RuleSet;
use crate::rules::plan::program::{
    CellRef, CompareOp, ExprId, MISSING, Node, Program, Row, cell_double, double_cell,
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
    pub fn try_with(&self, program: &Program, known: Known<'_>) -> Outcome {
        let load = |cell: CellRef| load(known, cell);
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
                let (payment, role, own) = known;
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

/// Screens with the rules that need them. Those that compare one cell with different limits are
/// one question: which limits does it miss?
#[derive(Debug, Default, Clone)]
pub(super) struct Screens {
    ladders: Vec<Ladder>,
    others: Vec<(Screen, RuleSet)>,
}

/// Comparisons of one cell by one operator.
#[derive(Debug, Clone)]
struct Ladder {
    cell: CellRef,
    op: CompareOp,
    is_double: bool,
    /// Limits in order, with the rules that need them.
    rungs: Vec<(i64, RuleSet)>,
    /// Rules of every rung.
    all: RuleSet,
    /// By number of rungs: the rules of those below, or from there on, whichever such a number
    /// closes.
    closed: Vec<RuleSet>,
}

/// The part of a row that is there: the payment's, and one role's.
pub(super) type Known<'a> = (&'a [i64], Role, &'a [i64]);

fn load((payment, _, own): Known<'_>, cell: CellRef) -> i64 {
    match cell {
        CellRef::Payment(index) => payment[usize::from(index)],
        CellRef::State(_, index) => own[usize::from(index)],
        // Never asked here: what reads signals is tried last, by the act phase.
        CellRef::Signal(_) => MISSING,
    }
}

impl Screens {
    /// Adds a screen of a rule; `words` is the length of the plan's sets.
    pub fn add(&mut self, screen: Screen, rule: u16, words: usize) {
        let (op, cell, limit, is_double) = match screen {
            Screen::Compare(op, cell, limit) => (op, cell, limit, false),
            Screen::CompareDouble(op, cell, limit) => (op, cell, double_cell(limit), true),
            _ => return self.add_other(screen, rule, words),
        };
        if matches!(op, CompareOp::Eq | CompareOp::Ne) {
            return self.add_other(screen, rule, words);
        }
        let known =
            self.ladders.iter().position(|l| (l.cell, l.op, l.is_double) == (cell, op, is_double));
        let at = known.unwrap_or_else(|| {
            let (rungs, closed) = (Vec::new(), Vec::new());
            let all = RuleSet::none(words);
            self.ladders.push(Ladder { cell, op, is_double, rungs, all, closed });
            self.ladders.len() - 1
        });
        self.ladders[at].add(limit, rule, words);
    }

    fn add_other(&mut self, screen: Screen, rule: u16, words: usize) {
        let known = self.others.iter().position(|(known, _)| *known == screen);
        let at = known.unwrap_or_else(|| {
            self.others.push((screen, RuleSet::none(words)));
            self.others.len() - 1
        });
        self.others[at].1.insert(rule);
    }

    /// Closes the open rules that a screen fails; those of which a screen is missing are added to
    /// `lacking`, closed by another or not.
    #[inline]
    pub fn close(
        &self,
        program: &Program,
        known: Known<'_>,
        open: &mut [u64],
        mut lacking: Option<&mut [u64]>,
    ) {
        for ladder in &self.ladders {
            if !ladder.all.meets(open) {
                continue;
            }
            match load(known, ladder.cell) {
                MISSING => {
                    if let Some(lacking) = &mut lacking {
                        ladder.all.open(lacking);
                    }
                }
                value => ladder.closed[ladder.reached(value)].close(open),
            }
        }
        for (screen, rules) in &self.others {
            if !rules.meets(open) {
                continue;
            }
            match screen.try_with(program, known) {
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

impl Ladder {
    fn add(&mut self, limit: i64, rule: u16, words: usize) {
        let at = self.rungs.partition_point(|(known, _)| self.is_below(*known, limit));
        if self.rungs.get(at).is_none_or(|(known, _)| *known != limit) {
            self.rungs.insert(at, (limit, RuleSet::none(words)));
        }
        self.rungs[at].1.insert(rule);
        self.all.insert(rule);
        let needs_more = matches!(self.op, CompareOp::Ge | CompareOp::Gt);
        self.closed = (0..=self.rungs.len())
            .map(|reached| {
                let missed =
                    if needs_more { &self.rungs[reached..] } else { &self.rungs[..reached] };
                let mut rules = RuleSet::none(words);
                missed.iter().for_each(|(_, of_rung)| rules.join(of_rung));
                rules
            })
            .collect();
    }

    fn is_below(&self, a: i64, b: i64) -> bool {
        if self.is_double { cell_double(a) < cell_double(b) } else { a < b }
    }

    /// How many rungs a value has reached: passed, or stands on where that is enough to hold
    /// (`>=`) or to fail (`<`).
    fn reached(&self, value: i64) -> usize {
        match self.op {
            CompareOp::Ge | CompareOp::Lt => {
                self.rungs.partition_point(|(limit, _)| !self.is_below(value, *limit))
            }
            _ => self.rungs.partition_point(|(limit, _)| self.is_below(*limit, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit() -> impl Strategy<Value = i64> {
        prop_oneof![-3i64..4, Just(MISSING)]
    }

    proptest! {
        /// Many rules closed together are the rules that fail one by one.
        #[test]
        fn a_ladder_closes_what_its_comparisons_close(
            tests in prop::collection::vec((0usize..6, 0u16..3, -3i64..4, any::<bool>()), 1..150),
            cells in prop::array::uniform3(limit()),
        ) {
            use CompareOp::{Eq, Ge, Gt, Le, Lt, Ne};
            let words = RuleSet::words(tests.len());
            let mut screens = Screens::default();
            let program = Program::default();
            let doubles = cells.map(|c| if c == MISSING { c } else { double_cell(c as f64 / 2.0) });
            let payment = [cells, doubles].concat();
            let known = (&payment[..], Role::Payer, &[][..]);
            let (mut open, mut lacking) = (vec![0; words], vec![0; words]);
            let (mut want_open, mut want_lacking) = (open.clone(), open.clone());
            for (rule, (op, cell, limit, is_double)) in (0u16..).zip(tests) {
                let op = [Eq, Ne, Lt, Le, Gt, Ge][op];
                let screen = if is_double {
                    Screen::CompareDouble(op, CellRef::Payment(cell + 3), limit as f64 / 2.0)
                } else {
                    Screen::Compare(op, CellRef::Payment(cell), limit)
                };
                screens.add(screen, rule, words);
                let mut one = RuleSet::none(words);
                one.insert(rule);
                one.open(&mut open);
                let outcome = screen.try_with(&program, known);
                if outcome != Outcome::False {
                    one.open(&mut want_open);
                }
                if outcome == Outcome::Missing {
                    one.open(&mut want_lacking);
                }
            }
            screens.close(&program, known, &mut open, Some(&mut lacking));
            prop_assert_eq!(open, want_open);
            prop_assert_eq!(lacking, want_lacking);
        }
    }
}
