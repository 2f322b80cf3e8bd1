//! From expressions to program nodes, checking types on the way. Every error is reported at the
//! place of the part that is wrong; a part that is wrong has no operand, and what rests on it stays
//! silent.

use std::ops::Range;

use super::cells::Builder;
use super::literal;
use super::operand::{Operand, Typed};
use super::scope::{Scope, constant, parse_at};
use crate::limits;
use crate::model::money::{Currency, parse_decimal};
use crate::rules::catalogue::{self, FUNCTIONS, WordSet, type_word};
use crate::rules::diagnostics::{Sink, did_you_mean, meant_or_list};
use crate::rules::document::Text;
use crate::rules::expr::{Expr, Kind};
use crate::rules::plan::program::{
    ArithmeticOp, CompareOp, ExprId, MISSING, Node, Type, double_cell,
};

/// Lowers the expressions of one rule or guard.
pub(super) struct Lowering<'a, 'f> {
    pub(super) builder: &'a mut Builder,
    pub(super) scope: &'a mut Scope,
    pub(super) sink: &'a mut Sink<'f>,
    pub(super) currency: Currency,
    /// The text whose expression is being lowered.
    pub(super) text: Text,
    /// Features that may be named: a feature sees those above it.
    pub(super) visible: usize,
}

impl Lowering<'_, '_> {
    /// Lowers a condition.
    pub(super) fn condition(&mut self, text: &Text) -> Option<(ExprId, Expr)> {
        self.text = text.clone();
        let expr = parse_at(text, self.sink)?;
        let value = self.value(&expr)?;
        if value.ty != Type::Bool {
            let message = format!("a condition must be yes or no, this is {}", type_word(value.ty));
            return self.fail(&expr.span, message, "not a condition", None);
        }
        self.within_depth(value.id)?;
        Some((value.id, expr))
    }

    fn within_depth(&mut self, id: ExprId) -> Option<()> {
        let most = limits::PROGRAM_DEPTH_MAX;
        if self.builder.depth(id) <= most {
            return Some(());
        }
        let message = format!("with the features it names, this is deeper than {most} levels");
        self.fail(&(0..self.text.value.len()), message, "too deep", None)
    }

    pub(super) fn fail<T>(
        &mut self,
        span: &Range<usize>,
        message: impl Into<String>,
        label: impl Into<String>,
        hint: Option<String>,
    ) -> Option<T> {
        let place = self.text.place(span.clone());
        self.sink.report(self.text.file, place, message, label, hint);
        None
    }

    /// Lowers an expression that must be a value.
    pub(super) fn value(&mut self, expr: &Expr) -> Option<Typed> {
        match self.operand(expr)? {
            Operand::Value(value) => Some(value),
            other => {
                let message = format!("{} is not a value", other.describe());
                let hint = other.owner().map(|(owner, _)| {
                    let names: Vec<&str> = catalogue::names(owner).collect();
                    format!("go on with one of: {}", names.join(", "))
                });
                self.fail(&expr.span, message, "not a value", hint)
            }
        }
    }

    pub(super) fn operand(&mut self, expr: &Expr) -> Option<Operand> {
        let span = &expr.span;
        match &expr.kind {
            Kind::Bool(value) => Some(constant(self.builder, Type::Bool, i64::from(*value), None)),
            Kind::Int(value) if *value == MISSING => {
                self.fail(span, "the number is out of range", "too small", None)
            }
            Kind::Int(value) => {
                let millionths = value.checked_mul(1_000_000);
                Some(constant(self.builder, Type::Int, *value, millionths))
            }
            Kind::Fraction(raw) => match raw.parse::<f64>() {
                Ok(value) if value.is_finite() => {
                    let millionths = literal::millionths(raw);
                    Some(constant(self.builder, Type::Double, double_cell(value), millionths))
                }
                _ => self.fail(span, "not a fractional number", "here", None),
            },
            Kind::Text(value) => Some(Operand::Text(value.clone())),
            Kind::List(items) => {
                let lowered: Vec<Option<(Operand, Range<usize>)>> = items
                    .iter()
                    .map(|item| Some((self.operand(item)?, item.span.clone())))
                    .collect();
                Some(Operand::List(lowered.into_iter().collect::<Option<Vec<_>>>()?))
            }
            Kind::Name(name) => self.name(name, span),
            Kind::Field { on, name } => self.member(on, name, None, span),
            Kind::Call { on: Some(on), name, args } => self.member(on, name, Some(args), span),
            Kind::Call { on: None, name, args } => self.function(name, args, span),
            Kind::Not(a) => {
                let a = self.boolean(a)?;
                Some(self.plain(Type::Bool, Node::Not(a)))
            }
            Kind::And(a, b) => {
                let (a, b) = (self.boolean(a), self.boolean(b));
                Some(self.plain(Type::Bool, Node::And(a?, b?)))
            }
            Kind::Or(a, b) => {
                let (a, b) = (self.boolean(a), self.boolean(b));
                Some(self.plain(Type::Bool, Node::Or(a?, b?)))
            }
            Kind::Compare(op, a, b) => self.compare(*op, a, b, span),
            Kind::Arithmetic(op, a, b) => self.arithmetic(*op, a, b, span),
            Kind::In(a, b) => self.is_in(a, b),
            Kind::If(c, a, b) => {
                let (c, a, b) = (self.boolean(c), self.value(a), self.value(b));
                let (c, a, b) = (c?, a?, b?);
                if (a.ty, a.words) != (b.ty, b.words) {
                    let message = format!(
                        "both outcomes must have one type, these are {} and {}",
                        type_word(a.ty),
                        type_word(b.ty)
                    );
                    return self.fail(span, message, "two types", None);
                }
                let id = self.builder.add(Node::If(c, a.id, b.id));
                Some(Operand::Value(Typed { id, constant: None, millionths: None, ..a }))
            }
        }
    }

    /// A computed value.
    pub(super) fn plain(&mut self, ty: Type, node: Node) -> Operand {
        let id = self.builder.add(node);
        Operand::Value(Typed { ty, id, words: None, constant: None, millionths: None })
    }

    fn boolean(&mut self, expr: &Expr) -> Option<ExprId> {
        let value = self.value(expr)?;
        if value.ty == Type::Bool {
            return Some(value.id);
        }
        let message = format!("expected yes or no, found {}", type_word(value.ty));
        self.fail(
            &expr.span,
            message,
            "not yes or no",
            Some("compare it with something".to_owned()),
        )
    }

    fn name(&mut self, name: &str, span: &Range<usize>) -> Option<Operand> {
        if name == "params" {
            return Some(Operand::Params);
        }
        let found = self.scope.features[..self.visible].iter().position(|f| f.name == name);
        if let Some(index) = found {
            return self.feature(index);
        }
        if let Some((_, owner, role)) = catalogue::RECORDS.iter().find(|(word, ..)| *word == name) {
            return Some(Operand::Record(*owner, *role));
        }
        let hint = if self.scope.features.iter().any(|f| f.name == name) {
            Some("a feature can only use features above it".to_owned())
        } else if self.scope.params.contains_key(name) {
            Some(format!("write `params.{name}`"))
        } else {
            let features = self.scope.features[..self.visible].iter().map(|f| f.name.as_str());
            let records = catalogue::RECORDS.iter().map(|(word, ..)| *word);
            did_you_mean(name, features.chain(records))
        };
        self.fail(span, format!("unknown name `{name}`"), "not known here", hint)
    }

    /// The operand of a named feature.
    pub(super) fn feature(&mut self, index: usize) -> Option<Operand> {
        self.scope.features[index].used = true;
        self.lower_feature(index)
    }

    /// Lowers a feature, once.
    pub(super) fn lower_feature(&mut self, index: usize) -> Option<Operand> {
        if let Some(lowered) = &self.scope.features[index].lowered {
            return lowered.clone();
        }
        let expr = self.scope.features[index].expr.clone();
        let text = self.scope.features[index].text.clone();
        let outer_text = std::mem::replace(&mut self.text, text);
        let outer_visible = std::mem::replace(&mut self.visible, index);
        let lowered = expr.and_then(|expr| {
            let value = self.value(&expr)?;
            self.within_depth(value.id)?;
            Some(Operand::Value(value))
        });
        self.text = outer_text;
        self.visible = outer_visible;
        self.scope.features[index].lowered = Some(lowered.clone());
        lowered
    }

    fn function(&mut self, name: &str, args: &[Expr], span: &Range<usize>) -> Option<Operand> {
        match (name, args) {
            ("has", [x]) => {
                let x = self.value(x)?;
                Some(self.plain(Type::Bool, Node::Has(x.id)))
            }
            ("max", [a, b]) => self.arithmetic(ArithmeticOp::Max, a, b, span),
            ("min", [a, b]) => self.arithmetic(ArithmeticOp::Min, a, b, span),
            ("money", [Expr { kind: Kind::Text(text), .. }]) => {
                match parse_decimal(text, self.currency.exponent()) {
                    Ok(minor) => Some(constant(self.builder, Type::Money, minor, None)),
                    Err(error) => self.fail(span, format!("not an amount: {error}"), "here", None),
                }
            }
            ("duration", [Expr { kind: Kind::Text(text), .. }])
                if literal::working_days(text).is_some() =>
            {
                literal::working_days(text).map(Operand::WorkingDays)
            }
            ("duration", [Expr { kind: Kind::Text(text), .. }]) => match literal::duration(text) {
                Some(ms) => Some(constant(self.builder, Type::Duration, ms, None)),
                None => {
                    let hint = "durations look like '10m', '24h', '7d'".to_owned();
                    self.fail(span, format!("`{text}` is not a duration"), "here", Some(hint))
                }
            },
            _ => match FUNCTIONS.iter().find(|(known, ..)| *known == name) {
                Some((_, signature, ..)) => {
                    let message = format!("wrong arguments for `{name}`");
                    self.fail(span, message, format!("it is {signature}"), None)
                }
                None => {
                    let hint = meant_or_list(name, FUNCTIONS.iter().map(|(word, ..)| *word));
                    self.fail(span, format!("unknown function `{name}`"), "not known", Some(hint))
                }
            },
        }
    }

    fn compare(
        &mut self,
        op: CompareOp,
        left: &Expr,
        right: &Expr,
        span: &Range<usize>,
    ) -> Option<Operand> {
        let (a, b) = (self.operand(left), self.operand(right));
        let (a, b) = (a?, b?);
        let (a, b) = match (a, b) {
            (Operand::Value(value), Operand::Text(word)) => {
                let word = self.word(&value, &word, &right.span)?;
                (value, word)
            }
            (Operand::Text(word), Operand::Value(value)) => {
                let word = self.word(&value, &word, &left.span)?;
                (word, value)
            }
            (Operand::Value(a), Operand::Value(b)) => (a, b),
            (a, b) => {
                let (a, b) = (a.describe(), b.describe());
                return self.fail(span, format!("cannot compare {a} with {b}"), "here", None);
            }
        };
        if a.ty != b.ty || a.words != b.words {
            return self.mixed("compare", &a, &b, span);
        }
        if matches!(a.ty, Type::Bool | Type::Enum) && !matches!(op, CompareOp::Eq | CompareOp::Ne) {
            let message = format!("{} has no order", type_word(a.ty));
            return self.fail(span, message, "compare with == or !=", None);
        }
        let node = match a.ty {
            Type::Double => Node::CompareDouble(op, a.id, b.id),
            _ => Node::Compare(op, a.id, b.id),
        };
        Some(self.plain(Type::Bool, node))
    }

    /// A string as a word of the set that `of` belongs to.
    fn word(&mut self, of: &Typed, word: &str, span: &Range<usize>) -> Option<Typed> {
        let Some(set) = of.words else {
            let message = format!("cannot compare {} with a string", type_word(of.ty));
            let hint = match of.ty {
                Type::Money => Some(format!("write money('{word}') or a parameter with a unit")),
                Type::Duration => Some(format!("write duration('{word}')")),
                _ => None,
            };
            return self.fail(span, message, "a string", hint);
        };
        let number = self.word_number(set, word, span)?;
        let id = self.builder.add(Node::Constant(number));
        Some(Typed { id, constant: Some(number), ..*of })
    }

    /// Number of a word in its set.
    pub(super) fn word_number(
        &mut self,
        set: WordSet,
        word: &str,
        span: &Range<usize>,
    ) -> Option<i64> {
        if let Some(number) = set.words().iter().position(|w| *w == word) {
            return Some(number as i64);
        }
        let hint = meant_or_list(word, set.words().iter().copied());
        let message = format!("`{word}` is not a known {}", set.title());
        self.fail(span, message, "unknown word", Some(hint))
    }

    fn mixed<T>(&mut self, verb: &str, a: &Typed, b: &Typed, span: &Range<usize>) -> Option<T> {
        let hint = match (a.ty, b.ty) {
            (Type::Money, Type::Int | Type::Double) | (Type::Int | Type::Double, Type::Money) => {
                Some("write money('…') or a parameter with a unit".to_owned())
            }
            (Type::Double, Type::Int) | (Type::Int, Type::Double) => {
                Some("write the number with a decimal point, as 1.0".to_owned())
            }
            (Type::Duration, _) | (_, Type::Duration) => {
                Some("write duration('…') or a parameter such as \"10m\"".to_owned())
            }
            _ => None,
        };
        let (a, b) = (Operand::Value(*a).describe(), Operand::Value(*b).describe());
        self.fail(span, format!("cannot {verb} {a} with {b}"), "two different units", hint)
    }

    fn is_in(&mut self, left: &Expr, right: &Expr) -> Option<Operand> {
        let value = self.value(left);
        let list = self.operand(right);
        let (value, list) = (value?, list?);
        let Operand::List(items) = list else {
            let message = format!("`in` needs a list, this is {}", list.describe());
            return self.fail(&right.span, message, "not a list", None);
        };
        let mut cells = Vec::new();
        for (item, span) in items {
            // Words of a parameter have no place here: point at the list.
            let span = if span.is_empty() { right.span.clone() } else { span };
            match (item, value.words) {
                (Operand::Text(word), Some(set)) => {
                    cells.push(self.word_number(set, &word, &span)?);
                }
                (Operand::Value(item), None) if item.ty == value.ty && value.ty == Type::Int => {
                    cells.extend(item.constant);
                }
                (item, _) => {
                    let message = format!(
                        "the list holds {}, the value is {}",
                        item.describe(),
                        Operand::Value(value).describe()
                    );
                    return self.fail(&span, message, "another type", None);
                }
            }
        }
        cells.sort_unstable();
        cells.dedup();
        Some(self.plain(Type::Bool, Node::In(value.id, cells)))
    }

    fn arithmetic(
        &mut self,
        op: ArithmeticOp,
        left: &Expr,
        right: &Expr,
        span: &Range<usize>,
    ) -> Option<Operand> {
        let (a, b) = (self.value(left), self.value(right));
        let (a, b) = (a?, b?);
        use ArithmeticOp::{Add, Div, Max, Min, Mul, Sub};
        match (op, a.ty, b.ty) {
            (Mul, Type::Money, Type::Int | Type::Double) => self.scale(&a, &b, &right.span),
            (Mul, Type::Int | Type::Double, Type::Money) => self.scale(&b, &a, &left.span),
            (Div, Type::Money, Type::Money) | (Div, Type::Duration, Type::Duration) => {
                let a = self.builder.add(Node::ToDouble(a.id));
                let b = self.builder.add(Node::ToDouble(b.id));
                Some(self.plain(Type::Double, Node::ArithmeticDouble(Div, a, b)))
            }
            (Mul, Type::Duration, Type::Int) | (Mul, Type::Int, Type::Duration) => {
                Some(self.plain(Type::Duration, Node::Arithmetic(Mul, a.id, b.id)))
            }
            (_, Type::Double, Type::Double) => {
                Some(self.plain(Type::Double, Node::ArithmeticDouble(op, a.id, b.id)))
            }
            (_, Type::Int, Type::Int) => {
                Some(self.plain(Type::Int, Node::Arithmetic(op, a.id, b.id)))
            }
            (Add | Sub | Max | Min, Type::Money | Type::Duration, ty) if ty == a.ty => {
                Some(self.plain(a.ty, Node::Arithmetic(op, a.id, b.id)))
            }
            (Div, Type::Money, Type::Int | Type::Double) => {
                let message = "an amount is not divided by a number";
                let hint = "multiply by a fixed fraction: `amount * 0.5` for `amount / 2`";
                self.fail(span, message, "divided", Some(hint.to_owned()))
            }
            _ => self.mixed("calculate", &a, &b, span),
        }
    }

    fn scale(&mut self, amount: &Typed, by: &Typed, span: &Range<usize>) -> Option<Operand> {
        if by.constant.is_none() {
            let message = "an amount can only be multiplied by a fixed number";
            return self.fail(span, message, "not fixed", None);
        }
        let Some(ppm) = by.millionths else {
            let message = "a factor of an amount has at most 6 digits after the point";
            return self.fail(span, message, "too fine", None);
        };
        Some(self.plain(Type::Money, Node::Scale(amount.id, ppm)))
    }
}
