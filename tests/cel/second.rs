//! The other implementation: the `cel` crate, with the records and functions of the language as it
//! can be told them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cel::extractors::{Arguments, This};
use cel::{ExecutionError, Program, Value};
use goshawk::rules::catalogue::{MEMBERS, RECORDS};
use goshawk::rules::plan::program::{MISSING, Type, cell_double};

use super::leaves::Leaf;
use super::write::PARAMS;

type Outcome = Result<Value, ExecutionError>;

/// What a call by a name gives: `None` for a value that is missing.
type Calls = Arc<BTreeMap<String, Option<Value>>>;

/// A row as the other implementation sees it.
pub struct Context {
    inner: cel::Context<'static, 'static>,
}

impl Context {
    /// The row that gives each leaf its value.
    pub fn new(leaves: &[Leaf], values: &[i64]) -> Self {
        let mut calls = BTreeMap::new();
        let mut records: BTreeMap<&str, HashMap<String, Value>> = BTreeMap::new();
        for (word, ..) in RECORDS {
            records.entry(word).or_default().insert(String::new(), (*word).into());
        }
        let mut row: HashMap<String, Value> = HashMap::new();
        for (index, (leaf, cell)) in leaves.iter().zip(values).enumerate() {
            let value = value_of(leaf.ty, leaf.words, *cell);
            if let Some(value) = &value {
                row.insert(format!("x{index}"), value.clone());
            }
            match (&leaf.field, value) {
                (None, value) => drop(calls.insert(leaf.call.clone(), value)),
                (Some((record, name)), Some(value)) => {
                    records.entry(record).or_default().insert((*name).to_owned(), value);
                }
                (Some(_), None) => {}
            }
        }
        let mut inner = with_functions(Arc::new(calls));
        for (name, value) in &row {
            inner.add_variable_from_value(name.as_str(), value.clone());
        }
        inner.add_variable_from_value("row", row);
        for (word, fields) in records {
            inner.add_variable_from_value(word, fields);
        }
        let params: HashMap<String, Value> =
            PARAMS.iter().map(|(name, _, value)| ((*name).to_owned(), (*value).into())).collect();
        inner.add_variable_from_value("params", params);
        Self { inner }
    }

    /// Evaluates a text.
    pub fn evaluate(&self, text: &str) -> Outcome {
        let program = Program::compile(text).unwrap_or_else(|e| panic!("{e}\n  {text}"));
        program.execute(&self.inner)
    }
}

/// The name under which a call is found.
pub fn name_of(text: &str) -> String {
    let mut inner = with_functions(Calls::default());
    for (word, ..) in RECORDS {
        let fields = HashMap::from([(String::new(), Value::from(*word))]);
        inner.add_variable_from_value(*word, fields);
    }
    let program = Program::compile(text).unwrap_or_else(|e| panic!("{e}\n  {text}"));
    match program.execute(&inner) {
        Ok(Value::String(name)) => name.to_string(),
        other => panic!("`{text}` has no name: {other:?}"),
    }
}

fn with_functions(calls: Calls) -> cel::Context<'static, 'static> {
    let mut inner = cel::Context::default();
    let members = MEMBERS.iter().filter(|m| m.args.is_some()).map(|m| m.name);
    for name in members.chain(["max", "min"]).collect::<std::collections::BTreeSet<_>>() {
        let calls = Arc::clone(&calls);
        let function = move |This(this): This<Value>, Arguments(args): Arguments| -> Outcome {
            call(&calls, name, &this, &args)
        };
        inner.add_function(name, function).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    inner.add_function("money", |text: Arc<String>| minor(&text)).expect("a free name");
    inner.add_function("duration", |text: Arc<String>| milliseconds(&text)).expect("a free name");
    inner.add_function("scaled", scaled).expect("a free name");
    inner.add_function("quotient", quotient).expect("a free name");
    inner
}

/// A function of a record, or one that stands alone (`max`, `min`).
fn call(calls: &Calls, name: &str, this: &Value, args: &[Value]) -> Outcome {
    let path = match this {
        Value::String(path) => path.to_string(),
        Value::Map(map) => match map.get(&cel::objects::Key::from("")) {
            Some(Value::String(path)) => path.to_string(),
            other => return Err(ExecutionError::function_error(name, format!("{other:?}"))),
        },
        _ => {
            return match name {
                "max" => cel::functions::max(Arguments(Arc::new(args.to_vec()))),
                "min" => cel::functions::min(Arguments(Arc::new(args.to_vec()))),
                _ => Err(ExecutionError::function_error(name, "not a record")),
            };
        }
    };
    let called = format!("{path}.{name}({args:?})");
    match calls.get(&called) {
        Some(Some(value)) => Ok(value.clone()),
        Some(None) => Err(ExecutionError::function_error(name, "missing")),
        None => Ok(called.into()),
    }
}

fn minor(text: &str) -> i64 {
    let (yuan, fen) = text.split_once('.').expect("two digits after the point");
    yuan.parse::<i64>().expect("digits") * 100 + fen.parse::<i64>().expect("digits")
}

fn milliseconds(text: &str) -> i64 {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        unit => panic!("unit {unit}"),
    };
    digits.parse::<i64>().expect("digits") * factor
}

/// An amount times millionths, rounded down.
fn scaled(minor: i64, millionths: i64) -> Outcome {
    let product = i128::from(minor) * i128::from(millionths);
    let down = product / 1_000_000 - i128::from(product % 1_000_000 < 0);
    let error = |_| ExecutionError::function_error("scaled", "overflow");
    i64::try_from(down).map(Value::Int).map_err(error)
}

fn quotient(a: f64, b: f64) -> Outcome {
    if b == 0.0 {
        return Err(ExecutionError::function_error("quotient", "division by zero"));
    }
    Ok(Value::Float(a / b))
}

fn value_of(ty: Type, words: Option<&'static [&'static str]>, cell: i64) -> Option<Value> {
    if cell == MISSING {
        return None;
    }
    Some(match ty {
        Type::Bool => Value::Bool(cell == 1),
        Type::Int | Type::Money | Type::Duration => Value::Int(cell),
        Type::Double => Value::Float(cell_double(cell)),
        Type::Enum => words.expect("a word has words")[cell as usize].into(),
    })
}

/// Whether both say the same: the same value, or both that there is none.
pub fn agree(
    ty: Type,
    words: Option<&'static [&'static str]>,
    ours: i64,
    theirs: &Outcome,
) -> bool {
    match (value_of(ty, words, ours), theirs) {
        (None, Err(_)) => true,
        (Some(Value::Float(a)), Ok(Value::Float(b))) => a == *b,
        (Some(Value::Int(a)), Ok(Value::Int(b))) => a == *b,
        (Some(Value::Bool(a)), Ok(Value::Bool(b))) => a == *b,
        (Some(Value::String(a)), Ok(Value::String(b))) => a == *b,
        _ => false,
    }
}
