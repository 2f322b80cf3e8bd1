//! Expressions as written: CEL's syntax as a small tree of our own, with the place of every part.
//!
//! The only place that sees `cel-core`, and of it only the parser: the language's types are the
//! product's own (accounts, windows, money, words), so `rules::compile` checks them against the
//! catalogue and says what is wrong in the catalogue's words.

mod parse;
mod slips;

pub(super) use parse::parse;

use std::ops::Range;

use super::plan::program::{ArithmeticOp, CompareOp};

/// An expression, with its bytes in the expression's text.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Expr {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

/// The forms an expression takes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Bool(bool),
    Int(i64),
    /// A fractional number as written: it may become exact millionths.
    Fraction(String),
    Text(String),
    List(Vec<Expr>),
    Name(String),
    /// `on.name`
    Field {
        on: Box<Expr>,
        name: String,
    },
    /// `on.name(args)` or `name(args)`
    Call {
        on: Option<Box<Expr>>,
        name: String,
        args: Vec<Expr>,
    },
    Not(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    Arithmetic(ArithmeticOp, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Box<Expr>),
    If(Box<Expr>, Box<Expr>, Box<Expr>),
}

impl Expr {
    /// Every direct part, in order.
    pub(super) fn children(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Bool(_) | Kind::Int(_) | Kind::Fraction(_) | Kind::Text(_) | Kind::Name(_) => {
                Vec::new()
            }
            Kind::List(items) => items.iter().collect(),
            Kind::Field { on, .. } | Kind::Not(on) => vec![on],
            Kind::Call { on, args, .. } => on.iter().map(|on| &**on).chain(args).collect(),
            Kind::And(a, b) | Kind::Or(a, b) | Kind::In(a, b) => vec![a, b],
            Kind::Compare(_, a, b) | Kind::Arithmetic(_, a, b) => vec![a, b],
            Kind::If(a, b, c) => vec![a, b, c],
        }
    }

    /// Calls `visit` for this and every part of it, outermost first.
    pub(super) fn walk<'e>(&'e self, visit: &mut dyn FnMut(&'e Self)) {
        visit(self);
        self.children().into_iter().for_each(|child| child.walk(visit));
    }

    /// Calls `visit` for every direct part.
    pub(super) fn children_mut(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        match &mut self.kind {
            Kind::Bool(_) | Kind::Int(_) | Kind::Fraction(_) | Kind::Text(_) | Kind::Name(_) => {}
            Kind::List(items) => items.iter_mut().for_each(visit),
            Kind::Field { on, .. } | Kind::Not(on) => visit(on),
            Kind::Call { on, args, .. } => {
                if let Some(on) = on {
                    visit(on);
                }
                args.iter_mut().for_each(visit);
            }
            Kind::And(a, b) | Kind::Or(a, b) | Kind::In(a, b) => {
                visit(a);
                visit(b);
            }
            Kind::Compare(_, a, b) | Kind::Arithmetic(_, a, b) => {
                visit(a);
                visit(b);
            }
            Kind::If(a, b, c) => {
                visit(a);
                visit(b);
                visit(c);
            }
        }
    }
}
