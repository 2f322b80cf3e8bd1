//! Our plan against an independent implementation of CEL, on generated expressions and rows; and
//! properties of the compiler itself.
//!
//! The same text is parsed, checked, lowered and run by us, and parsed and interpreted by the `cel`
//! crate. The correspondence:
//!
//! | ours | there |
//! |---|---|
//! | a whole number | an integer |
//! | an amount | its minor units, an integer |
//! | a duration | its milliseconds, an integer |
//! | a ratio | a double |
//! | a word | a string |
//! | yes/no | a boolean |
//! | a missing value | a key or variable that is not there, or a function that fails |
//! | not evaluable | any error of evaluation: overflow, division by zero, nothing there |
//!
//! Records are maps; a function of a record is a function that finds the value under the call's
//! own name. CEL has no word for four things of ours, which are therefore written as calls there:
//! `has` of what is not a field (`has(row.x)`), a fraction of an amount (`scaled(a, millionths)`),
//! and the two divisions that give a ratio (`quotient(a, b)`: CEL's doubles divide by zero).

mod leaves;
mod properties;
mod second;
mod write;

use goshawk::rules::plan::Plan;
use goshawk::rules::plan::program::{CellRef, MISSING, Node, Row, Type, cell_double, double_cell};
use goshawk::rules::plan::view::Role;
use goshawk::rules::plan::{Piece, RulePlan};
use goshawk::rules::{SourceFile, compile, shipped};

use crate::oracle::streams::Random;
use leaves::Leaf;
use write::Written;

/// Expressions of one generated rule.
const EXPRESSIONS: usize = 12;
/// Rows that one rule is tried on.
const ROWS: usize = 10;

/// How often what came out, so that a run that proves nothing shows.
#[derive(Debug, Default)]
struct Tally {
    yes: usize,
    no: usize,
    values: usize,
    not_evaluable: usize,
}

#[test]
fn the_plan_agrees_with_another_implementation() {
    let all = leaves::all();
    let rules = seeds(400);
    let many = rules.len() >= 400;
    let mut tally = Tally::default();
    for seed in rules {
        compare(seed, &all, &mut tally);
    }
    // A single seed is run to look at it, not to prove anything.
    if many {
        assert!(tally.yes > 1_000 && tally.no > 1_000, "{tally:?}");
        assert!(tally.values > 5_000 && tally.not_evaluable > 5_000, "{tally:?}");
    }
}

fn seeds(usual: u64) -> Vec<u64> {
    let number = |name| std::env::var(name).ok().map(|v| v.parse().expect("a number of seeds"));
    match (number("GOSHAWK_SEED"), number("GOSHAWK_SEEDS")) {
        (Some(one), _) => vec![one],
        (None, Some(many)) => (0..many).collect(),
        (None, None) => (0..usual).collect(),
    }
}

fn compare(seed: u64, all: &[Leaf], tally: &mut Tally) {
    let mut random = Random::new(seed);
    let leaves = leaves::some(&mut random, all);
    let written = write::expressions(&mut random, &leaves, EXPRESSIONS);
    let text = rule_text(&leaves, &written);
    let plan = match compile(&pack(&text)) {
        Ok(plan) => plan,
        Err(defects) => panic!("seed {seed}: {:#?}\n{text}", &defects[..1]),
    };
    let shown = shown(&plan.rules[0]);
    assert_eq!(shown.len(), leaves.len() + written.len(), "seed {seed}");
    let cells: Vec<CellRef> =
        shown[..leaves.len()].iter().map(|(id, ..)| cell(&plan, *id)).collect();
    for number in 0..ROWS {
        let values: Vec<i64> = leaves.iter().map(|leaf| value(&mut random, leaf)).collect();
        let row = OwnRow::new(&plan, &cells, &values);
        let second = second::Context::new(&leaves, &values);
        for (expression, (id, ty, words)) in written.iter().zip(&shown[leaves.len()..]) {
            let ours = plan.program.eval(*id, &row.row());
            let theirs = second.evaluate(&expression.cel);
            count(tally, *ty, ours);
            assert!(
                second::agree(*ty, *words, ours, &theirs),
                "seed {seed}, row {number}: ours {ours} ({ty:?}), theirs {theirs:?}\n  {}\n  {}\n  {:?}",
                expression.ours,
                expression.cel,
                leaves.iter().map(|leaf| &leaf.text).zip(&values).collect::<Vec<_>>(),
            );
        }
    }
}

fn count(tally: &mut Tally, ty: Type, cell: i64) {
    match (ty, cell) {
        (_, MISSING) => tally.not_evaluable += 1,
        (Type::Bool, 0) => tally.no += 1,
        (Type::Bool, _) => tally.yes += 1,
        _ => tally.values += 1,
    }
}

/// Expressions that a rule's text shows, in order.
fn shown(
    rule: &RulePlan,
) -> Vec<(goshawk::rules::plan::program::ExprId, Type, Option<&'static [&'static str]>)> {
    let value = |piece: &Piece| match piece {
        Piece::Value { expr, ty, words } => Some((*expr, *ty, *words)),
        Piece::Literal(_) => None,
    };
    rule.text.zh.iter().filter_map(value).collect()
}

fn cell(plan: &Plan, id: goshawk::rules::plan::program::ExprId) -> CellRef {
    match &plan.program.nodes[id.0 as usize] {
        Node::Load(at) => *at,
        other => panic!("a leaf that is not a cell: {other:?}"),
    }
}

/// The policy and guards of the shipped pack, with one rule beside them.
fn pack(rule: &str) -> Vec<SourceFile> {
    let kept = |file: &SourceFile| ["policy.toml", "guards.toml"].contains(&file.path.as_str());
    let mut files: Vec<SourceFile> = shipped::files().into_iter().filter(kept).collect();
    files.push(SourceFile { path: "generated.toml".to_owned(), text: rule.to_owned() });
    files
}

/// A rule that shows every leaf and every expression.
fn rule_text(leaves: &[Leaf], written: &[Written]) -> String {
    let mut features = String::new();
    let mut shown = String::new();
    for (index, leaf) in leaves.iter().enumerate() {
        features += &format!("x{index} = '''{}'''\n", leaf.text);
        shown += &format!("{{x{index}}} ");
    }
    for (index, expression) in written.iter().enumerate() {
        features += &format!("e{index} = '''{}'''\n", expression.ours);
        shown += &format!("{{e{index}}} ");
    }
    let params: String =
        write::PARAMS.iter().map(|(name, written, _)| format!("{name} = {written}\n")).collect();
    let mut text = format!(
        "id = \"T01\"\nname = \"generated\"\nversion = \"1\"\ncode = \"GENERATED\"\n\
         title = {{ zh = \"甲\", en = \"a\" }}\nfamily = \"flow\"\nweight = 1\n\
         phases = [\"post\"]\nsubject = \"payer\"\n\
         target = {{ held = \"payer\", settled = \"payer\" }}\n\n\
         [params]\n{params}\n[features]\n{features}\n[when]\nalert = 'payment.own_transfer'\n\n\
         [text]\nzh = '''{shown}'''\nen = 'a'\n"
    );
    for (number, expect) in ["\"10:00 T01 A\"", "\"10:00 T01 A\"", "", ""].iter().enumerate() {
        text += &format!(
            "\n[[examples]]\nname = \"n{number}\"\ngiven = '10:00 A -> B 1'\nexpect = [{expect}]\n"
        );
    }
    text
}

/// A value for a leaf: missing, at an edge, or anything.
fn value(random: &mut Random, leaf: &Leaf) -> i64 {
    if random.chance(18) {
        return MISSING;
    }
    match leaf.ty {
        Type::Bool => random.between(0, 1),
        Type::Enum => random.between(0, leaf.words.map_or(0, |w| w.len() as i64 - 1)),
        Type::Double => double_cell(random.pick(&[0.0, 0.25, 0.9, 1.0, 3.5, 1_234.5])),
        // Far outside, so that sums and products overflow; never the number that means missing.
        _ if random.chance(12) => random.pick(&[1, -1]) * ((1 << 62) + 12_345),
        Type::Int => random.between(-3, 12),
        Type::Money => random.pick(&[0, 1, 99, 500_000, 1_000_000]) + random.between(0, 2),
        Type::Duration => random.pick(&[0, 1_000, 90_000, 600_000]) + random.between(0, 2),
    }
}

/// The row that holds the leaves' values.
struct OwnRow {
    payment: Vec<i64>,
    parts: [Vec<i64>; Role::COUNT],
    signals: Vec<i64>,
}

impl OwnRow {
    fn new(plan: &Plan, cells: &[CellRef], values: &[i64]) -> Self {
        let mut row = Self {
            payment: vec![MISSING; plan.payment.len()],
            parts: Role::ALL.map(|role| vec![MISSING; plan.parts[role as usize].features.len()]),
            signals: vec![MISSING; plan.signals.len()],
        };
        for (at, value) in cells.iter().zip(values) {
            match at {
                CellRef::Payment(index) => row.payment[usize::from(*index)] = *value,
                CellRef::Signal(index) => row.signals[usize::from(*index)] = *value,
                CellRef::State(role, index) => {
                    row.parts[*role as usize][usize::from(*index)] = *value;
                }
            }
        }
        row
    }

    fn row(&self) -> Row<'_> {
        let parts = Role::ALL.map(|r| self.parts[r as usize].as_slice());
        Row { payment: &self.payment, parts, signals: &self.signals }
    }
}

#[test]
fn a_wrong_answer_would_show() {
    let double = |x: f64| Ok(cel::Value::Float(x));
    assert!(second::agree(Type::Double, None, double_cell(0.5), &double(0.5)));
    assert!(!second::agree(Type::Double, None, double_cell(0.5), &double(0.5000001)));
    assert!(!second::agree(Type::Int, None, MISSING, &Ok(cel::Value::Int(0))));
    assert!(!second::agree(Type::Bool, None, 1, &Ok(cel::Value::Bool(false))));
    assert!(!second::agree(Type::Enum, Some(&["a", "b"]), 0, &Ok("b".into())));
    assert_eq!(cell_double(double_cell(-0.0)).to_bits(), 0.0f64.to_bits());
}
